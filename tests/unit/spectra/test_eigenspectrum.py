"""Spectra and exponents against scikit-learn, closed forms and codes whose spectrum is known."""

import math

import h5py
import numpy as np
import pytest
from planted_codes import planted
from sklearn.decomposition import PCA
from sklearn.linear_model import HuberRegressor

from codespectra.spectra import (
    alternatives,
    code_entropy,
    eigenspectrum,
    moments,
    participation,
    power_law,
    weighted_spectra,
)
from codespectra.statistics.intervals import normal_interval

EXPONENTS = [-0.5, -1.0, -1.5]


def reference(rows: np.ndarray) -> np.ndarray:
    return PCA(svd_solver="full").fit(rows[:].astype(np.float64)).explained_variance_


@pytest.fixture(params=["array", "float16", "dataset"])
def stored(request, tmp_path):
    """The same rows as the workflow may hold them."""

    def store(rows: np.ndarray) -> np.ndarray | h5py.Dataset:
        if request.param == "array":
            return rows
        if request.param == "float16":
            return rows.astype(np.float16)
        file = h5py.File(tmp_path / "rows.h5", "w")
        request.addfinalizer(file.close)
        return file.create_dataset("rows", data=rows, chunks=(70, rows.shape[1]))

    return store


@pytest.mark.parametrize("alpha", EXPONENTS)
@pytest.mark.parametrize("ranks", [(10, 50), (1, 5), (5, 500)])
def test_an_exact_power_law_gives_its_exponent(alpha, ranks):
    law = power_law.fit_power_law(3.0 * np.arange(1, 1001) ** alpha, ranks=ranks)
    assert law.alpha == pytest.approx(alpha, abs=1e-6)
    assert law.intercept == pytest.approx(math.log(3), abs=1e-5)
    assert law.rmse < 1e-6
    assert (law.first_rank, law.last_rank, law.note) == (*ranks, "")


def test_the_window_is_one_based_and_inclusive():
    """Field notes 5.2: ranks off by one turn an exact -1 into -0.961 or -1.041."""
    eigenvalues = 1 / np.arange(1, 101)
    shifted = eigenvalues[1:]  # what fitting eigenvalue i + 1 to rank i would see
    assert power_law.fit_power_law(shifted).alpha == pytest.approx(-0.961, abs=1e-3)
    eigenvalues[:9] = 50
    eigenvalues[50:] = 1e-3  # neither rank 9 nor rank 51 belongs to the fit
    assert power_law.fit_power_law(eigenvalues).alpha == pytest.approx(-1, abs=1e-6)
    eigenvalues[49] = 1e-3  # rank 50 does
    assert power_law.fit_power_law(eigenvalues).rmse > 0.1


@pytest.mark.parametrize("spread", [0.01, 0.3])
def test_the_fit_is_scikit_learns_huber_regression(spread):
    rng = np.random.default_rng(1)
    rank = np.arange(1, 101)
    eigenvalues = np.sort(rank**-1.0 * np.exp(spread * rng.standard_normal(100)))[::-1]
    eigenvalues[44:] *= 0.3  # a break that least squares would follow
    law = power_law.fit_power_law(eigenvalues)
    window = np.log(rank[9:50, None]), np.log(eigenvalues[9:50])
    theirs = HuberRegressor(max_iter=10_000, tol=1e-9).fit(*window)
    assert law.alpha == pytest.approx(theirs.coef_[0], abs=1e-5)
    assert law.intercept == pytest.approx(theirs.intercept_, abs=3e-5)
    residuals = window[1] - theirs.predict(window[0])
    assert law.rmse == pytest.approx(np.sqrt(np.mean(residuals**2)), rel=1e-4)


@pytest.mark.parametrize(
    ("alpha", "low", "high"), [(-0.5, -0.46, -0.40), (-1.0, -1.0, -0.94), (-1.5, -1.53, -1.45)]
)
def test_sampled_data_of_a_planted_law(alpha, low, high):
    """1,000 samples of 500 units: slightly flat, as field notes 5.2 say of few stimuli."""
    found = eigenspectrum.spectrum(planted(1000, 500, alpha), scores=0)
    assert low < power_law.fit_power_law(found.eigenvalues).alpha < high


