"""Estimators beside the paper's line: participation ratio, windows, shapes, extrapolation."""

import numpy as np
import pytest
from planted_codes import planted

from codespectra.spectra import (
    alternatives,
    cvpca,
    eigenspectrum,
    estimates,
    extrapolation,
    participation,
    power_law,
    windows,
)
from codespectra.spectra.eigenspectrum import Spectrum
from codespectra.spectra.least_sizes import least_sizes


def repeats(n: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    noise = np.random.default_rng(3).standard_normal((2, n, width)) * 0.3
    return tuple((planted(n, width) + noise).astype(np.float32))


# What `dimensionality` 0.1.4 gives for these rows, `both` and `row`; of repeats centred first.
BY_THE_PACKAGE = {(40, 60): (17.382884, 13.281913), (60, 40): (18.847878, 12.719680)}


@pytest.mark.parametrize("shape", BY_THE_PACKAGE)
def test_ratios_are_those_of_the_authors_package(shape):
    rows = planted(*shape)
    found = participation.corrected_ratios(rows, eigenspectrum.spectrum(rows))
    assert [ratio.value for ratio in found] == pytest.approx(BY_THE_PACKAGE[shape], rel=1e-4)
    shared = participation.shared_ratios(rows, rows.copy())
    assert [ratio.value for ratio in shared] == pytest.approx(BY_THE_PACKAGE[shape], rel=1e-4)


def test_a_ratio_is_corrected_by_one_over_stimuli_and_one_over_units():
    """1 / naive - 1 / truth is 1 / N + 1 / D for units that mix 2,000 dimensions at random."""
    rng = np.random.default_rng(0)
    variances = np.arange(1, 1001) ** -0.5
    truth = variances.sum() ** 2 / (variances**2).sum()
    naive, corrected = [], []
    for _ in range(5):
        mixing = rng.standard_normal((1000, 150)) * variances[:, None] ** 0.5
        rows = (rng.standard_normal((200, 1000)) @ mixing).astype(np.float32)
        found = eigenspectrum.spectrum(rows)
        naive.append(1 / found.participation_ratio)
        corrected.append(1 / participation.corrected_ratios(rows, found)[0].value)
    assert np.mean(naive) == pytest.approx(1 / truth + 1 / 200 + 1 / 150, rel=0.05)
    assert np.mean(corrected) == pytest.approx(1 / truth, rel=0.1)


def test_noise_adds_no_dimensions_to_what_repeats_share():
    clean, (first, second) = planted(300, 100), repeats(300, 100)
    alone = participation.corrected_ratios(clean, eigenspectrum.spectrum(clean))[1].value
    noisy = participation.corrected_ratios(first, eigenspectrum.spectrum(first))[1].value
    shared = participation.shared_ratios(first, second)[1].value
    assert abs(shared - alone) < 0.2 * alone < noisy - alone


def test_units_that_covary_by_chance_have_no_end_of_dimensions():
    rows = np.random.default_rng(0).standard_normal((40, 60)) * np.arange(1, 61) ** -0.5
    found, _ = estimates.estimate(code_of(rows.astype(np.float32)), ["participation_ratio"])
    assert found.value[1] == np.inf and "chance" in found.note[1]


def spectrum_of(eigenvalues: np.ndarray, n: int = 10**6, width: int = 10**6) -> Spectrum:
    return Spectrum(eigenvalues, n, width, eigenvalues.sum(), np.nan, np.zeros((n, 0)))


def test_windows_of_a_law_have_its_exponent_and_end_where_stimuli_and_units_do():
    law = np.arange(1, 1001) ** -1.3
    found = windows.window_map(spectrum_of(law, n=1000, width=300))
    assert found.alpha.to_numpy() == pytest.approx(-1.3)
    assert found.last_rank.max() == 150 and (found.last_rank - found.first_rank >= 4).all()
    local = found[found.kind == "local"]
    assert (local.last_rank == 2 * local.first_rank).all() and len(local) > 5
    assert windows.verdict(found)["note"] == ""


@pytest.mark.parametrize(("alpha2", "open_"), [(-1.6, True), (-0.9, False)])
def test_the_verdict_is_open_where_windows_lie_on_both_sides_of_minus_one(alpha2, open_):
    rank = np.arange(1, 501)
    law = np.where(rank <= 60, rank**-0.7, 60 ** (-0.7 - alpha2) * rank.astype(float) ** alpha2)
    found = windows.verdict(windows.window_map(spectrum_of(law)))
    assert found["note"].startswith("not identified") == open_
    assert found["low"] == pytest.approx(alpha2, abs=0.05)
    assert found["high"] == pytest.approx(-0.7, abs=0.05)


def test_few_stimuli_have_no_verdict():
    found = windows.verdict(windows.window_map(spectrum_of(np.arange(1, 101) ** -1.0, n=100)))
    assert np.isnan(found["value"]) and "no window of 30 ranks" in found["note"]


@pytest.mark.parametrize("shape", ["law", "broken", "cut_off"])
def test_held_out_stimuli_tell_the_shapes_apart(shape):
    rank = np.arange(1, 151)
    variances = {
        "law": rank**-1.0,
        "broken": np.where(rank <= 30, rank**-0.3, 30**1.2 * rank**-1.5),
        "cut_off": rank**-0.5 * np.exp(-rank / 25),
    }[shape]
    scores = np.random.default_rng(0).standard_normal((6000, 150)) * variances**0.5
    gains, ranks = alternatives.held_out_gains(scores)
    assert ranks == (10, 100)
    if shape == "law":
        assert max(gain.mean for gain in gains.values()) < 0.05
    else:
        best = max(gains, key=lambda name: gains[name].mean)
        assert best == shape and gains[best].low > 0
        assert gains[best].rank == pytest.approx({"broken": 30, "cut_off": 25}[shape], rel=0.25)


def test_extrapolation_takes_the_flattening_off():
    rows = planted(640, 400, -1.0)
    paper = power_law.fit_power_law(eigenspectrum.spectrum(rows).eigenvalues, ranks=(10, 40)).alpha
    alone, _ = extrapolation.extrapolate(rows, ranks=(10, 40))
    assert abs(alone.alpha + 1) < abs(paper + 1) and alone.low < -1 < alone.high
    with pytest.raises(ValueError, match="of both needed"):
        extrapolation.extrapolate(planted(100, 400))


def test_stringers_weights_are_one_over_rank():
    """Twice the weight is a point twice: repeat points by 1 / rank of a common multiple."""
    eigenvalues = np.abs(np.random.default_rng(0).standard_normal(16)) + 0.1
    found = power_law.weighted_power_law(eigenvalues, ranks=(2, 6))
    rank = np.repeat([2, 3, 4, 5, 6], [30, 20, 15, 12, 10])
    wanted = np.polyfit(np.log(rank), np.log(eigenvalues[rank - 1]), 1)
    assert (found.alpha, found.intercept) == pytest.approx(tuple(wanted))
    assert "shrunk to 11-16" in power_law.weighted_power_law(eigenvalues).note
    assert np.isnan(power_law.weighted_power_law(eigenvalues[:14]).alpha)


def test_swapped_repeats_agree_with_their_definition():
    first, second = repeats(80, 40)
    found = cvpca.swapped_eigenvalues(first, second, swaps=3, seed=1)
    wanted = np.zeros(40)
    for swapped in np.random.default_rng(1).random((3, 80)) < 0.5:
        a, b = (np.where(swapped[:, None], *pair) for pair in ((second, first), (first, second)))
        a, b = (rows - rows.mean(axis=0, dtype=np.float64) for rows in (a, b))
        vectors = np.linalg.eigh(a.T @ a)[1][:, ::-1]
        wanted += np.einsum("ik,ik->k", vectors, a.T @ b @ vectors) / 79 / 3
    np.testing.assert_allclose(found, wanted, atol=1e-4 * wanted[0])


def code_of(rows: np.ndarray, second: np.ndarray | None = None) -> estimates.Code:
    found = eigenspectrum.spectrum(rows)
    law = power_law.fit_power_law(found.eigenvalues)
    shared = None if second is None else found.eigenvalues
    return estimates.Code(rows, found, law, (-2, 0), (10, 50), repeat=second, shared=shared)


def test_every_estimator_has_its_rows_beside_the_paper_s():
    table, mapped = estimates.estimate(code_of(planted(300, 200)), list(estimates.OF_CODES))
    assert list(table.estimator.unique()) == ["paper", *estimates.OF_CODES]
    assert not table.duplicated(["estimator", "quantity"]).any() and len(mapped)
    # With few stimuli Stringer et al.'s window takes in the end of the sample's spectrum.
    far = table.estimator.isin(["meme_broken", "stringer"])
    alphas = table[(table.quantity == "alpha") & ~far]
    assert alphas.value.between(-1.3, -0.7).all()


def test_a_layer_that_is_too_small_has_rows_that_say_so():
    table, _ = estimates.estimate(code_of(planted(30, 12)), list(estimates.OF_CODES))
    empty = table[table.value.isna()]
    assert set(empty.estimator) == {*estimates.OF_CODES} - {"participation_ratio"} | {"paper"}
    assert (empty.note != "").all()


@pytest.mark.parametrize(("first", "last"), [(10, 50), (3, 12)])
@pytest.mark.parametrize("name", estimates.OF_CODES)
def test_an_estimator_has_a_value_from_its_least_sizes_on(name, first, last):
    stimuli, units = least_sizes((first, last))[name]

    def missing(n: int, width: int) -> bool:
        rows = planted(n, width)
        found = eigenspectrum.spectrum(rows)
        law = power_law.fit_power_law(found.eigenvalues, ranks=(first, last))
        code = estimates.Code(rows, found, law, (-2, 0), (first, last))
        table, _ = estimates.estimate(code, [name])
        return bool(table[table.estimator == name].value.isna().any())

    more = max(stimuli, units) + 50
    assert not missing(stimuli, more) and not missing(more, units)
    assert missing(stimuli - 1, more) and (units == 2 or missing(more, units - 1))


def test_two_repeats_have_the_estimators_that_know_noise():
    table, mapped = estimates.estimate(code_of(*repeats(300, 100)), list(estimates.OF_CODES))
    assert {*table.estimator} == {"paper", *estimates.OF_REPEATS}
    assert mapped.empty
