"""Explanations of units by one chat model, and their simulation by another (Bills et al. 2023).

The explainer sees excerpts of a unit with its activation, from 0 to 10, at every token, and says in
a phrase what they have in common. The simulator sees the phrase and a held-out excerpt, and says
0 to 10 for every token. Bills et al. took the expected value over the probabilities of these
numbers at each token; endpoints seldom tell probabilities, so here the number that the model
writes is taken as it is. Scores of the two kinds shouldn't be compared. The simulator also judges
the same excerpts (`detection`).
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

from codespectra.errors import UserError
from codespectra.explanations.chat_answers import Answers, NoAnswer, Reply
from codespectra.explanations.chat_budget import LimitReached
from codespectra.explanations.chat_judge import ChatJudge
from codespectra.explanations.chat_questions import Malformed, asked, message, visible
from codespectra.explanations.detection import Judged, judged, unjudged
from codespectra.explanations.neuron_records import (
    HIGHEST,
    ActivationRecord,
    NeuronRecord,
    NeuronSimulationResults,
    normalized,
)
from codespectra.explanations.scores import scored, unscored

EXPLANATION_TOKENS = 120
# A line of a simulation has a token, a tab, a number and a line's end.
LINE_TOKENS = 8

EXPLAIN = f"""\
You study a unit of a language model. You get excerpts of text, a token a line, each with a tab and
the unit's activation there, from 0 (silent) to {HIGHEST} (its strongest). Characters that can't be
seen are written as escapes such as \\x0a. Say in one short phrase, without the excerpts' numbers,
what the unit responds to. Answer with the phrase alone."""

SIMULATE = f"""\
You predict a unit of a language model. You get a phrase that says what the unit responds to, and
an excerpt of text, a token a line. Characters that can't be seen are written as escapes such as
\\x0a. Answer with the same lines in the same order, each with a tab and the activation that you
expect there, a whole number from 0 (silent) to {HIGHEST} (its strongest). Most are 0. Write
nothing else."""

NUMBER = re.compile(r"\s(\d+(?:\.\d+)?)\s*$")
FENCE = re.compile(r"\s*```\w*\s*")


@dataclass(frozen=True)
class Models:
    """Names, at the endpoint, of the models that explain and that simulate."""

    explainer: str
    simulator: str


class Explained(NamedTuple):
    """A unit's scored explanation.

    `note` says why a chat model gave none, or no score, and is else empty; `top_only`: there are no
    random excerpts to score it on.
    """

    results: NeuronSimulationResults
    judged: Judged
    note: str
    top_only: bool


def explain_units(
    records: Iterable[NeuronRecord], total: int, answers: Answers, models: Models, concurrency: int
) -> Iterator[Explained]:
    """Explain units, several at a time; results come in the units' order.

    Args:
        records: of the units; read little by little.
        total: how many there are.
        answers: of the chat models.
        models: which they are.
        concurrency: units at a time.

    Raises:
        UserError: the endpoint can't be used, or the token limit is reached. Answers are kept.
    """
    waiting: deque[Future[Explained]] = deque()
    yielded = 0
    with ThreadPoolExecutor(concurrency) as pool:
        try:
            for record in records:
                waiting.append(pool.submit(explain_unit, record, answers, models))
                if len(waiting) == 2 * concurrency:
                    yield waiting.popleft().result()
                    yielded += 1
            while waiting:
                yield waiting.popleft().result()
                yielded += 1
        except BaseException as error:
            answers.stop(error)
            pool.shutdown(cancel_futures=True)
            if isinstance(error, LimitReached):
                done = yielded + sum(map(_succeeded, waiting))
                raise UserError(f"{done} units done, {total - done} left: {error}") from None
            raise


def _succeeded(future: Future) -> bool:
    return not future.cancelled() and future.exception() is None


def explain_unit(record: NeuronRecord, answers: Answers, models: Models) -> Explained:
    """A unit's explanation from its `train` excerpts, scored and judged on its `valid` ones.

    A unit that a model refuses, or whose replies are malformed `TRIES` times, has no score and a
    note. Simulated activations are on the scale of prompts, 0 to 10.

    Args:
        record: of the unit.
        answers: of the chat models.
        models: which they are.

    Raises:
        UserError: as `Answers.ask`.
    """
    unit, top_only = record.neuron_id, not record.random_sample
    try:
        explanation = explain(record, answers, models.explainer)
    except NoAnswer as error:
        return Explained(unscored(unit), unjudged(), str(error), top_only)
    results, note = _simulated(record, explanation, answers, models.simulator)
    judge = ChatJudge(explanation, unit, answers, models.simulator)
    columns = judged(record, judge)
    return Explained(results, columns, "; ".join(filter(None, [note, *judge.reasons])), top_only)


def _simulated(
    record: NeuronRecord, explanation: str, answers: Answers, model: str
) -> tuple[NeuronSimulationResults, str]:
    """The explanation's scores by simulation, or why there are none."""
    unit, valid = record.neuron_id, record.split("valid")
    try:
        simulated = [simulate(explanation, one.tokens, answers, model) for one in valid]
    except NoAnswer as error:
        return unscored(unit, explanation), str(error)
    return scored(unit, explanation, valid, simulated, "simulated_normalized_activations"), ""


