"""Explained units: drawn as promised, least action really least, excerpts and records exact."""

import json
from collections.abc import Iterator

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from token_texts import random_tokens

from codespectra.data.tokens import Tokens
from codespectra.errors import UserError
from codespectra.explanations import units as units
from codespectra.explanations.neuron_records import NeuronId, NeuronRecord
from codespectra.spectra.projections import action

LENGTHS = (7, 3, 9, 1, 5, 6, 8, 2)


TOKENS = random_tokens(LENGTHS, list("abcde"))
TEXT = units.Text.of(TOKENS)


def some_rows(width=12, seed=1, scale=1.0) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal((len(TOKENS.token), width))
    return (scale * noise).astype(np.float32)


def choose(rows: np.ndarray, count=4, draws=50, depth=2, seed=3) -> pd.DataFrame:
    return units.choose_units(rows, TEXT, units=count, draws=draws, depth=depth, seed=seed)


def of_kind(chosen: pd.DataFrame, kind: str) -> pd.DataFrame:
    return chosen[chosen["kind"] == kind]


# Text --------------------------------------------------------------------------------------------


def test_text_holds_each_sequence_where_the_tokens_say():
    assert np.diff(TEXT.bounds).tolist() == list(LENGTHS)
    for number in range(len(LENGTHS)):
        assert TEXT.strings[number] == TOKENS.strings(number)
        assert (TOKENS.sequence[TEXT.rows(number)] == number).all()


# Directions and choice ---------------------------------------------------------------------------


def test_directions_are_normal_with_variance_one_over_the_width():
    width, many = 400, 300
    found = np.stack([units.direction(width, draw=i, depth=1, seed=0) for i in range(many)])
    assert stats.kstest(found.ravel() * np.sqrt(width), "norm").pvalue > 0.01
    # Independent: no pair correlates beyond chance of all pairs, nor do neighboring seeds.
    pairs = np.corrcoef(found)[np.triu_indices(many, 1)]
    assert np.abs(pairs).max() < 6 / np.sqrt(width)
    for other in ({"depth": 2, "seed": 0}, {"depth": 1, "seed": 1}):
        changed = units.direction(width, draw=0, **other)
        assert abs(np.corrcoef(changed, found[0])[0, 1]) < 5 / np.sqrt(width)


def test_all_directions_are_the_same_whatever_is_asked_for():
    rows = some_rows()
    few, many = choose(rows, count=2), choose(rows, count=9)
    pd.testing.assert_frame_equal(
        of_kind(few, "projection").reset_index(drop=True),
        of_kind(many, "projection").head(2).reset_index(drop=True),
    )


def test_neurons_that_never_vary_are_not_drawn(caplog):
    rows = some_rows()
    rows[:, [1, 5, 6]] = [0, -2, 7]
    caplog.set_level("INFO")
    chosen = of_kind(choose(rows, count=50), "neuron")
    assert chosen["unit"].tolist() == [0, 2, 3, 4, 7, 8, 9, 10, 11]
    assert "3 of 12 neurons never vary" in caplog.text


def test_neurons_are_drawn_evenly():
    rows = some_rows(width=10)
    drawn = [of_kind(choose(rows, count=3, draws=3, seed=seed), "neuron") for seed in range(400)]
    assert all(len(set(one["unit"])) == 3 for one in drawn)
    counts = pd.concat(drawn)["unit"].value_counts()
    assert stats.chisquare(counts.reindex(range(10), fill_value=0)).pvalue > 0.01


def naive_action(response: np.ndarray) -> float:
    """By the library's own trajectories, a sequence at a time."""
    films = [response[TEXT.rows(number)] for number in range(len(LENGTHS))]
    return float(np.mean([action(film[:, None]) for film in films]))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 30), st.sampled_from([1e-3, 1.0, 1e3]))
