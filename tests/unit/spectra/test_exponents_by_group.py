"""Spectra of tokens: exponents resampled by sequence, first tokens, and the rule's tables."""

import math

import numpy as np
import pandas as pd
import pytest
from script_job import run_script
from token_texts import random_tokens, write_text_capture

from codespectra.spectra import eigenspectrum, exponents_by_group, power_law, weighted_spectra
from codespectra.spectra.exponents_by_group import exponents_without, subsample_exponents
from codespectra.spectra.tables import first_token_columns
from codespectra.statistics.intervals import normal_interval
from codespectra.statistics.subsamples import subsamples

RANKS = (5, 30)
WIDTH = 60


def sequences(count: int, length: int, alpha: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Tokens of a planted law, each sequence with strengths of its own, and their sequences."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, length, WIDTH))
    rows *= np.exp(0.5 * rng.standard_normal((count, 1, WIDTH)))
    rows = rows.reshape(-1, WIDTH) * np.arange(1, WIDTH + 1) ** (alpha / 2)
    return rows.astype(np.float32), np.repeat(np.arange(count), length)


def exponent(rows: np.ndarray) -> float:
    return power_law.fit_power_law(
        eigenspectrum.spectrum(rows, scores=0).eigenvalues, ranks=RANKS
    ).alpha


def test_the_spread_is_that_over_fresh_sequences_and_rows_tell_less():
    alphas = [exponent(sequences(40, 16, -1.0, seed)[0]) for seed in range(60)]
    spreads = {"sequences": [], "rows": []}
    for seed in range(4):
        rows, groups = sequences(40, 16, -1.0, seed)
        scores = eigenspectrum.spectrum(rows).scores
        draws = subsample_exponents(scores, groups, ranks=RANKS, resamples=60)
        spreads["sequences"].append(draws.var(ddof=1))
        spreads["rows"].append(
            power_law.bootstrap_exponents(scores, ranks=RANKS, resamples=40).var(ddof=1)
        )
    ratio = {
        name: math.sqrt(np.mean(found) / np.var(alphas, ddof=1)) for name, found in spreads.items()
    }
    assert 0.75 < ratio["sequences"] < 1.35  # both deviations are known to about 10 %
    assert ratio["rows"] < 0.65


def test_draws_are_those_of_the_sequences_held():
    """40 uneven sequences: 27 in, 13 out, so that deviations grow by the root of 27 / 13."""
    rows, groups = sequences(40, 16, -1.0, 0)
    keep = np.random.default_rng(1).random(len(rows)) < 0.8
    rows, groups = rows[keep], groups[keep]
    draws = subsample_exponents(
        eigenspectrum.spectrum(rows).scores, groups, ranks=RANKS, resamples=6, seed=3
    )
    found = np.array([exponent(rows[held[groups]]) for held in subsamples(40, 6, seed=3)])
    wanted = exponent(rows) + math.sqrt(27 / 13) * (found - found.mean())
    np.testing.assert_allclose(draws, wanted, atol=1e-4)
    assert np.ptp(wanted) > 0.01


def test_a_group_left_out_gives_the_exponent_of_the_other_rows():
    rows, groups = sequences(6, 40, -1.0, 0)
    scores = eigenspectrum.spectrum(rows, scores=WIDTH).scores
    found = exponents_without(scores, groups, ranks=RANKS)
    assert list(found) == list(range(6))
    for group, alpha in found.items():
        assert alpha == pytest.approx(exponent(rows[groups != group]), abs=1e-5)


def test_draws_do_not_depend_on_how_many_sequences_are_summed_at_once(monkeypatch):
    rows, groups = sequences(40, 16, -1.0, 0)
    whole = subsample_exponents(rows, groups, ranks=RANKS, resamples=5)
    monkeypatch.setattr(exponents_by_group, "GROUPS", 7)
    np.testing.assert_allclose(
        subsample_exponents(rows, groups, ranks=RANKS, resamples=5), whole, rtol=1e-9
    )


def test_draws_that_lose_ranks_give_no_interval():
    rows, groups = sequences(30, 2, -1.0, 0)  # 40 rows can't have 50 components
    draws = subsample_exponents(rows, groups, ranks=(5, 50), resamples=4)
    assert np.isnan(draws).all()
    assert np.isnan(normal_interval(-1.0, draws)).all()


def test_too_few_groups_are_refused():
    with pytest.raises(ValueError, match="2 groups, expected at least 3"):
        subsample_exponents(np.zeros((4, 2)), np.array([0, 0, 1, 1]))


def test_neither_the_order_of_rows_nor_how_many_are_read_at_once_counts(monkeypatch):
    rows, groups = sequences(40, 16, -1.0, 0)
    whole = subsample_exponents(rows, groups, ranks=RANKS, resamples=5)
    without = exponents_without(rows, groups, ranks=RANKS)
    monkeypatch.setattr(weighted_spectra, "BLOCK", 90)
    order = np.random.default_rng(0).permutation(len(rows))
    found = subsample_exponents(rows[order], groups[order], ranks=RANKS, resamples=5)
    np.testing.assert_allclose(found, whole, rtol=1e-9)
    assert exponents_without(rows[order], groups[order], ranks=RANKS) == pytest.approx(without)


@pytest.mark.parametrize("slab", [2**23, 900])
def test_first_tokens_that_are_outliers_are_found(monkeypatch, slab):
    monkeypatch.setattr("codespectra.spectra.tables.SLAB", slab)
    rows, _ = sequences(40, 16, -1.0, 0)
    first = np.tile(np.arange(16) == 0, 40)
    rows[first] = 20 * rows[first] + 300 * np.eye(WIDTH, dtype=np.float32)[4]
    found = first_token_columns(rows, eigenspectrum.spectrum(rows).scores, first, ranks=RANKS)
    norms = np.linalg.norm(rows, axis=1)
    wanted = np.median(norms[first]) / np.median(norms[~first])
    assert found["first_token_norm"] == pytest.approx(wanted, rel=1e-6)
    total = [part.var(axis=0, ddof=1).sum(dtype=np.float64) for part in (rows[~first], rows)]
    assert found["first_token_share"] == pytest.approx(1 - total[0] / total[1], rel=1e-4)
    assert found["first_token_share"] > 0.9
    assert found["alpha_without_first"] == pytest.approx(exponent(rows[~first]), abs=1e-4)
    assert abs(found["alpha_without_first"] - exponent(rows)) > 0.05


def test_the_rule_recovers_the_planted_law_of_each_layer(tmp_path):
    planted = {"h.0": -0.7, "h.1": -1.4}
    layers = {layer: sequences(60, 50, alpha, 1)[0] for layer, alpha in planted.items()}
    parts = {"residual": ["h.0", "h.1"], "late": ["h.1"]}
    tokens = random_tokens([50] * 60, ["a"])
    captured = write_text_capture(tmp_path, layers, tokens, parts, model="m", sequences=60)
    cfg = {"ranks": [5, 30], "solver": "exact", "components": 40, "resamples": 20, "seed": 0}
    cfg |= {"parts": parts, "estimators": ["participation_ratio", "meme"]}
    tables = ("eigenvalues", "exponents", "bootstrap", "estimates")
    outputs = {name: tmp_path / f"{name}.csv" for name in tables}
    run_script("fit_text_spectra", captured, outputs, cfg)
    found = {name: pd.read_csv(path) for name, path in outputs.items()}
    exponents = found["exponents"]
    first = ["model", "weights", "stimuli", "reduction", "part", "layer", "depth"]
    assert list(exponents.columns[:7]) == first
    assert list(exponents["part"]) == ["residual", "residual", "late"]
    assert list(exponents["depth"]) == [1, 2, 1]
    wanted = exponents["layer"].map(planted)
    assert (abs(exponents["alpha"] - wanted) < 0.1).all()
    assert exponents["alpha_low"].lt(wanted).all() and exponents["alpha_high"].gt(wanted).all()
    assert set(exponents["stimulus_count"]) == {3000} and set(exponents["sequence_count"]) == {60}
    assert exponents.loc[1, "alpha"] == exponents.loc[2, "alpha"]
    beside = found["estimates"].groupby("estimator", sort=False)["value"]
    np.testing.assert_array_equal(beside.get_group("paper"), exponents["alpha"])
    assert [*beside.size()] == [3, 6, 3]
    assert len(found["eigenvalues"]) == 3 * 40 and len(found["bootstrap"]) == 3 * 20
    of_draws = found["bootstrap"].groupby(["part", "depth"], sort=False)["alpha"].mean()
    np.testing.assert_allclose(of_draws, exponents["alpha"], atol=1e-4)
