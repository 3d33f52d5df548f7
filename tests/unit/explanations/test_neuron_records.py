"""neuron-explainer's files: the same JSON after a round trip, its splits, damage that is named."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codespectra.errors import UserError
from codespectra.explanations.neuron_records import (
    ActivationRecord,
    NeuronId,
    NeuronRecord,
    NeuronSimulationResults,
    normalized,
    read_lines,
    write_lines,
)

RECORD = """
{"dataclass_name": "NeuronRecord",
 "neuron_id": {"dataclass_name": "NeuronId", "layer_index": 0, "neuron_index": 6399},
 "random_sample": [
  {"dataclass_name": "ActivationRecord",
   "tokens": [" caf\\u00e9", "\\n", "\\ud83e\\udd8a", "\\ufffd"],
   "activations": [-0.16987290978431702, 0, 1.5e-09, 3.25]}],
 "random_sample_by_quantile": [
  [{"dataclass_name": "ActivationRecord", "tokens": ["\\u2028"], "activations": [0.125]}], []],
 "quantile_boundaries": [0.0, 0.5],
 "mean": -0.0625, "variance": 2.25, "skewness": null, "kurtosis": null,
 "most_positive_activation_records": [
  {"dataclass_name": "ActivationRecord", "tokens": ["a", "\\"", "\\t"],
   "activations": [1.0, null, 2.0]}]}
"""

RESULTS = """
{"dataclass_name": "NeuronSimulationResults",
 "neuron_id": {"dataclass_name": "NeuronId", "layer_index": 47, "neuron_index": 3},
 "scored_explanations": [
  {"dataclass_name": "ScoredExplanation", "explanation": "words of \\u201cdoubt\\u201d",
   "scored_simulation": {"dataclass_name": "ScoredSimulation",
    "scored_sequence_simulations": [
     {"dataclass_name": "ScoredSequenceSimulation",
      "simulation": {"dataclass_name": "SequenceSimulation", "tokens": ["may", "be"],
       "expected_activations": [0.7, 0.1], "activation_scale": "neuron_activations",
       "distribution_values": [[0.0, 0.9], [0.1]],
       "distribution_probabilities": [[0.25, 0.75], [1.0]],
       "uncalibrated_simulation": {"dataclass_name": "SequenceSimulation",
        "tokens": ["may", "be"], "expected_activations": [7.5, 1],
        "activation_scale": "simulated_normalized_activations",
        "distribution_values": [[0, 10], [1]],
        "distribution_probabilities": [[0.25, 0.75], [1]],
        "uncalibrated_simulation": null}},
      "true_activations": [0.0, 0.0], "ev_correlation_score": null,
      "rsquared_score": -1.5, "absolute_dev_explained_score": null}],
    "ev_correlation_score": 0.8125, "rsquared_score": null,
    "absolute_dev_explained_score": -0.25}}]}
"""

LITERALS = [(RECORD, NeuronRecord), (RESULTS, NeuronSimulationResults)]


def one_line(literal: str) -> str:
    return literal.replace("\n", " ")


@pytest.mark.parametrize(("literal", "model"), LITERALS)
def test_the_content_is_the_same_after_a_round_trip(tmp_path, literal, model):
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    first.write_text(one_line(literal) + "\n" + one_line(literal))
    write_lines(second, read_lines(first, model))
    lines = second.read_bytes().split(b"\n")
    assert lines.pop() == b""
    original = json.loads(literal)
    assert [json.loads(line) for line in lines] == [original, original]


@pytest.mark.parametrize(("literal", "model"), LITERALS)
def test_old_files_and_nan_give_the_same_records(tmp_path, literal, model):
    """Without class names, with NaN for null, and without optional fields that are null."""

    def without_names(content: dict) -> dict:
        return {name: value for name, value in content.items() if name != "dataclass_name"}

    def without_nulls(content: dict) -> dict:
        kept = {"ev_correlation_score"} if "simulation" in content else set()
        return {k: v for k, v in content.items() if v is not None or k in kept}

    forms = [
        json.dumps(json.loads(literal, object_hook=without_names)),
        json.dumps(json.loads(literal, object_hook=without_nulls)),
        one_line(literal).replace(": null", ": NaN").replace(" null", " NaN"),
    ]
    forms[2] = forms[2].replace('"uncalibrated_simulation": NaN', '"uncalibrated_simulation": null')
    assert len({one_line(literal), *forms}) == 4
    path = tmp_path / "forms.jsonl"
    path.write_text("\n".join(forms))
    for found in read_lines(path, model):
        assert json.loads(found.model_dump_json()) == json.loads(literal)


def test_missing_numbers_are_nan():
    record = NeuronRecord.model_validate_json(RECORD)
    assert math.isnan(record.skewness)
    assert np.isnan(record.most_positive_activation_records[0].activations).tolist() == [0, 1, 0]
    (explained,) = NeuronSimulationResults.model_validate_json(RESULTS).scored_explanations
    assert math.isnan(explained.scored_simulation.rsquared_score)
    assert math.isnan(NeuronRecord(neuron_id=record.neuron_id).mean)


any_number = st.floats() | st.integers(-(10**6), 10**6)


@given(
    st.lists(st.tuples(st.text(), any_number)),
    st.tuples(any_number, any_number, any_number, any_number),
)
def test_numbers_and_tokens_come_back_exactly(pairs, moments):
    tokens, activations = [token for token, _ in pairs], [value for _, value in pairs]
    names = ("mean", "variance", "skewness", "kurtosis")
    record = NeuronRecord(
        neuron_id=NeuronId(layer_index=1, neuron_index=2),
        most_positive_activation_records=[
            ActivationRecord(tokens=tokens, activations=activations),
        ],
        **dict(zip(names, moments, strict=True)),
    )
    text = record.model_dump_json()
    assert "\n" not in text
    written = json.loads(text)
    (excerpt,) = written["most_positive_activation_records"]
    finite = [value if math.isfinite(value) else None for value in (*activations, *moments)]
    assert [*excerpt["activations"], *(written[name] for name in names)] == finite
    assert excerpt["tokens"] == tokens
    assert NeuronRecord.model_validate_json(text).model_dump_json() == text


@pytest.mark.parametrize(
    ("damaged", "said"),
    [
        (RECORD[: len(RECORD) // 2], "Invalid JSON"),
        (RECORD.replace("[0.125]", '["high"]'), "random_sample_by_quantile.0.0.activations.0"),
        (RECORD.replace("[0.125]", "[0.125, 0]"), "2 activations for 1 tokens"),
        (RECORD.replace('"mean"', '"means"'), "means: Extra inputs"),
        (RESULTS, "dataclass_name"),
        ("[]", "Input should be"),
    ],
)
def test_damage_is_named_with_its_line(tmp_path, damaged, said):
    path = tmp_path / "records.jsonl"
    path.write_text(f"{one_line(RECORD)}\n\n{one_line(damaged)}\n")
    records = read_lines(path, NeuronRecord)
    assert next(records).neuron_id.neuron_index == 6399
    with pytest.raises(UserError) as error:
        next(records)
    assert str(error.value).startswith(f"{path}, line 3: not a NeuronRecord (")
    assert said in str(error.value)
    assert str(error.value).endswith("; delete it and rerun")


def test_bytes_that_are_no_text_and_missing_files_are_named(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_bytes(b'{"neuron_id": "\xff"}\n')
    for file in (path, tmp_path / "none.jsonl"):
        with pytest.raises(UserError, match=file.name):
            next(read_lines(file, NeuronRecord))


def test_an_interrupted_file_never_appears(tmp_path):
    path = tmp_path / "records.jsonl"

    def broken():
        yield NeuronRecord.model_validate_json(RECORD)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_lines(path, broken())
    assert list(Path(tmp_path).iterdir()) == []


def numbered(count: int, first: int) -> list[ActivationRecord]:
    return [ActivationRecord(tokens=["a"], activations=[first + i]) for i in range(count)]


def numbers(records: list[ActivationRecord]) -> list[float]:
    return [record.activations[0] for record in records]


def test_splits_by_hand():
    """10 top excerpts leave two over, 8 random ones two (from 100)."""
    record = NeuronRecord(
        neuron_id=NeuronId(layer_index=0, neuron_index=0),
        most_positive_activation_records=numbered(10, 0),
        random_sample=numbered(8, 100),
    )
    assert numbers(record.split("train")) == [0, 4]
    assert numbers(record.split("calibration")) == [1, 5, 100, 103]
    assert numbers(record.split("valid")) == [2, 6, 101, 104]
    assert numbers(record.split("test")) == [3, 7, 102, 105]


@given(st.integers(0, 60), st.integers(0, 60))
def test_splits_are_equal_and_share_nothing(top, random):
    record = NeuronRecord(
        neuron_id=NeuronId(layer_index=0, neuron_index=0),
        most_positive_activation_records=numbered(top, 0),
        random_sample=numbered(random, 100),
    )
    splits = {
        name: numbers(record.split(name)) for name in ("train", "calibration", "valid", "test")
    }
    together = [number for split in splits.values() for number in split]
    assert sorted(together) == [*range(4 * (top // 4)), *range(100, 100 + 3 * (random // 3))]
    assert len(splits["train"]) == top // 4
    assert {len(splits[name]) for name in ("calibration", "valid", "test")} == {
        top // 4 + random // 3
    }


def test_normalized_activations_by_hand():
    assert normalized([-1, 0, 0.399, 0.4, 3.99, 4, 5, math.nan], 4.0) == [0, 0, 0, 1, 9, 10, 10, 0]
    assert normalized([1, 2], 0.0) == normalized([-1, -2], -1.0) == [0, 0]
