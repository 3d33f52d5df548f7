"""Units explained by chat models: planted rules are found, failures are noted, reruns are free."""

import asyncio
import csv
import json
import math
import re
import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from chat_server import Served, contexts_of, fails, says, serving, transformers_serving
from hypothesis import given
from hypothesis import strategies as st
from script_job import run_script

from codespectra.errors import UserError
from codespectra.explanations.chat import (
    Models,
    explain_unit,
    explain_units,
    read_explanation,
    read_simulation,
)
from codespectra.explanations.chat_answers import Answers, Reply
from codespectra.explanations.chat_endpoint import Endpoint
from codespectra.explanations.chat_questions import Malformed, visible
from codespectra.explanations.neuron_records import (
    ActivationRecord,
    NeuronId,
    NeuronRecord,
    NeuronSimulationResults,
    read_lines,
    write_lines,
)
from codespectra.files.csv_tables import read_csv
from codespectra.files.csv_writer import write_csv
from codespectra.models.byte_gpt2 import byte_gpt2, byte_tokenizer
from codespectra.models.language_models import save_language_model

MODELS = Models("explainer", "simulator")
RESPONDS = "The unit responds to: "
WORDS = ["the", " cat", "\n", " ", "\t", "7", "é", "a b", "\\n", "```"]


def excerpt(word: str, shift: int) -> ActivationRecord:
    """All words in some order, of which the unit responds to one alone."""
    tokens = WORDS[shift:] + WORDS[:shift]
    return ActivationRecord(tokens=tokens, activations=[2.5 * (t == word) for t in tokens])


def unit_of(word: str, number: int = 0, random: int = 3) -> NeuronRecord:
    """A unit that responds to one word alone."""
    return NeuronRecord(
        neuron_id=NeuronId(layer_index=1, neuron_index=number),
        most_positive_activation_records=[excerpt(word, shift) for shift in range(8)],
        random_sample=[excerpt(word, shift) for shift in range(random)],
    )


def oracle(body: dict[str, Any], request: Any = None) -> Any:
    """A model that sees which token is active, and simulates that; as tokens are shown to it.

    It judges that a context has the word highlighted, or else that it is of the strongest.
    """
    if contexts := contexts_of(body):
        phrase = body["messages"][-1]["content"].split("\n")[0].removeprefix(RESPONDS)
        marked = [re.findall("⟦(.*?)⟧", context) for context in contexts]
        right = [not marks or phrase in [visible(m).strip() for m in marks] for marks in marked]
        return says(json.dumps([int(answer) for answer in right]))
    question = body["messages"][-1]["content"]
    if body["model"] == "explainer":
        return says(re.search(r"^(.*)\t10$", question, re.M)[1])
    word, *tokens = question.removeprefix(RESPONDS).split("\n")
    return says("\n".join(f"{token}\t{10 * (token.strip() == word)}" for token in tokens[1:]))


def content_of(answer: Any) -> str:
    return json.loads(answer.body)["choices"][0]["message"]["content"]


def ready(folder: Path, server: Served, *, limit: int = 10**7) -> Answers:
    return Answers(
        folder, Endpoint(server.url, "sk-key-of-a-test"), token_limit=limit, timeout=20, retries=1
    )


def test_a_planted_rule_scores_one(tmp_path) -> None:
    """Blank and escaped tokens survive the way there and back."""
    units = [unit_of(word, number) for number, word in enumerate(WORDS)]
    with serving(oracle) as server:
        answers = ready(tmp_path, server)
        found = list(explain_units(units, len(units), answers, MODELS, 4))
        # A question a unit, its two top and one random valid excerpts, and two to judge them.
        assert len(server.asked) == 6 * len(units)
    assert [each.results.neuron_id.neuron_index for each in found] == list(range(len(units)))
    for word, (results, judged, note, top_only) in zip(WORDS, found, strict=True):
        # Its random excerpts are like the others, but for what is highlighted.
        assert (judged["detection"], judged["fuzzing"]) == (0.5, 1)
        assert judged["detection_contexts"] == judged["fuzzing_contexts"] == 3
        (only,) = results.scored_explanations
        assert only.explanation == visible(word).strip()
        assert only.scored_simulation.ev_correlation_score == pytest.approx(1)
        (scale,) = {
            sequence.simulation.activation_scale
            for sequence in only.scored_simulation.scored_sequence_simulations
        }
        assert (scale, note, top_only) == ("simulated_normalized_activations", "", False)