def explain(record: NeuronRecord, answers: Answers, model: str) -> str:
    """The explainer's phrase on a unit's `train` excerpts.

    Raises:
        NoAnswer: the unit is silent there, the model refuses, or its replies are malformed.
        UserError: as `Answers.ask`.
    """
    excerpts = record.split("train")
    if _maximum(excerpts) <= 0:
        raise NoAnswer("no positive activation in the excerpts to explain")
    messages = [
        message("system", EXPLAIN),
        message("user", _shown(EXAMPLE_EXCERPTS)),
        message("assistant", EXAMPLE_EXPLANATION),
        message("user", _shown(excerpts)),
    ]
    return asked(answers, model, messages, EXPLANATION_TOKENS, read_explanation)


def simulate(explanation: str, tokens: list[str], answers: Answers, model: str) -> list[float]:
    """Activations, 0 to 10, that the simulator expects at the tokens of an excerpt.

    Raises:
        NoAnswer: the model refuses, or its replies are malformed.
        UserError: as `Answers.ask`.
    """
    example = EXAMPLE_EXCERPTS[0]
    messages = [
        message("system", SIMULATE),
        message("user", _posed(EXAMPLE_EXPLANATION, example.tokens)),
        message("assistant", _lines(example, _maximum(EXAMPLE_EXCERPTS))),
        message("user", _posed(explanation, tokens)),
    ]
    longest = sum(len(visible(token).encode()) + LINE_TOKENS for token in tokens)
    return asked(
        answers, model, messages, longest, lambda reply: read_simulation(reply, len(tokens))
    )


def read_explanation(reply: Reply) -> str:
    """The phrase of a reply, in one line.

    Raises:
        Malformed: it is empty or was cut off.
    """
    phrase = " ".join(reply.content.split())
    if not phrase:
        raise Malformed("Your answer is empty. Answer with one short phrase.")
    if not reply.finished:
        raise Malformed("Your answer is too long. Answer with one short phrase alone.")
    return phrase


def read_simulation(reply: Reply, count: int) -> list[float]:
    """The numbers at the ends of a reply's lines; empty lines and code fences are passed over.

    Raises:
        Malformed: it isn't `count` lines with a number from 0 to 10 each, or was cut off.
    """
    lines = [
        line for line in reply.content.split("\n") if line.strip() and not FENCE.fullmatch(line)
    ]
    if len(lines) != count or not reply.finished:
        raise Malformed(
            f"Your answer has {len(lines)} lines, but the excerpt has {count} tokens. Answer with "
            f"exactly {count} lines, each a token, a tab and a number from 0 to {HIGHEST}."
        )
    return [_activation(line, number) for number, line in enumerate(lines, start=1)]


def _activation(line: str, number: int) -> float:
    found = NUMBER.search(line)
    if not found or not 0 <= float(found[1]) <= HIGHEST:
        raise Malformed(
            f"Line {number} of your answer doesn't end in a tab and a number from 0 to {HIGHEST}."
        )
    return float(found[1])


def _shown(excerpts: list[ActivationRecord]) -> str:
    """Excerpts with their activations on a common scale, as the explainer sees them."""
    maximum = _maximum(excerpts)
    return "\n\n".join(
        f"Excerpt {number}:\n{_lines(excerpt, maximum)}"
        for number, excerpt in enumerate(excerpts, start=1)
    )


def _lines(excerpt: ActivationRecord, maximum: float) -> str:
    """A line a token: the token, a tab, its activation from 0 to 10."""
    activations = normalized(excerpt.activations, maximum)
    return "\n".join(
        f"{visible(token)}\t{activation}"
        for token, activation in zip(excerpt.tokens, activations, strict=True)
    )


def _posed(explanation: str, tokens: list[str]) -> str:
    """The simulator's question."""
    return "\n".join([f"The unit responds to: {explanation}", "", *map(visible, tokens)])


def _maximum(excerpts: list[ActivationRecord]) -> float:
    return max((max(e.activations, default=0.0) for e in excerpts), default=0.0)


EXAMPLE_EXPLANATION = "words for weather that is wet"
EXAMPLE_EXCERPTS = [
    ActivationRecord(
        tokens=["All", " day", " the", " rain", " fell", ",", " a", " thin", " drizzle", "."],
        activations=[0, 0, 0, 10, 2, 0, 0, 1, 9, 0],
    ),
    ActivationRecord(
        tokens=["They", " ran", " home", " as", " the", " showers", " began", "\n"],
        activations=[0, 0, 0, 0, 0, 8, 1, 0],
    ),
]
