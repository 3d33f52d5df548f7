"""Scores of explanations, and published files of them scored again."""

import json
import math
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from script_job import run_script

from codespectra.errors import UserError
from codespectra.explanations import published
from codespectra.explanations.neuron_records import (
    ActivationRecord,
    NeuronId,
    NeuronSimulationResults,
    ScoredExplanation,
    read_lines,
    write_lines,
)
from codespectra.explanations.published import largest_difference, published_files, read_published
from codespectra.explanations.scores import (
    absolute_dev,
    ev_correlation,
    rescored,
    rsquared,
    score_row,
    scored,
    unscored,
)

UNIT = NeuronId(layer_index=2, neuron_index=5)


def excerpts(rng: np.random.Generator, count: int, length: int) -> list[ActivationRecord]:
    return [
        ActivationRecord(tokens=["a"] * length, activations=rng.normal(size=length).tolist())
        for _ in range(count)
    ]


def joined(records: list[ActivationRecord]) -> np.ndarray:
    return np.concatenate([record.activations for record in records])


@given(st.integers(0, 10**6), st.floats(0.1, 10), st.floats(-10, 10))
def test_the_score_is_numpys_correlation_of_all_tokens(seed, slope, shift):
    rng = np.random.default_rng(seed)
    records = excerpts(rng, 4, 6)
    simulated = rng.normal(size=(4, 6))
    row = score_row(scored(UNIT, "x", records, slope * simulated + shift, "neuron_activations"))
    expected = np.corrcoef(joined(records), simulated.ravel())[0, 1]
    assert row["score"] == pytest.approx(expected, abs=1e-9)  # of the excerpts, not a mean of them
    assert (row["n_tokens"], row["n_records"], row["note"]) == (24, 4, "")


def test_r_squared_and_deviation_by_hand():
    """Residuals 0, 1, -2 of activations 1, -2, 4: 5 of 21 in squares, 3 of 7 in size."""
    true, simulated = [1, -2, 4], [1, -3, 6]
    assert rsquared(true, simulated) == pytest.approx(1 - 5 / 21)
    assert absolute_dev(true, simulated) == pytest.approx(1 - 3 / 7)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30))