def test_the_explainer_sees_train_and_the_simulator_valid_without_activations(tmp_path) -> None:
    unit = NeuronRecord(
        neuron_id=NeuronId(layer_index=0, neuron_index=0),
        most_positive_activation_records=[
            ActivationRecord(tokens=[f"top{n}", "x"], activations=[4, n / 4]) for n in range(8)
        ],
        random_sample=[
            ActivationRecord(tokens=[f"random{n}", "x"], activations=[-1, 1]) for n in range(4)
        ],
    )
    with serving(lambda body, _: says("x" if body["model"] == "explainer" else "a\t1\nb\t2")) as to:
        explain_unit(unit, ready(tmp_path, to), MODELS)
        first, *rest = ([body["model"], body["messages"][-1]["content"]] for body in to.asked)
    # Stride 4 among the top excerpts and 3 among the random ones; 10 is the unit's largest here.
    assert first == ["explainer", "Excerpt 1:\ntop0\t10\nx\t0\n\nExcerpt 2:\ntop4\t10\nx\t2"]
    assert rest[:3] == [
        ["simulator", f"The unit responds to: x\n\n{name}\nx"]
        for name in ("top2", "top6", "random1")
    ]


@given(st.text(st.characters(), min_size=1))
def test_a_token_is_shown_in_one_line_and_never_blank(token: str) -> None:
    shown = visible(token)
    assert shown.strip() and len(shown.splitlines()) == 1 and "\t" not in shown
    assert shown.encode()
    if token.isprintable() and token.strip():
        assert shown == token


@given(
    st.lists(st.tuples(st.text(st.characters(), min_size=1), st.integers(0, 10)), min_size=1),
    st.sampled_from(["\t{}", "  {}", "\t{}.0", "\t{} "]),
    st.sampled_from(["{}", "```\n{}\n```", "\n{}\n\n", "```text\n{}\n```\n"]),
)
def test_activations_are_read_whatever_the_tokens(
    lines: list[tuple[str, int]], ending: str, frame: str
) -> None:
    reply = "\n".join(visible(token) + ending.format(number) for token, number in lines)
    found = read_simulation(Reply(content=frame.format(reply)), len(lines))
    assert found == [number for _, number in lines]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("a\t1", "has 1 lines, but the excerpt has 2 tokens"),
        ("a\t1\nb\t2\nc\t3", "has 3 lines"),
        ("", "has 0 lines"),
        ("a\t1\nb", "Line 2"),
        ("a\t1\nb\t11", "Line 2"),
        ("a\t-1\nb\t1", "Line 1"),
        ("a\tnan\nb\t1", "Line 1"),
        ("a1\nb\t1", "Line 1"),
    ],
)
def test_a_malformed_simulation_is_told(content: str, complaint: str) -> None:
    with pytest.raises(Malformed, match=complaint):
        read_simulation(Reply(content=content), 2)


def test_what_was_cut_off_is_malformed() -> None:
    with pytest.raises(Malformed):
        read_simulation(Reply(content="a\t1", finished=False), 1)
    with pytest.raises(Malformed, match="too long"):
        read_explanation(Reply(content="words that", finished=False))
    with pytest.raises(Malformed, match="empty"):
        read_explanation(Reply(content=" \n"))
    assert read_explanation(Reply(content=" words\n for rain ")) == "words for rain"


def test_a_model_that_errs_is_told_and_asked_again(tmp_path) -> None:
    def play(body: dict, _: Any) -> Any:
        told = "but the excerpt has 10 tokens" in body["messages"][-1]["content"]
        if body["model"] == "explainer" or told or contexts_of(body):
            return oracle(body | {"messages": body["messages"][: -2 if told else None]})
        return says("too\t1\nfew\t2")

    with serving(play) as server:
        results, _, note, _ = explain_unit(unit_of("the"), ready(tmp_path, server), MODELS)
        assert len(server.asked) == 1 + 3 * 2 + 2
    assert note == ""
    assert results.scored_explanations[0].scored_simulation.ev_correlation_score == pytest.approx(1)


@pytest.mark.parametrize(
    ("bad", "note", "questions"),
    [
        (says("nonsense"), r"malformed 3 times: Your answer has 1 lines, but", 1 + 3 * 3),
        (says(None, refusal="I can't\nhelp"), "refused: I can't help; detection: ", 1 + 3),
        (says(None), "refused: no content", 1 + 3),
    ],
    ids=["malformed", "refusal", "no content"],
)
def test_a_unit_that_fails_has_a_note_and_others_go_on(
    tmp_path, bad: Any, note: str, questions: int
) -> None:
    """The simulator fails at the unit of one word."""

    def play(body: dict, _: Any) -> Any:
        fails_at_it = any(": the\n" in message["content"] for message in body["messages"])
        return bad if fails_at_it else oracle(body)

    units = [unit_of("é", 0), unit_of("the", 1), unit_of("7", 2)]
    with serving(play) as server:
        found = list(explain_units(units, 3, ready(tmp_path, server), MODELS, 1))
        assert len(server.asked) == 6 + questions + 6
    scores = [each.results.scored_explanations[0].scored_simulation for each in found]
    assert [each.ev_correlation_score for each in scores] == pytest.approx(
        [1, math.nan, 1], nan_ok=True
    )
    assert found[1].note.startswith(note) and not found[0].note + found[2].note
    # The explanation is kept, and nothing that it wasn't scored on.
    assert found[1].results.scored_explanations[0].explanation == "the"
    assert scores[1].scored_sequence_simulations == []
    assert math.isnan(found[1].judged["detection"]) and found[1].judged["detection_unparsed"] == 3


