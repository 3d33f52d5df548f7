"""Detection and fuzzing: which contexts a judge sees, and how a chat model's answers are read."""

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chat_server import contexts_of, says, serving
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score

from codespectra.explanations.chat_answers import Answers, Reply
from codespectra.explanations.chat_endpoint import Endpoint
from codespectra.explanations.chat_judge import CLOSE, MOST, OPEN, ChatJudge, read_list
from codespectra.explanations.chat_questions import Malformed
from codespectra.explanations.detection import SCORES, UNPARSED, judged, to_detect, to_fuzz
from codespectra.explanations.neuron_records import ActivationRecord, NeuronId, NeuronRecord

UNIT = NeuronId(layer_index=2, neuron_index=5)


def excerpt(name: str, activations: list[float]) -> ActivationRecord:
    tokens = [f"{name}-{place}" for place in range(len(activations))]
    return ActivationRecord(tokens=tokens, activations=activations)


def record_of(tops: list[list[float]], randoms: list[list[float]]) -> NeuronRecord:
    return NeuronRecord(
        neuron_id=UNIT,
        most_positive_activation_records=[excerpt(f"t{n}", one) for n, one in enumerate(tops)],
        random_sample=[excerpt(f"r{n}", one) for n, one in enumerate(randoms)],
    )


def noise(tops: int = 20, randoms: int = 21, length: int = 9) -> NeuronRecord:
    rng = np.random.default_rng(0)
    strong, weak = (rng.standard_normal((count, length)) for count in (tops, randoms))
    return record_of((strong + 2).tolist(), weak.tolist())


def test_a_judge_sees_the_excerpts_of_the_simulation():
    record = noise()
    contexts = to_detect(record)
    assert [one.tokens for one in contexts] == [one.tokens for one in record.split("valid")]
    assert [one.is_true for one in contexts] == [True] * 5 + [False] * 7
    assert not any(one.highlighted.any() for one in contexts)


def test_highlighted_tokens_are_right_or_wrong_by_the_excerpt_s_largest_response():
    record = noise()
    contexts, excerpts = to_fuzz(record), record.split("valid")
    assert [one.place for one in contexts] == list(range(12))
    counts = []
    for one in contexts:
        own = np.array(excerpts[one.place].activations)
        responds = own >= 0.3 * own.max()
        if one.is_true:
            np.testing.assert_array_equal(one.highlighted, responds)
            counts.append(responds.sum())
        else:
            assert not (one.highlighted & responds).any()
            assert one.highlighted.sum() == min(math.ceil(np.mean(counts)), (~responds).sum())
    again = to_fuzz(record)
    np.testing.assert_array_equal([c.highlighted for c in contexts], [c.highlighted for c in again])


def test_excerpts_without_a_token_to_highlight_are_left_out():
    """Silent ones of the strongest, and random ones that respond everywhere alike."""
    tops = [[1, 9], [1, 9], [0, -1], [1, 9], [1, 9], [1, 9], [0, 4], [1, 9]]
    randoms = [[1, 1], [2, 2], [1, 1], [1, 1], [5, 0], [1, 1]]
    contexts = to_fuzz(record_of(tops, randoms))
    assert [(one.place, one.highlighted.tolist()) for one in contexts] == [
        (1, [False, True]),
        (3, [False, True]),
    ]


ANSWERS = st.lists(st.sampled_from([0.0, 1.0, UNPARSED]), min_size=12, max_size=12)


@given(ANSWERS)
def test_the_score_is_the_balanced_accuracy_of_what_was_parsed(answers):
    found = judged(noise(), lambda score, contexts: answers)
    truth = np.array([True] * 5 + [False] * 7)
    parsed = np.isfinite(answers)
    for score in SCORES:
        assert found[f"{score}_contexts"] == parsed.sum()
        assert found[f"{score}_unparsed"] == 12 - parsed.sum()
        if len(set(truth[parsed])) < 2:
            assert np.isnan(found[score])
            continue
        right = balanced_accuracy_score(truth[parsed], np.array(answers)[parsed] == 1)
        assert found[score] == pytest.approx(right)
        assert 0 <= found[f"{score}_low"] <= right <= found[f"{score}_high"] <= 1