@pytest.mark.parametrize("shape", [(600, 200), (200, 600), (200, 200)])
def test_exact_agrees_with_full_pca_at_every_rank(stored, shape, monkeypatch):
    for module in (eigenspectrum, moments):  # several slabs, of uneven length
        monkeypatch.setattr(module, "SLAB", 2**14)
    rows = stored(planted(*shape, -1.0))
    found, theirs = eigenspectrum.spectrum(rows), reference(rows)
    kept = min(shape[0] - 1, shape[1])
    assert found.eigenvalues.dtype == np.float64
    assert len(found.eigenvalues) == kept
    np.testing.assert_allclose(found.eigenvalues, theirs[:kept], rtol=1e-4)
    ours, wanted = power_law.fit_power_law(found.eigenvalues), power_law.fit_power_law(theirs)
    assert ours.alpha == pytest.approx(wanted.alpha, abs=1e-5)
    assert found.total_variance == pytest.approx(theirs.sum(), rel=1e-5)
    assert found.participation_ratio == pytest.approx(
        theirs.sum() ** 2 / (theirs**2).sum(), rel=1e-4
    )
    assert (found.n, found.width) == shape


@pytest.mark.parametrize("solver", ["exact", "window", "randomized"])
@pytest.mark.parametrize("shape", [(900, 600), (600, 900)])
def test_scores_are_the_principal_projections(solver, shape):
    rows = planted(*shape, -1.0)
    found = eigenspectrum.spectrum(rows, solver=solver, scores=20)
    assert found.scores.shape == (shape[0], 20)
    assert found.scores.dtype == np.float32
    covariance = np.cov(found.scores.astype(np.float64).T)
    np.testing.assert_allclose(np.diag(covariance), found.eigenvalues[:20], rtol=1e-4)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-5)
    theirs = PCA(20, svd_solver="full").fit_transform(rows.astype(np.float64))
    np.testing.assert_allclose(np.abs(found.scores[:, 0]), np.abs(theirs[:, 0]), atol=1e-3)
    assert eigenspectrum.spectrum(rows, solver=solver, scores=0).scores.shape == (shape[0], 0)


@pytest.mark.parametrize("shape", [(900, 300), (300, 900)])
def test_steep_spectra_keep_their_last_ranks(shape):
    rows = planted(*shape, -4.0)  # lambda_1 / lambda_200 is about 1e9
    found = eigenspectrum.spectrum(rows, components=200, scores=0)
    np.testing.assert_allclose(found.eigenvalues, reference(rows)[:200], rtol=1e-4)


@pytest.mark.parametrize("shape", [(300, 60), (60, 300)])
@pytest.mark.parametrize("dead", [0, 1])
def test_all_ranks_are_right_and_found_in_one_pass(shape, dead, monkeypatch):
    """The last of all ranks is rounding, or a dead unit's: float32 could never tell it."""
    read = []
    matrix = "_gram" if shape[0] <= shape[1] else "covariance"
    form = getattr(eigenspectrum, matrix)
    monkeypatch.setattr(
        eigenspectrum, matrix, lambda rows, dtype, *kept: read.append(dtype) or form(rows, dtype)
    )
    rows = planted(*shape, -5.0)
    rows[:, :dead] = 0.7
    found, wanted = eigenspectrum.spectrum(rows, scores=0).eigenvalues, reference(rows)
    assert read == [np.float64]
    np.testing.assert_allclose(found[:58], wanted[:58], rtol=1e-6)
    np.testing.assert_allclose(found[58:], wanted[58 : len(found)], rtol=1e-6, atol=1e-12)
    eigenspectrum.spectrum(rows, components=20, scores=0)
    assert read[1:] == [np.float32, np.float64]  # lambda_1 / lambda_20 is 3e6
    eigenspectrum.spectrum(rows, components=5, scores=0)
    assert read[3:] == [np.float32]