def test_a_perfect_simulation_scores_one_in_all_three(values):
    values = np.round(values, 3)
    varies, present = np.ptp(values) > 0, values.any()
    found = [score(values, values) for score in (ev_correlation, rsquared, absolute_dev)]
    expected = [1 if varies else math.nan] + [1 if present else math.nan] * 2
    assert found == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("true", "simulated", "note"),
    [
        ([0.1] * 50, np.arange(50), "the activations don't vary"),
        (np.arange(50), [0.1] * 50, "the simulated activations don't vary"),
        ([1, 2, math.nan], [1, 2, 3], "the activations are not all finite"),
        ([1, 2, 3], [math.inf, 2, 3], "the simulated activations are not all finite"),
        ([1], [2], "the activations don't vary"),
        ([], [], "no simulated excerpts"),
    ],
)
def test_a_missing_score_says_why_and_never_warns(true, simulated, note):
    record = ActivationRecord(tokens=["a"] * len(true), activations=list(map(float, true)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        results = scored(UNIT, "x", [record], [simulated], "neuron_activations")
        row = score_row(results)
    assert math.isnan(row["score"])
    assert row["note"] == note
    written = json.loads(results.model_dump_json())["scored_explanations"][0]["scored_simulation"]
    assert written["ev_correlation_score"] is None


def test_excerpts_have_their_own_scores():
    rng = np.random.default_rng(0)
    records, simulated = excerpts(rng, 3, 8), rng.normal(size=(3, 8))
    results = scored(UNIT, "x", records, simulated, "simulated_normalized_activations")
    whole = results.scored_explanations[0].scored_simulation
    for record, values, part in zip(
        records, simulated, whole.scored_sequence_simulations, strict=True
    ):
        true = np.array(record.activations)
        assert part.ev_correlation_score == pytest.approx(np.corrcoef(true, values)[0, 1])
        residual = np.sum((true - values) ** 2)
        assert part.rsquared_score == pytest.approx(1 - residual / np.sum(true**2))
        assert part.simulation.activation_scale == "simulated_normalized_activations"
    true, values = joined(records), simulated.ravel()
    mean_error, mean_size = np.abs(true - values).mean(), np.abs(true).mean()
    assert whole.absolute_dev_explained_score == pytest.approx(1 - mean_error / mean_size)


def test_simulations_must_fit_their_excerpts():
    records = excerpts(np.random.default_rng(0), 2, 4)
    for simulated in ([[1, 2, 3, 4]], [[1, 2, 3, 4], [1, 2, 3]]):
        with pytest.raises(ValueError, match=r"shorter|3 expected_activations for 4 tokens"):
            scored(UNIT, "x", records, simulated, "neuron_activations")


def test_a_failed_unit_has_null_scores_and_no_excerpts(tmp_path):
    path = tmp_path / "results.jsonl"
    write_lines(path, [unscored(UNIT, "a refusal")])
    (explained,) = json.loads(path.read_text())["scored_explanations"]
    simulation = explained.pop("scored_simulation")
    assert explained == {"dataclass_name": "ScoredExplanation", "explanation": "a refusal"}
    assert simulation.pop("dataclass_name") == "ScoredSimulation"
    assert simulation.pop("scored_sequence_simulations") == []
    assert list(simulation.values()) == [None] * 3
    (read,) = read_lines(path, NeuronSimulationResults)
    assert score_row(read) | {"n_tokens": 0, "n_records": 0} == score_row(read)


@given(st.integers(0, 10**6))
def test_scores_of_stored_excerpts_are_those_stored(seed):
    """Bit for bit: JSON keeps every number."""
    rng = np.random.default_rng(seed)
    results = scored(UNIT, "x", excerpts(rng, 3, 5), rng.normal(size=(3, 5)), "neuron_activations")
    again = NeuronSimulationResults.model_validate_json(results.model_dump_json())
    simulation = again.scored_explanations[0].scored_simulation
    found = rescored(simulation)
    assert found["score"] == simulation.ev_correlation_score
    assert found["rsquared"] == simulation.rsquared_score
    assert found["absolute_dev"] == simulation.absolute_dev_explained_score


def explanation(text: str, stored: float | None, *parts: tuple) -> ScoredExplanation:
    """Of excerpts by what is true and what was simulated, with the score that a file stores."""
    true, simulated = ([*one] for one in zip(*parts, strict=True)) if parts else ([], [])
    records = [ActivationRecord(tokens=["a"] * len(one), activations=one) for one in true]
    (found,) = scored(UNIT, text, records, simulated, "neuron_activations").scored_explanations
    score = {"ev_correlation_score": math.nan if stored is None else stored}
    simulation = found.scored_simulation.model_copy(update=score)
    return found.model_copy(update={"scored_simulation": simulation})


def write_published(folder: Path, layer: int, neuron: int, *explained: ScoredExplanation) -> None:
    unit = NeuronId(layer_index=layer, neuron_index=neuron)
    results = NeuronSimulationResults(neuron_id=unit, scored_explanations=list(explained))
    write_lines(folder / str(layer) / f"{neuron}.jsonl", [results])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Neurons 9 and 10 of layers 1 and 11, stored with numpy's correlation, and odd ones."""
    folder = tmp_path / "explanations"
    rng = np.random.default_rng(3)
    for layer in (11, 1):
        for neuron in (10, 9):
            true, expected = rng.normal(size=(2, 3, 7))
            stored = np.corrcoef(true.ravel(), expected.ravel())[0, 1]
            parts = zip(true.tolist(), expected.tolist(), strict=True)
            write_published(folder, layer, neuron, explanation("x", stored, *parts))
    still, exact = ([0, 1], [0.3, 0.3]), ([0, 1, 2], [0, 1, 2])
    write_published(folder, 2, 0, explanation("y\nz", None, still))
    write_published(folder, 2, 1, explanation("p", 1, exact), explanation("q", 0))
    write_published(folder, 2, 2)
    write_published(folder, 2, 3, explanation("r", 0.5, exact))
    for other in (folder / "index.json", folder / "2" / "notes.jsonl"):
        other.write_text("neither layer nor neuron")
    return folder


def test_published_explanations_are_scored_again(folder):
    table = read_published(folder)
    keys = ["layer_index", "neuron_index"]
    order = [(1, 9), (1, 10), (2, 0), (2, 1), (2, 1), (2, 2), (2, 3), (11, 9), (11, 10)]
    assert list(table[keys].itertuples(index=False, name=None)) == order
    assert (table["depth"] == table["layer_index"] + 1).all()
    assert table["n_tokens"].tolist() == [21, 21, 2, 3, 0, 0, 3, 21, 21]
    assert table["n_sequences"].tolist() == [3, 3, 1, 1, 0, 0, 1, 3, 3]
    agreed = table[table["layer_index"] != 2]
    np.testing.assert_allclose(agreed["score"], agreed["score_stored"], rtol=1e-12)
    assert (agreed["note"] == "").all()

    odd = table[table["layer_index"] == 2]
    assert odd["explanation"].tolist() == ["y\nz", "p", "q", "", "r"]
    np.testing.assert_allclose(odd["score"], [math.nan, 1, math.nan, math.nan, 1])
    np.testing.assert_allclose(odd["score_stored"], [math.nan, 1, 0, math.nan, 0.5])
    none = "no simulated excerpts"
    still = "the simulated activations don't vary"
    assert odd["note"].tolist() == [still, "", none, none, published.DIFFERS]
    assert largest_difference(table) == pytest.approx(0.5)


@pytest.mark.parametrize("names", [[], ["notes.txt"], ["5.jsonl"], ["layer1/5.jsonl"]])
def test_a_folder_without_files_says_what_is_expected(tmp_path, names):
    folder = tmp_path / "given"
    folder.mkdir()
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    with pytest.raises(UserError, match=r"given has no file \{layer\}/\{neuron\}\.jsonl"):
        published_files(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[:-20], "line 1: not a NeuronSimulationResults"),
        (lambda text: "", "has 0 lines, expected 1"),
        (lambda text: text + "\n" + text, "has 2 lines, expected 1"),
        (lambda text: text.replace('"neuron_index":9', '"neuron_index":8'), "neuron 8 of layer"),
    ],
)
def test_a_damaged_file_is_named(folder, change, said):
    path = folder / "11" / "9.jsonl"
    path.write_text(change(path.read_text()))
    with pytest.raises(UserError) as error:
        read_published(folder)
    assert str(error.value).startswith(str(path))
    assert said in str(error.value)


def test_the_rule_writes_the_table_and_tells_the_difference(folder, tmp_path, caplog):
    caplog.set_level("INFO")
    output = tmp_path / "published.csv"
    run_script("read_published", {}, {"scores": output}, {"folder": str(folder)})
    for said in ("9 explanations in 3 layers", "differ by at most 0.5", "1 of the stored scores"):
        assert said in caplog.text
    expected = read_published(folder)
    found = pd.read_csv(output, dtype={"note": str}).fillna({"note": "", "explanation": ""})
    pd.testing.assert_frame_equal(found, expected, rtol=1e-8, check_dtype=False)
