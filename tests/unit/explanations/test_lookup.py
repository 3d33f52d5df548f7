"""The lookup explainer: planted rules are found, held-out excerpts have no say, scripts agree."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rules import packages_of, parsed_rules
from script_job import run_script
from sklearn.linear_model import LinearRegression
from token_texts import random_tokens, write_text_capture

from codespectra.data.tokens import Tokens
from codespectra.explanations import lookup
from codespectra.explanations.neuron_records import (
    NeuronId,
    NeuronRecord,
    NeuronSimulationResults,
    read_lines,
)
from codespectra.explanations.scores import score_row
from codespectra.explanations.units import Text, find_excerpts, record_unit

VOCABULARY = ["a", "b", "\n", " c", "�", "�"]
UNIT = NeuronId(layer_index=0, neuron_index=0)
LAYERS = "h.0.act", "h.1.act"


def some_tokens(sequences: int = 40, length: int = 12) -> Tokens:
    lengths = np.random.default_rng(1).integers(length // 2, length + 1, sequences)
    return random_tokens(lengths, VOCABULARY)


TOKENS = some_tokens()
TEXT = Text.of(TOKENS)
CONTEXTS = {b: lookup.Contexts.of(TOKENS, TEXT, bigram=b) for b in (False, True)}
VALUES = np.array([0.3, -1.2, 2.0, 0.05, 5.5, -0.4])


def before(tokens: Tokens) -> np.ndarray:
    """The token before each; a sequence's first has its own."""
    return np.where(tokens.position == 0, tokens.token, np.roll(tokens.token, 1))


def explain(response, *, bigram=False, smoothing=1.0, top=8, random=6):
    found = find_excerpts(response, TEXT, UNIT, "neuron", top=top, random=random, seed=0)
    record = record_unit(response, TEXT, UNIT, found)
    contexts = CONTEXTS[bigram]
    return *lookup.explain(record, response, found, TEXT, contexts, smoothing=smoothing), found


def score(response, **options) -> float:
    return score_row(explain(response, **options)[0])["score"]


# Planted rules -----------------------------------------------------------------------------------


@pytest.mark.parametrize("bigram", [False, True])
def test_a_function_of_the_token_scores_one(bigram):
    assert score(VALUES[TOKENS.token], bigram=bigram, smoothing=1e-9) == pytest.approx(1, abs=1e-9)


def test_a_function_of_the_token_before_needs_bigrams():
    tokens = some_tokens(sequences=1500, length=20)
    text = Text.of(tokens)
    # At a sequence's first token, where there is none before, the mean is what a table can know.
    response = np.where(tokens.position == 0, VALUES.mean(), VALUES[before(tokens)])
    chosen = find_excerpts(response, text, UNIT, "neuron", top=8, random=600, seed=0)
    record = record_unit(response, text, UNIT, chosen)
    scores = {}
    for bigram in (False, True):
        contexts = lookup.Contexts.of(tokens, text, bigram=bigram)
        found, _ = lookup.explain(record, response, chosen, text, contexts, smoothing=1e-9)
        scores[bigram] = score_row(found)["score"]
    assert abs(scores[False]) < 0.08  # of some 3,000 tokens: 4 standard errors
    assert scores[True] > 0.999


# Detection and fuzzing ---------------------------------------------------------------------------


@pytest.mark.parametrize("bigram", [False, True])
def test_the_table_judges_what_it_expects(bigram):
    """One token decides, and only half of the sequences have it."""
    tokens = random_tokens(np.full(40, 12), VOCABULARY)
    token = np.where((tokens.token == 1) & (tokens.sequence % 2 == 1), 0, tokens.token)
    tokens = replace(tokens, token=token)
    text, response = Text.of(tokens), (token == 1) * 3.0
    chosen = find_excerpts(response, text, UNIT, "neuron", top=16, random=18, seed=0)
    record = record_unit(response, text, UNIT, chosen)
    contexts = lookup.Contexts.of(tokens, text, bigram=bigram)
    _, judged = lookup.explain(record, response, chosen, text, contexts, smoothing=1e-3)
    # Random excerpts with the token are no more among the strongest than by lot.
    random = [text.strings[one] for one in chosen.random]
    missed = np.mean([VOCABULARY[1] in one for one in random[1::3]])
    assert judged["detection"] == pytest.approx(1 - missed / 2)
    assert (judged["fuzzing"], judged["fuzzing_unparsed"]) == (1, 0)
    assert judged["detection_contexts"] == judged["fuzzing_contexts"] == 4 + 6


def test_noise_is_detected_no_better_than_by_chance():
    rng = np.random.default_rng(0)
    found = [explain(rng.standard_normal(len(TOKENS.token)), random=24)[1] for _ in range(100)]
    for name in ("detection", "fuzzing"):
        scores = [one[name] for one in found]
        assert abs(np.mean(scores) - 0.5) < 4 * np.std(scores) / 10


# The fit -----------------------------------------------------------------------------------------