def test_actions_and_the_least_of_them_agree_with_explicit_projections(seed, width, scale):
    rows = some_rows(width, seed, scale)
    chosen = choose(rows, count=6, draws=25, seed=seed)
    explicit = np.array(
        [
            naive_action(rows.astype(float) @ units.direction(width, draw=i, depth=2, seed=seed))
            for i in range(25)
        ]
    )
    expected = {
        "neuron": [naive_action(column) for column in rows.T.astype(float)],
        "projection": explicit,
        "low_action": explicit,
    }
    for kind, actions in expected.items():
        found = of_kind(chosen, kind)
        known = np.array(actions)[found["unit"]]
        np.testing.assert_allclose(found["action"], known, rtol=1e-4)
    low = of_kind(chosen, "low_action")
    assert low["action"].is_monotonic_increasing
    others = np.delete(explicit, low["unit"])
    assert low["action"].max() <= others.min() * (1 + 1e-4)


def test_no_step_leads_from_one_sequence_to_the_next():
    rows = some_rows()
    jump = np.repeat(100.0 * np.arange(len(LENGTHS)), LENGTHS).astype(np.float32)
    flat = choose(np.zeros_like(rows) + jump[:, None])
    assert (flat["action"] == 0).all()


@pytest.fixture
def small_slabs(monkeypatch) -> Iterator[None]:
    monkeypatch.setattr(units, "SLAB", 40)


def test_slabs_change_nothing_and_hold_whole_sequences(small_slabs, tmp_path):
    slabs = list(units._slabs(TEXT.bounds, 4))  # 10 rows a slab
    assert [(s.start, s.stop) for s in slabs] == [(0, 10), (10, 20), (20, 25), (25, 31), (31, 41)]
    assert list(units._slabs(TEXT.bounds, 1000))[1] == slice(7, 10)  # a sequence at least
    rows = some_rows()
    whole = choose(rows)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        stored = file.create_dataset("x", data=rows)
        pd.testing.assert_frame_equal(choose(stored), whole)


# Responses ---------------------------------------------------------------------------------------


def test_responses_are_those_of_the_chosen_to_six_digits_of_the_largest():
    rows = some_rows(scale=37.0)
    chosen = choose(rows)
    found = units.respond(rows, TEXT, chosen, depth=2, seed=3)
    for (kind, unit, _), response in zip(chosen.itertuples(index=False), found.T, strict=True):
        vector = (
            np.eye(12)[unit]
            if kind == "neuron"
            else units.direction(12, draw=unit, depth=2, seed=3)
        )
        exact = rows.astype(float) @ vector
        places = 5 - int(np.floor(np.log10(np.abs(response).max())))
        np.testing.assert_allclose(response, exact, rtol=0, atol=10.0**-places)
        assert all(round(value, places) == value for value in response.tolist())
        assert not np.signbit(response[response == 0]).any()


def test_a_constant_response_stays_finite():
    rows = np.zeros((len(TOKENS.token), 12), np.float32)
    chosen = pd.DataFrame({"kind": ["neuron", "projection"], "unit": [3, 0]})
    assert (units.respond(rows, TEXT, chosen, depth=1, seed=0) == 0).all()


# Excerpts and records ----------------------------------------------------------------------------

UNIT = NeuronId(layer_index=4, neuron_index=2)


def excerpts_of(response, unit=UNIT, kind="neuron", top=3, random=4, seed=0) -> units.Excerpts:
    return units.find_excerpts(response, TEXT, unit, kind, top=top, random=random, seed=seed)


def whole_numbers(seed: int) -> np.ndarray:
    """Responses with many ties."""
    return np.random.default_rng(seed).integers(-2, 3, len(TOKENS.token)).astype(float)


@given(st.integers(0, 2**31), st.integers(1, 8), st.data())
def test_top_excerpts_are_the_strongest_and_random_ones_are_others(seed, top, data):
    random = data.draw(st.integers(0, len(LENGTHS) - top))
    response = whole_numbers(seed)
    found = excerpts_of(response, top=top, random=random)
    peaks = [response[TEXT.rows(number)].max() for number in range(len(LENGTHS))]
    expected = sorted(range(len(LENGTHS)), key=lambda number: (-peaks[number], number))
    assert found.top.tolist() == expected[:top]
    assert len(found.random) == random == len(set(found.random))
    assert not set(found.top) & set(found.random)