@pytest.mark.parametrize(
    ("solver", "components"), [("exact", 519), ("exact", 99), ("window", 60), ("randomized", 40)]
)
@pytest.mark.parametrize("power", [-100, 63])
def test_the_scale_of_the_activations_changes_no_digit(solver, components, power):
    """The squares of 2^63 are beyond float32, those of 2^-100 are 0 in it."""
    rows = planted(520, 540, -1.0)
    rows[-1] *= 40  # the largest come last
    found, plain = (
        eigenspectrum.spectrum(x, components=components, solver=solver, scores=5)
        for x in (np.ldexp(rows, power), rows)
    )
    np.testing.assert_array_equal(found.eigenvalues, np.ldexp(plain.eigenvalues, 2 * power))
    np.testing.assert_array_equal(found.scores, np.ldexp(plain.scores, power))
    assert found.total_variance == np.ldexp(plain.total_variance, 2 * power)
    np.testing.assert_equal(found.participation_ratio, plain.participation_ratio)


def test_rows_sorted_by_class_far_from_the_first_ones():
    rows = planted(3000, 100, -1.0)
    rows[1500:] += 30
    found = eigenspectrum.spectrum(rows, scores=0)
    np.testing.assert_allclose(found.eigenvalues, reference(rows), rtol=1e-4)


@pytest.mark.parametrize("alpha", EXPONENTS)
@pytest.mark.parametrize("shape", [(2000, 900), (700, 1500)])
def test_the_window_solver_finds_the_leading_ranks(alpha, shape):
    rows = planted(*shape, alpha)
    found, whole = (
        eigenspectrum.spectrum(rows, solver="window"),
        eigenspectrum.spectrum(rows, scores=0),
    )
    assert len(found.eigenvalues) == 60
    assert found.scores.shape == (shape[0], 150)
    np.testing.assert_allclose(found.eigenvalues[:50], whole.eigenvalues[:50], rtol=1e-4)
    assert found.total_variance == pytest.approx(whole.total_variance, rel=1e-5)
    assert math.isnan(found.participation_ratio)
    again = eigenspectrum.spectrum(rows, solver="window")
    np.testing.assert_array_equal(found.eigenvalues, again.eigenvalues)


@pytest.mark.parametrize("rank", [5, 70])
def test_the_window_solver_outlives_the_rank_of_the_code(rank):
    rows = planted(700, 600, -6.0)
    rows += planted(700, rank, -0.5) @ np.eye(rank, 600, dtype=np.float32)
    found = eigenspectrum.spectrum(rows, solver="window", scores=0).eigenvalues
    wanted = reference(rows)[:60]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6 * wanted[0])


def test_the_randomized_solver_is_scikit_learns():
    rows = planted(800, 600, -1.0)
    found = eigenspectrum.spectrum(rows, components=40, solver="randomized", scores=0, seed=3)
    theirs = PCA(40, svd_solver="randomized", random_state=3).fit(rows)
    np.testing.assert_allclose(found.eigenvalues, theirs.explained_variance_, rtol=1e-6)
    assert found.total_variance == pytest.approx(rows.var(axis=0, ddof=1).sum(), rel=1e-5)


def test_one_unit_and_a_constant_code():
    one = eigenspectrum.spectrum(planted(50, 1, -1.0))
    assert one.eigenvalues == pytest.approx([one.total_variance])
    assert one.scores.astype(np.float64).var(ddof=1) == pytest.approx(one.total_variance, rel=1e-5)
    constant = eigenspectrum.spectrum(np.full((50, 20), 3.0, np.float32))
    assert not constant.eigenvalues.any()
    assert math.isnan(constant.participation_ratio)
    assert "no exponent" in power_law.fit_power_law(constant.eigenvalues).note


@pytest.mark.parametrize(
    ("rows", "solver"),
    [
        (np.zeros((1, 5), np.float32), "exact"),
        (np.zeros((5, 2, 2), np.float32), "exact"),
        (np.full((9, 5), np.nan, np.float32), "exact"),
        (np.full((600, 700), np.inf, np.float32), "exact"),
        (np.full((600, 700), np.nan, np.float32), "window"),
        (np.zeros((9, 5), np.float32), "lanczos"),
    ],
)
def test_rows_without_a_spectrum_are_refused(rows, solver):
    with pytest.raises(ValueError, match=r"rows (have|of) shape|unknown solver 'lanczos'"):
        eigenspectrum.spectrum(rows, solver=solver)