CASES = st.tuples(st.integers(0, 2**31), st.floats(1e-3, 100), st.booleans())


def random_case(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    response = rng.standard_normal(len(TOKENS.token)) + VALUES[TOKENS.token]
    held_out = np.isin(TOKENS.sequence, rng.choice(40, 15, replace=False))
    return response, held_out


@settings(max_examples=20, deadline=None)
@given(CASES)
def test_the_fit_agrees_with_a_loop_that_leaves_out(case):
    seed, smoothing, bigram = case
    response, held_out = random_case(seed)
    table = lookup.fit(response, CONTEXTS[bigram], held_out, smoothing=smoothing)
    rows = [i for i in range(len(response)) if not held_out[i]]
    mean = sum(response[i] for i in rows) / len(rows)

    def shrunk(values: list[float], prior: float) -> float:
        return (sum(values) + smoothing * prior) / (len(values) + smoothing)

    expected = []
    for i, (token, position) in enumerate(zip(TOKENS.token, TOKENS.position, strict=True)):
        value = shrunk([response[j] for j in rows if TOKENS.token[j] == token], mean)
        if bigram and position > 0:
            pair = (TOKENS.token[i - 1], token)
            like = [
                response[j]
                for j in rows
                if TOKENS.position[j] > 0 and (TOKENS.token[j - 1], TOKENS.token[j]) == pair
            ]
            value = shrunk(like, value)
        expected.append(value)
    found = lookup.predict(table, CONTEXTS[bigram], slice(None))
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_without_smoothing_it_is_a_regression_on_the_tokens():
    response, held_out = random_case(0)
    table = lookup.fit(response, CONTEXTS[False], held_out, smoothing=1e-12)
    one_hot = np.eye(len(VOCABULARY))[TOKENS.token]
    model = LinearRegression(fit_intercept=False).fit(one_hot[~held_out], response[~held_out])
    np.testing.assert_allclose(table.by_token, model.coef_, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(CASES)
def test_scored_excerpts_have_no_influence_on_what_is_predicted(case):
    seed, smoothing, bigram = case
    response, _ = random_case(seed)
    found, _, excerpts = explain(response, bigram=bigram, smoothing=smoothing)
    scored = np.isin(TOKENS.sequence, excerpts.split("valid") + excerpts.split("test"))
    changed = np.where(scored, np.random.default_rng(seed).normal(50, 9, len(response)), response)
    record = record_unit(changed, TEXT, UNIT, excerpts)
    other, _ = lookup.explain(
        record, changed, excerpts, TEXT, CONTEXTS[bigram], smoothing=smoothing
    )
    first, second = (one.scored_explanations[0] for one in (found, other))
    assert first.explanation == second.explanation
    predicted = [
        [
            s.simulation.expected_activations
            for s in one.scored_simulation.scored_sequence_simulations
        ]
        for one in (first, second)
    ]
    assert predicted[0] == predicted[1]
    assert changed[~scored].sum() == response[~scored].sum()


def test_noise_scores_nothing():
    rng = np.random.default_rng(0)
    scores = [score(rng.standard_normal(len(TOKENS.token)), random=24) for _ in range(100)]
    # Not even below 0: top excerpts hold the noise's peaks, which no token predicts.
    assert abs(np.mean(scores)) < 4 * np.std(scores) / 10


def test_a_unit_that_never_varies_has_no_score_but_a_reason():
    found, judged, _ = explain(np.full(len(TOKENS.token), 2.5))
    row = score_row(found)
    assert np.isnan(row["score"])
    assert row["note"] == "the activations don't vary"
    assert row["n_records"] == 4  # of 8 and 6 excerpts two are valid
    # All tokens of all excerpts respond alike: none is highlighted wrongly.
    assert (judged["detection"], judged["detection_contexts"]) == (0.5, 4)
    assert np.isnan(judged["fuzzing"]) and judged["fuzzing_contexts"] == 0


# What it says ------------------------------------------------------------------------------------


def test_the_explanation_names_the_strongest_tokens_legibly():
    response = VALUES[TOKENS.token]
    nothing = np.zeros(len(response), bool)
    table = lookup.fit(response, CONTEXTS[False], nothing, smoothing=1e-12)
    said = lookup.explanation(table, CONTEXTS[False])
    assert said == "lookup: '�' 5.5, '\\n' 2, 'a' 0.3, ' c' 0.05, '�' -0.4"
    response = np.where((before(TOKENS) == 1) & (TOKENS.token == 3), 9.0, response)
    table = lookup.fit(response, CONTEXTS[True], nothing, smoothing=1e-12)
    assert lookup.explanation(table, CONTEXTS[True]).startswith("lookup: 'b' ' c' 9, ")


# The scripts -------------------------------------------------------------------------------------


def write_capture(folder: Path, names: tuple[str, ...] = LAYERS) -> dict[str, list[str]]:
    """Two layers of six neurons, one-hot in the token; the second has one dead neuron."""
    one_hot = np.eye(6, dtype=np.float16)[TOKENS.token] * np.arange(1, 7, dtype=np.float16)
    layers = {"h.0.act": one_hot, "h.1.act": one_hot * np.array([1, 1, 0, 1, 1, 1], np.float16)}
    layers = {name: layers[name] for name in names}
    parts = dict.fromkeys(("mlp", "other"), layers)
    return write_text_capture(folder, layers, TOKENS, parts, model="tiny")


def run_scripts(
    folder: Path, captured: dict[str, list[str]], names: tuple[str, ...] = LAYERS
) -> None:
    cfg = {"parts": {"mlp": [*names]}, "seed": 7, "model": "tiny"}
    collected = {"records": folder / "records.jsonl", "units": folder / "units.csv"}
    looked_up = {"scores": folder / "l.csv", "explanations": folder / "l.jsonl"}
    figure = {form: folder / f"figure.{form}" for form in ("pdf", "png", "csv")}
    sizes = {"units": 6, "top": 8, "random": 6, "draws": 30}
    run_script("collect_records", captured, collected, cfg | sizes)
    fit = {"smoothing": 1e-9, "bigram": False}
    run_script("explain_by_lookup", captured | collected, looked_up, cfg | fit)
    drawn = {"explanations": [str(looked_up["scores"])], "published": []}
    drawing = "explanations.draw_explanations"
    run_script("draw", drawn, figure, {"study": "a study"}, figure=drawing)


def test_these_rules_load_no_network():
    rules = parsed_rules()
    for name in ("collect_records", "explain_by_lookup", "draw_explanations"):
        assert not packages_of(rules[name]) & {"torch", "transformers"}


def test_the_scripts_from_activations_to_scores(tmp_path):
    captured = write_capture(tmp_path)
    for run in ("a", "b"):
        (tmp_path / run).mkdir()
        run_scripts(tmp_path / run, captured)
    units, table = (pd.read_csv(tmp_path / "a" / name) for name in ("units.csv", "l.csv"))
    pd.testing.assert_frame_equal(table[list(units.columns)], units)
    where = ["model", "weights", "stimuli", "reduction", "part", "layer", "depth"]
    assert list(units.columns) == [*where, "kind", "unit", "action"]
    counts = units.groupby(["layer", "kind"]).size()
    assert counts["h.0.act"].to_dict() == {"neuron": 6, "projection": 6, "low_action": 6}
    assert counts["h.1.act"].to_dict() == {"neuron": 5, "projection": 6, "low_action": 6}
    # Whatever is linear in the token's one-hot code is a function of the token.
    assert table["score"].min() > 1 - 1e-9
    assert (table["n_records"] == 4).all()
    assert not table["top_only"].any()

    records = list(read_lines(tmp_path / "a" / "records.jsonl", NeuronRecord))
    results = list(read_lines(tmp_path / "a" / "l.jsonl", NeuronSimulationResults))
    numbers = list(zip(units["depth"] - 1, units["unit"], strict=True))
    for lines in (records, results):
        found = [(one.neuron_id.layer_index, one.neuron_id.neuron_index) for one in lines]
        assert found == numbers
    for record, result in zip(records, results, strict=True):
        (only,) = result.scored_explanations
        scored = only.scored_simulation.scored_sequence_simulations
        valid = record.split("valid")
        assert [one.simulation.tokens for one in scored] == [one.tokens for one in valid]
        assert [one.true_activations for one in scored] == [one.activations for one in valid]
    assert len(pd.read_csv(tmp_path / "a" / "figure.csv")) == 6
    for name in ("records.jsonl", "units.csv", "l.csv", "l.jsonl", "figure.pdf", "figure.csv"):
        same = [(tmp_path / run / name).read_bytes() for run in ("a", "b")]
        assert same[0] == same[1]


@pytest.mark.parametrize(
    ("before", "computed"),
    [(LAYERS[:1], ["1: h.1.act"] * 2), (LAYERS, ["nothing"] * 2), (LAYERS[1:], [])],
    ids=["a layer more", "the same", "at other depths"],
)
def test_a_layer_that_stays_is_taken_over(tmp_path, caplog, before, computed):
    (tmp_path / "grown").mkdir(), (tmp_path / "fresh").mkdir()
    captured = write_capture(tmp_path)
    run_scripts(tmp_path / "fresh", captured)
    (tmp_path / "less").mkdir()
    run_scripts(tmp_path / "grown", write_capture(tmp_path / "less", before), before)
    caplog.clear(), caplog.set_level("INFO")
    run_scripts(tmp_path / "grown", captured)
    said = [text.removeprefix("computed: ") for text in caplog.messages if "computed: " in text]
    assert said == computed
    for name in ("records.jsonl", "units.csv", "l.csv", "l.jsonl", ".records.jsonl.items"):
        grown, fresh = ((tmp_path / run / name).read_bytes() for run in ("grown", "fresh"))
        assert grown == fresh, name