def test_random_excerpts_are_drawn_evenly_and_anew_for_each_unit():
    response = whole_numbers(0)
    drawn = [
        excerpts_of(response, NeuronId(layer_index=0, neuron_index=i), top=2, random=2)
        for i in range(600)
    ]
    counts = pd.Series(np.concatenate([one.random for one in drawn])).value_counts()
    assert set(counts.index) == set(range(8)) - set(drawn[0].top.tolist())
    assert stats.chisquare(counts).pvalue > 0.01


def test_a_direction_has_the_same_excerpts_in_both_kinds():
    response = whole_numbers(1)
    both = [excerpts_of(response, kind=kind).random for kind in ("projection", "low_action")]
    np.testing.assert_array_equal(*both)


def test_too_few_sequences_are_told():
    with pytest.raises(
        UserError, match=r"top: 6 and random: 3 .* 8 sequences .*raise language.seq"
    ):
        excerpts_of(whole_numbers(0), top=6, random=3)


@pytest.mark.parametrize("name", ["train", "calibration", "valid", "test"])
@pytest.mark.parametrize("random", [0, 3])
def test_splits_of_numbers_are_those_of_the_record(name, random):
    # All tokens differ, so that an excerpt can be told by its tokens.
    response = whole_numbers(2)
    distinct = Tokens(
        np.arange(len(response)), TOKENS.sequence, TOKENS.position, list(map(str, range(41)))
    )
    text = units.Text.of(distinct)
    found = units.find_excerpts(response, text, UNIT, "neuron", top=5, random=random, seed=0)
    record = units.record_unit(response, text, UNIT, found)
    split = [text.strings[number] for number in found.split(name)]
    assert [one.tokens for one in record.split(name)] == split


def test_a_record_holds_what_the_unit_did():
    response = np.random.default_rng(5).gamma(2.0, size=len(TOKENS.token)).round(5)
    found = excerpts_of(response)
    record = units.record_unit(response, TEXT, UNIT, found)
    frame = pd.Series(response)
    assert record.mean == pytest.approx(frame.mean())
    assert record.variance == pytest.approx(frame.var(ddof=0))
    standard = (frame - frame.mean()) / frame.std(ddof=0)
    assert record.skewness == pytest.approx((standard**3).mean())
    assert record.kurtosis == pytest.approx((standard**4).mean())
    peaks = [max(one.activations) for one in record.most_positive_activation_records]
    assert peaks == sorted(peaks, reverse=True)
    for one, number in zip(record.random_sample, found.random, strict=True):
        assert one.activations == response[TOKENS.sequence == number].tolist()
        assert one.tokens == TOKENS.strings(number)
    assert record.random_sample_by_quantile is None
    assert json.loads(record.model_dump_json())["neuron_id"]["neuron_index"] == 2


def test_moments_of_what_never_varies_are_missing():
    response = np.zeros(len(TOKENS.token))
    record = units.record_unit(response, TEXT, UNIT, excerpts_of(response))
    assert np.isnan([record.skewness, record.kurtosis]).all()
    assert record.variance == 0


def test_excerpts_are_found_again_and_others_are_refused():
    response = whole_numbers(3)
    found = excerpts_of(response)
    record = units.record_unit(response, TEXT, UNIT, found)
    stored = NeuronRecord.model_validate_json(record.model_dump_json())
    again = units.find_again(stored, response, TEXT, "neuron", seed=0)
    np.testing.assert_array_equal(again.top, found.top)
    np.testing.assert_array_equal(again.random, found.random)
    with pytest.raises(UserError, match="neuron 2 at depth 5 shows other excerpts"):
        units.find_again(stored, -response, TEXT, "neuron", seed=0)
