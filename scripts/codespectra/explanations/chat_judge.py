"""A chat model as judge of detection and fuzzing: several contexts a question, 1 or 0 for each."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from codespectra.explanations.chat_answers import Answers, NoAnswer, Reply
from codespectra.explanations.chat_questions import Malformed, asked, in_one_line, message
from codespectra.explanations.detection import DETECTION, FUZZING, UNPARSED, Context
from codespectra.explanations.neuron_records import NeuronId

# Contexts a question: all of a unit with twenty excerpts of either kind.
MOST = 12
# A number with a comma and a blank, and a fence around all of them.
ANSWER_TOKENS, FRAME_TOKENS = 4, 32
# Python's sources have << and >>, which are delphi's.
OPEN, CLOSE = "⟦", "⟧"

_TASK = """\
You judge a phrase that says what a unit of a language model responds to. You get the phrase and
numbered contexts, each an excerpt of text in one line. Characters that can't be seen are written as
escapes such as \\x0a."""
_FORM = "Answer with a JSON list of these numbers, one a context in their order, and nothing else."

TASKS = {
    DETECTION: f"""\
{_TASK} Some are those in which the unit responds most strongly, the others are drawn at random.
For each answer 1 if what the phrase says is in the context, so that it is one of the former, and 0
if not. {_FORM}""",
    FUZZING: f"""\
{_TASK} In each some tokens stand between {OPEN} and {CLOSE}. In some contexts these are where the
unit responds, in the others they are wrong. For each answer 1 if they are what the phrase says, and
0 if not. {_FORM}""",
}
EXAMPLE_PHRASE = "words for weather that is wet"
EXAMPLES = {
    DETECTION: ["All day the rain fell, a thin drizzle.", "They ran home to read a book."],
    FUZZING: [
        f"All day the{OPEN} rain{CLOSE} fell, a thin{OPEN} drizzle{CLOSE}.",
        f"They{OPEN} ran{CLOSE} home as the showers began.",
    ],
}
EXAMPLE_ANSWER = "[1, 0]"

LIST = re.compile(r"\[[^\[\]]*\]")


@dataclass
class ChatJudge:
    """Answers of a chat model that knows a unit's explanation; `reasons`: why it gave none."""

    explanation: str
    unit: NeuronId
    answers: Answers
    model: str
    reasons: list[str] = field(default_factory=list)

    def __call__(self, score: str, contexts: Sequence[Context]) -> list[float]:
        """1 or 0 for each context, `UNPARSED` where the model says neither.

        Contexts are shuffled by the unit's numbers, so that a rerun asks the same.

        Raises:
            UserError: as `Answers.ask`.
        """
        rng = np.random.default_rng([self.unit.layer_index, self.unit.neuron_index])
        order, given = rng.permutation(len(contexts)), np.full(len(contexts), UNPARSED)
        for places in np.array_split(order, max(math.ceil(len(order) / MOST), 1)):
            if len(places):
                given[places] = self._asked(score, [contexts[place] for place in places])
        return given.tolist()

    def _asked(self, score: str, contexts: list[Context]) -> list[float]:
        """The answers to one question."""
        messages = [
            message("system", TASKS[score]),
            message("user", _posed(EXAMPLE_PHRASE, EXAMPLES[score])),
            message("assistant", EXAMPLE_ANSWER),
            message("user", _posed(self.explanation, map(_shown, contexts))),
        ]
        count = len(contexts)
        longest = ANSWER_TOKENS * count + FRAME_TOKENS
        try:
            return asked(
                self.answers, self.model, messages, longest, lambda reply: read_list(reply, count)
            )
        except NoAnswer as error:
            self.reasons.append(f"{score}: {error}")
            return [UNPARSED] * count


def read_list(reply: Reply, count: int) -> list[float]:
    """The numbers of a reply's last list; what is neither 1 nor 0 is `UNPARSED`.

    Raises:
        Malformed: there is no list of `count` entries, or it was cut off.
    """
    found = LIST.findall(reply.content)
    try:
        entries = json.loads(found[-1]) if found and reply.finished else []
    except ValueError:
        entries = []
    if len(entries) != count:
        raise Malformed(
            f"Your answer has no JSON list of {count} numbers. Answer with exactly {count} numbers "
            "in one list, each 1 or 0, and nothing else."
        )
    return [float(entry) if entry in (0, 1) else UNPARSED for entry in entries]


def _posed(phrase: str, contexts: Sequence[str] | map) -> str:
    lines = (f"{number}. {context}" for number, context in enumerate(contexts, start=1))
    return "\n".join([f"The unit responds to: {phrase}", "", *lines])


def _shown(context: Context) -> str:
    """A context in one line, runs of highlighted tokens in brackets."""
    marks = np.diff(context.highlighted.astype(int), prepend=0, append=0)
    opened = [OPEN if step > 0 else CLOSE if step < 0 else "" for step in marks]
    tokens = [*context.tokens, ""]
    return in_one_line("".join(mark + token for mark, token in zip(opened, tokens, strict=True)))