def test_without_random_excerpts_nobody_is_asked():
    def judge(score: str, contexts: Any) -> list[float]:
        raise AssertionError(score)

    found = judged(noise(randoms=0), judge)
    assert np.isnan(found["detection"]) and found["detection_contexts"] == 0


# A chat model ------------------------------------------------------------------------------------


@pytest.fixture
def ask(tmp_path: Path):
    """The scores of a record by a chat model that plays so, with the judge and all questions."""

    def scores(play, record: NeuronRecord):
        with serving(play) as server:
            endpoint = Endpoint(server.url, "sk-key-of-a-test")
            answers = Answers(tmp_path, endpoint, token_limit=10**6, timeout=20, retries=0)
            judge = ChatJudge("words", UNIT, answers, "judge")
            return judged(record, judge), judge, server.asked

    return scores


def told_apart(body: dict[str, Any], request: Any) -> Any:
    """1 to the strongest, whose names begin with t."""
    contexts = [context.replace(OPEN, "") for context in contexts_of(body)]
    return says(json.dumps([int(bool(re.match(r"\d+\. t", one))) for one in contexts]))


def test_contexts_are_shuffled_and_several_a_question(ask):
    record = noise(tops=4 * 10, randoms=3 * 10)
    found, judge, asked = ask(told_apart, record)
    assert (found["detection"], found["fuzzing"], judge.reasons) == (1, 1, [])
    questions = [contexts_of(body) for body in asked]
    assert [len(one) for one in questions] == [10, 10] * 2 and MOST == 12
    names = [re.match(r"\d+\. (\w+)", one)[1] for question in questions[:2] for one in question]
    assert sorted(names) == sorted(one.tokens[0].split("-")[0] for one in record.split("valid"))
    assert {name[0] for name in names[:10]} == {"t", "r"}
    # Only fuzzing highlights, runs of tokens together, and no number of the unit is told.
    assert not any(OPEN in one for question in questions[:2] for one in question)
    for one in [one for question in questions[2:] for one in question]:
        assert one.count(OPEN) == one.count(CLOSE) > 0
        assert f"{CLOSE}{OPEN}" not in one


def test_answers_that_are_neither_1_nor_0_are_left_out_and_counted(ask):
    def play(body: dict[str, Any], request: Any) -> Any:
        answers = [1 if ". t" in one else 2 for one in contexts_of(body)]
        return says(f"Here: {json.dumps(answers)}")

    found, judge, asked = ask(play, noise())
    assert np.isnan(found["detection"]) and judge.reasons == []
    assert (found["detection_contexts"], found["detection_unparsed"], len(asked)) == (5, 7, 2)


@pytest.mark.parametrize(
    ("bad", "questions", "reason"),
    [
        (says("I think so"), 2 * 3, "detection: malformed 3 times: Your answer has no JSON list"),
        (says(None, refusal="no"), 2, "detection: refused: no"),
    ],
)
def test_a_judge_that_gives_no_answers_has_no_score_but_a_reason(ask, bad, questions, reason):
    found, judge, asked = ask(lambda body, request: bad, noise())
    assert np.isnan(found["detection"]) and np.isnan(found["fuzzing"])
    assert found["detection_unparsed"] == found["fuzzing_unparsed"] == 12
    assert len(asked) == questions and judge.reasons[0].startswith(reason)


@pytest.mark.parametrize(
    ("content", "answers"),
    [
        ("[1, 0]", [1, 0]),
        ("```json\n[1,\n 0]\n```", [1, 0]),
        ("First [maybe] then [true, 0.0]", [1, 0]),
        ('[1, "0"]', [1, UNPARSED]),
        ("[2, null]", [UNPARSED, UNPARSED]),
        ("[NaN, 1]", [UNPARSED, 1]),
    ],
)
def test_a_list_is_read(content, answers):
    np.testing.assert_array_equal(read_list(Reply(content=content), 2), answers)


@pytest.mark.parametrize("content", ["", "1, 0", "[1]", "[1, 0, 1]", "[1 0]", "[9" * 9])
def test_what_is_no_list_of_so_many_is_malformed(content):
    with pytest.raises(Malformed, match="no JSON list of 2 numbers"):
        read_list(Reply(content=content), 2)
    with pytest.raises(Malformed):
        read_list(Reply(content="[1, 0]", finished=False), 2)