def test_a_window_with_too_few_ranks_shrinks_and_says_so():
    law = power_law.fit_power_law(1 / np.arange(1, 31))
    assert law.alpha == pytest.approx(-1, abs=1e-6)
    assert (law.first_rank, law.last_rank) == (10, 30)
    assert "10-50 shrunk to 10-30" in law.note


def test_noise_below_the_floor_is_not_fitted():
    eigenvalues = 1 / np.arange(1.0, 101)
    eigenvalues[40:] = 1e-9
    eigenvalues[60:] = 0
    law = power_law.fit_power_law(eigenvalues)
    assert law.alpha == pytest.approx(-1, abs=1e-6)
    assert law.last_rank == 40
    assert "40 of 100" in law.note


@pytest.mark.parametrize("count", [0, 1, 9, 13])
def test_under_five_ranks_the_exponent_is_missing_with_its_reason(count):
    law = power_law.fit_power_law(1 / np.arange(1, count + 1))
    assert all(math.isnan(value) for value in (law.alpha, law.intercept, law.rmse))
    assert f"no exponent: {max(0, count - 9)} ranks from 10 on" in law.note
    assert not math.isnan(power_law.fit_power_law(1 / np.arange(1, 15)).alpha)


@pytest.mark.parametrize("ranks", [(0, 50), (50, 10)])
def test_impossible_ranks_are_refused(ranks):
    with pytest.raises(ValueError, match="ranks"):
        power_law.fit_power_law(1 / np.arange(1, 101), ranks=ranks)


def test_the_bootstrap_is_reproducible_and_paired():
    scores = eigenspectrum.spectrum(planted(300, 200, -1.0)).scores
    draws = power_law.bootstrap_exponents(scores, resamples=8, seed=5)
    np.testing.assert_array_equal(draws, power_law.bootstrap_exponents(scores, resamples=8, seed=5))
    other = power_law.bootstrap_exponents(scores, resamples=8, seed=6)
    assert not np.isin(draws, other).any()
    # Another code of the same stimuli is resampled alike: here this one, turned and scaled.
    paired = power_law.bootstrap_exponents(2 * scores[:, ::-1], resamples=8, seed=5)
    np.testing.assert_allclose(paired, draws, atol=1e-6)


def test_a_bootstrap_draw_is_the_pca_of_the_stimuli_drawn():
    rows = planted(300, 60, -1.0)  # all 60 components are kept
    counts = np.random.default_rng(5).multinomial(300, np.full(300, 1 / 300))
    drawn = eigenspectrum.spectrum(np.repeat(rows, counts, axis=0), scores=0)
    draws = power_law.bootstrap_exponents(eigenspectrum.spectrum(rows).scores, resamples=1, seed=5)
    wanted = power_law.fit_power_law(drawn.eigenvalues).alpha
    assert draws[0] == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("scale", [1, 2.0**70])
def test_a_bootstrap_of_scores_that_are_read_is_that_of_those_held(monkeypatch, scale):
    """A few stimuli at a time, and drawn so."""
    rows = planted(300, 60, -1.0) * np.float32(scale)
    monkeypatch.setattr(weighted_spectra, "BLOCK", 70)
    held = eigenspectrum.spectrum(rows)
    draws = power_law.bootstrap_exponents(held.scores, resamples=3, seed=5)
    counts = np.concatenate([*weighted_spectra.multinomial_counts(300, 3, 5)], axis=1)
    drawn = [np.repeat(rows, own, axis=0) for own in counts]
    wanted = [eigenspectrum.spectrum(one, scores=0).eigenvalues for one in drawn]
    alphas = [power_law.fit_power_law(one).alpha for one in wanted]
    np.testing.assert_allclose(draws, alphas, atol=1e-5)
    monkeypatch.setattr(eigenspectrum, "MOST_SCORES", 0)
    monkeypatch.setattr("codespectra.spectra.moments.SLAB", 60 * 31)
    read = eigenspectrum.spectrum(rows)
    assert not isinstance(read.scores, np.ndarray)
    np.testing.assert_allclose(
        read.scores[11:250], held.scores[11:250], rtol=1e-5, atol=scale * 1e-5
    )
    again = power_law.bootstrap_exponents(read.scores, resamples=3, seed=5)
    np.testing.assert_allclose(again, draws, rtol=1e-5)
    told = []  # what else looks at scores gives the same from those that are read
    for found in (held, read):
        ratios = participation.corrected_ratios(rows, found)
        gains, _ = alternatives.held_out_gains(found.scores, first=2)
        told.append([ratios[1].high, *(gain.mean for gain in gains.values())])
    np.testing.assert_allclose(*told, rtol=1e-4, atol=1e-6)