def test_a_silent_unit_costs_nothing(tmp_path) -> None:
    unit = unit_of("nowhere")
    with serving(oracle) as server:
        results, _, note, _ = explain_unit(unit, ready(tmp_path, server), MODELS)
        assert not server.asked
    assert note == "no positive activation in the excerpts to explain"
    assert math.isnan(results.scored_explanations[0].scored_simulation.ev_correlation_score)


def test_units_come_in_order_though_the_first_is_answered_last(tmp_path) -> None:
    others = threading.Event()

    async def later(body: dict) -> Any:
        await asyncio.to_thread(others.wait, 10)
        return oracle(body)

    def play(body: dict, _: Any) -> Any:
        question = body["messages"][-1]["content"]
        if body["model"] == "explainer" and "the\t10" in question:
            return later(body)
        if "to: é\n" in question:
            others.set()
        return oracle(body)

    units = [unit_of("the", 0), unit_of("7", 1), unit_of("é", 2)]
    with serving(play) as server:
        found = explain_units(iter(units), 3, ready(tmp_path, server), MODELS, 2)
        assert [each.results.neuron_id.neuron_index for each in found] == [0, 1, 2]
        assert others.is_set()


def test_the_limit_tells_how_far_it_got_and_a_higher_one_goes_on(tmp_path) -> None:
    units = [unit_of(word, number) for number, word in enumerate(WORDS)]
    with serving(lambda body, _: says(content_of(oracle(body)), tokens=500)) as s:
        with pytest.raises(UserError) as failure:
            list(explain_units(units, len(units), ready(tmp_path, s, limit=9000), MODELS, 2))
        asked, spent = len(s.asked), ready(tmp_path, s).budget.spent
        told = re.match(
            r"(\d+) units done, (\d+) left: .* cost (\d+) tokens of 9000, .* may cost (\d+); "
            r"raise language\.explanations\.explainers\.openai\.token_limit",
            str(failure.value),
        )
        done, left, told_spent, needed = map(int, told.groups())
        assert done + left == len(units) and 1 <= done <= asked // 6
        assert told_spent == spent == 500 * asked <= 9000 < spent + needed
        found = list(explain_units(units, len(units), ready(tmp_path, s), MODELS, 2))
        assert len(found) == len(units) and len(s.asked) == 6 * len(units)


def test_an_endpoint_that_fails_ends_all_threads(tmp_path) -> None:
    units = [unit_of(word, number) for number, word in enumerate(WORDS)]
    with serving(lambda body, request: fails(401, "no")) as server:
        with pytest.raises(UserError, match="check OPENAI_API_KEY"):
            list(explain_units(units, len(units), ready(tmp_path, server), MODELS, 2))
        assert len(server.asked) <= 2


class Job:
    """The rule's job in a folder."""

    def __init__(self, folder: Path, units: list[NeuronRecord], monkeypatch: Any) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-key-of-a-test")
        self.monkeypatch, self.model = monkeypatch, folder / "explanations" / "bytes"
        self.scores, self.explanations = self.model / "openai.csv", self.model / "openai.jsonl"
        write_lines(self.model / "records.jsonl", units)
        where = {"model": "bytes", "weights": "train", "stimuli": "text"}
        where |= {
            "reduction": "tokens",
            "part": "mlp",
            "layer": "h.0",
            "depth": 1,
            "kind": "neuron",
        }
        numbers = [unit.neuron_id.neuron_index for unit in units]
        write_csv(self.model / "units.csv", pd.DataFrame(where | {"unit": numbers, "action": 1.5}))

    def run(self, url: str, *, explainer: str = "explainer", simulator: str = "simulator") -> None:
        self.monkeypatch.setenv("OPENAI_BASE_URL", url)
        inputs = {"records": self.model / "records.jsonl", "units": self.model / "units.csv"}
        outputs = {"scores": self.scores, "explanations": self.explanations}
        cfg = {"explainer_model": explainer, "simulator_model": simulator, "model": "bytes"}
        chat = {"token_limit": 10**6, "concurrency": 2, "timeout": 60.0, "retries": 1}
        config = {"runtime": {"chat": chat}}
        run_script("explain_by_chat", inputs, outputs, cfg, config=config)

    def rows(self) -> list[dict[str, str]]:
        with self.scores.open() as file:
            return list(csv.DictReader(file))

    def outputs(self) -> tuple[bytes, bytes]:
        return self.scores.read_bytes(), self.explanations.read_bytes()