def test_a_draw_that_loses_ranks_is_missing():
    scores = eigenspectrum.spectrum(planted(60, 200, -1.0)).scores
    draws = power_law.bootstrap_exponents(scores, resamples=4)
    assert np.isnan(draws).all()  # about 38 different stimuli can't have 50 components
    assert np.isnan(normal_interval(-1.0, draws)).all()


def test_the_bootstraps_spread_is_that_over_independent_samples():
    samples = [eigenspectrum.spectrum(planted(1000, 200, -1.0, seed)) for seed in range(40)]
    exponents = [power_law.fit_power_law(sample.eigenvalues).alpha for sample in samples]
    draws = power_law.bootstrap_exponents(samples[0].scores, resamples=100)
    ratio = draws.std(ddof=1) / np.std(exponents, ddof=1)
    assert 0.75 < ratio < 1.5  # 1.1 expected; both deviations are known to about 10 %
    low, high = normal_interval(exponents[0], draws)
    assert low < np.mean(exponents) < high


def test_the_interval_is_normal():
    draws = np.array([-1.2, -1.0, -0.8])
    assert normal_interval(-2.0, draws) == pytest.approx((-2 - 0.2 * 1.959964, -2 + 0.2 * 1.959964))


def test_curvature_of_laws_and_of_departures():
    rank = np.arange(1, 501)
    assert power_law.curvature(2.0 * rank**-1.0) == pytest.approx(0, abs=1e-10)
    bent = np.exp(-np.log(rank) - 0.2 * np.log(rank) ** 2)
    assert power_law.curvature(bent) == pytest.approx(-0.2, abs=1e-10)
    assert power_law.curvature(np.append(bent, [1e-12, 0])) == pytest.approx(-0.2, abs=1e-10)
    assert math.isnan(power_law.curvature(bent[:4]))


def test_capacity_loss_in_closed_form():
    small = code_entropy.capacity_loss(-1.5, 4)
    assert small["exact_bits"] == pytest.approx(1.5 * math.log2(24))
    assert small["paper_bits"] == pytest.approx(1.5 * 4 * math.log2(4 / math.e))
    assert small["exact_from_std_bits"] == small["exact_bits"] / 2
    assert small["paper_from_std_bits"] == small["paper_bits"] / 2
    assert set(code_entropy.capacity_loss(-1.5, 1).values()) == {0}
    pair = code_entropy.capacity_loss(-1.5, 2)
    assert pair["exact_bits"] == pytest.approx(1.5)
    assert pair["paper_bits"] == 0
    large = code_entropy.capacity_loss(-1.0, 100_000)
    assert large["paper_bits"] == pytest.approx(large["exact_bits"], rel=1e-5)
    with pytest.raises(ValueError, match="width"):
        code_entropy.capacity_loss(-1.0, 0)


def test_a_missing_interval_says_why() -> None:
    law = power_law.fit_power_law(np.arange(1, 61.0) ** -1)
    whole, holed = np.full(20, -1.0), np.array([-1.0] * 17 + [np.nan] * 3)
    assert power_law.notes(law, whole) == ""
    assert power_law.notes(law, holed).startswith("no interval: 3 of 20 resamples")
    short = power_law.fit_power_law(np.arange(1, 41.0) ** -1)
    assert power_law.notes(short, holed).startswith("ranks 10-50 shrunk to 10-40")
    assert "; no interval: 3 of 20" in power_law.notes(short, holed)
    missing = power_law.fit_power_law(np.arange(1, 9.0) ** -1)
    assert power_law.notes(missing, np.full(20, np.nan)) == missing.note