def test_the_rule_writes_scores_and_explanations_and_a_rerun_asks_nothing(
    tmp_path, monkeypatch
) -> None:
    units = [unit_of("é", 3), unit_of("nowhere", 4), unit_of(" cat", 5, random=0)]
    job = Job(tmp_path, units, monkeypatch)
    with serving(oracle) as server:
        job.run(server.url)
        asked = len(server.asked)
    first = job.outputs()
    job.run(server.url)  # of a server that is gone
    assert job.outputs() == first and asked == 6 + 0 + 3
    rows = job.rows()
    assert [row["unit"] for row in rows] == ["3", "4", "5"]
    assert {row["explainer"] for row in rows} == {"openai explainer / simulator"}
    assert [row["score"] for row in rows] == ["1", "", "1"]
    assert [row["n_tokens"] for row in rows] == ["30", "0", "20"]
    assert [row["top_only"] for row in rows] == ["False", "False", "True"]
    assert [bool(row["note"]) for row in rows] == [False, True, False]
    assert [row["fuzzing"] for row in rows] == ["1", "", ""]
    assert [row["fuzzing_contexts"] for row in rows] == ["3", "0", "0"]
    lines = list(read_lines(job.explanations, NeuronSimulationResults))
    assert [line.neuron_id for line in lines] == [unit.neuron_id for unit in units]
    assert [line.scored_explanations[0].explanation for line in lines] == ["é", "", "cat"]
    written = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert not any(b"sk-key" in content for content in written)


def test_a_judge_that_answers_neither_is_named(tmp_path, monkeypatch, caplog) -> None:
    def play(body: dict, request: Any) -> Any:
        contexts = contexts_of(body)
        return says(json.dumps(["maybe"] * len(contexts))) if contexts else oracle(body)

    job = Job(tmp_path, [unit_of("é", 3)], monkeypatch)
    with serving(play) as server:
        job.run(server.url)
    (row,) = job.rows()
    assert (row["score"], row["detection"], row["fuzzing"]) == ("1", "", "")
    assert row["detection_unparsed"] == row["fuzzing_unparsed"] == "3"
    told = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert [one.partition(":")[0] for one in told] == ["detection", "fuzzing"]
    assert "model 'simulator' answers neither 1 nor 0" in told[0]


def test_a_long_explanation_is_kept_and_read_again(tmp_path, monkeypatch) -> None:
    """Longer than the csv module reads without being told."""
    long = "rain " * 40_000

    def play(body: dict, request: Any) -> Any:
        return says(long) if body["model"] == "explainer" else oracle(body)

    job = Job(tmp_path, [unit_of("é", 3)], monkeypatch)
    with serving(play) as server:
        for _ in range(2):
            job.run(server.url)
            table = read_csv(job.scores, "explanations")
            assert list(table["explanation"]) == [long.strip()]
        assert len(server.asked) == 1 + 3 + 2


def test_the_server_of_transformers_is_understood(tmp_path, monkeypatch) -> None:
    """Its model writes noise, so what counts is that it was asked, counted and kept."""
    model = tmp_path / "model"
    small = {"width": 16, "layers": 1, "heads": 2, "context": 8192}
    save_language_model(model, byte_gpt2(small), byte_tokenizer(8192))
    job = Job(tmp_path, [unit_of("é", 0), unit_of("7", 1)], monkeypatch)
    with transformers_serving(model, tmp_path / "server.log") as server:
        job.run(server.url, explainer=str(model), simulator=str(model))
        alone = ready(tmp_path / "alone", server)
        alone.ask(str(model), [{"role": "user", "content": "héllo"}], max_tokens=5)
    # A byte of what the template makes of the question is a token; so is one of the answer.
    assert alone.budget.spent == len("héllo\n".encode()) + 5
    first = job.outputs()
    job.run(server.url, explainer=str(model), simulator=str(model))
    assert job.outputs() == first
    assert [row["note"].split(":")[0] for row in job.rows()] == ["malformed 3 times"] * 2
    kept = [json.loads(f.read_text()) for f in (tmp_path / "explanations/answers").iterdir()]
    assert [each["reply"]["finished"] for each in kept] == [False] * 6
