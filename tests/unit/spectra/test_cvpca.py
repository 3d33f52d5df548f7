"""Cross-validated PCA against its definition, and codes whose noise is known."""

import h5py
import numpy as np
import pytest
from planted_codes import planted

from codespectra.spectra import cvpca, eigenspectrum, power_law


def noisy(signal: np.ndarray, variance: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Two repeats with independent white noise of this variance a unit."""
    noise = np.random.default_rng(seed).standard_normal((2, *signal.shape))
    return tuple((signal + variance**0.5 * noise).astype(np.float32))


def by_definition(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cross-validated and plain eigenvalues in float64, from the D x D covariances."""
    first, second = (rows.astype(np.float64) - rows.mean(axis=0) for rows in (first, second))
    variances, vectors = np.linalg.eigh(first.T @ first / (len(first) - 1))
    across = first.T @ second / (len(first) - 1)
    return np.diag(vectors.T @ across @ vectors)[::-1], variances[::-1]


@pytest.mark.parametrize("shape", [(600, 200), (200, 600), (200, 200)])
@pytest.mark.parametrize("alpha", [-1.0, -3.0])
def test_it_agrees_with_the_definition(shape, alpha, monkeypatch):
    """To 1e-3 of each variance, at every rank: float32 mixes ranks of nearly equal variance."""
    monkeypatch.setattr(eigenspectrum, "SLAB", 2**14)  # several blocks, of uneven width
    first, second = noisy(planted(*shape, alpha), 0.002)
    found = cvpca.cross_validated_spectrum(first, second)
    shared, variances = by_definition(first, second)
    kept = min(shape[0] - 1, shape[1])
    assert len(found.eigenvalues) == len(found.plain.eigenvalues) == kept
    assert (np.abs(found.eigenvalues - shared[:kept]) < 1e-3 * variances[:kept]).all()
    np.testing.assert_allclose(found.plain.eigenvalues, variances[:kept], rtol=1e-4)


def test_the_tail_of_a_steep_spectrum_keeps_its_digits():
    """The 60th variance is 1e-7 of the first, behind a large mean."""
    signal = planted(300, 900, -4.0) + 5
    first, second = noisy(signal, 0)
    second = second + np.float32(0.1) * first
    found = cvpca.cross_validated_spectrum(first, second, components=60)
    np.testing.assert_allclose(found.eigenvalues, by_definition(first, second)[0][:60], rtol=1e-3)


def test_two_halves_of_a_dataset_are_the_repeats(tmp_path, monkeypatch):
    monkeypatch.setattr(eigenspectrum, "SLAB", 2**14)
    for shape in [(300, 80), (80, 300)]:
        first, second = noisy(planted(*shape), 0.01)
        with h5py.File(tmp_path / "rows.h5", "w") as file:
            stacked = np.concatenate([first, second])
            rows = file.create_dataset("rows", data=stacked, chunks=(64, shape[1]))
            halves = cvpca.repeats(rows)
            assert [half.shape for half in halves] == [shape, shape]
            np.testing.assert_array_equal(halves[1][5:9], second[5:9])
            np.testing.assert_array_equal(halves[0][:, 3:70], first[:, 3:70])
            np.testing.assert_array_equal(halves[0][50:5000], first[50:5000])
            stored = cvpca.cross_validated_spectrum(*halves)
            file.clear()
        held = cvpca.cross_validated_spectrum(first, second)
        tolerance = 1e-6 * held.plain.eigenvalues[0]
        np.testing.assert_allclose(stored.eigenvalues, held.eigenvalues, atol=tolerance)


def test_an_odd_number_of_rows_and_unlike_repeats_are_refused():
    with pytest.raises(ValueError, match="7 rows"):
        cvpca.repeats(np.zeros((7, 3)))
    with pytest.raises(ValueError, match="shapes"):
        cvpca.cross_validated_spectrum(np.zeros((7, 3)), np.zeros((6, 3)))


@pytest.mark.parametrize(
    ("shape", "variance", "plain", "alpha"),
    [
        ((2000, 400), 0.01, -0.735, -1.02),  # half of the variance of rank 50
        ((2000, 400), 0.005, -0.85, -0.99),
        ((1000, 1500), 0.005, -0.675, -0.99),  # in all, as much noise as signal
    ],
)
def test_noise_flattens_the_plain_spectrum_and_not_the_shared_one(shape, variance, plain, alpha):
    """Planted exponent -1; what a sample without noise gives is -0.94 to -0.985."""
    found = cvpca.cross_validated_spectrum(*noisy(planted(*shape), variance))
    assert power_law.fit_power_law(found.plain.eigenvalues).alpha == pytest.approx(plain, abs=0.03)
    law = cvpca.fit_power_law(found.eigenvalues)
    assert law.alpha == pytest.approx(alpha, abs=0.03)
    assert law.alpha == pytest.approx(-1, abs=0.05)
    rank = np.arange(10, 51)
    assert (rank * found.plain.eigenvalues[9:50]).mean() > 1.15  # 1 is planted
    assert (rank * found.eigenvalues[9:50]).mean() == pytest.approx(1, abs=0.1)


def test_the_fit_ends_where_the_repeats_covary_no_more():
    eigenvalues = 1 / np.arange(1.0, 101)
    assert cvpca.fit_power_law(eigenvalues).note == ""
    eigenvalues[60] = -1e-4  # behind the window
    assert cvpca.fit_power_law(eigenvalues).note == ""
    eigenvalues[40] = -1e-3
    law = cvpca.fit_power_law(eigenvalues)
    assert law.alpha == pytest.approx(-1, abs=1e-6)
    assert law.last_rank == 40
    assert "rank 41 covaries no more" in law.note
    eigenvalues[0] = 0
    assert np.isnan(cvpca.fit_power_law(eigenvalues).alpha)


@pytest.mark.parametrize("shape", [(300, 60), (100, 60)])
def test_a_bootstrap_draw_is_the_fit_of_the_stimuli_drawn(shape):
    first, second = noisy(planted(*shape), 0.002)
    counts = np.random.default_rng(5).multinomial(shape[0], np.full(shape[0], 1 / shape[0]))
    drawn = [np.repeat(rows, counts, axis=0) for rows in (first, second)]
    wanted = cvpca.fit_power_law(cvpca.cross_validated_spectrum(*drawn).eigenvalues, ranks=(5, 30))
    found = cvpca.cross_validated_spectrum(first, second)  # all 60 components are kept
    draws = cvpca.bootstrap_exponents(found, ranks=(5, 30), resamples=1, seed=5)
    assert draws[0] == pytest.approx(wanted.alpha, abs=1e-4)


def test_the_bootstraps_spread_is_that_over_independent_noise_and_stimuli():
    exponents = []
    for seed, rows in enumerate(np.split(planted(24_000, 120), 24)):
        found = cvpca.cross_validated_spectrum(*noisy(rows, 0.01, seed))
        exponents.append(cvpca.fit_power_law(found.eigenvalues).alpha)
    draws = cvpca.bootstrap_exponents(found, resamples=60)
    assert 0.65 < draws.std(ddof=1) / np.std(exponents, ddof=1) < 1.8


@pytest.mark.parametrize("solver", ["window", "randomized"])
def test_the_other_solvers_agree_over_the_window(solver):
    first, second = noisy(planted(700, 600, -1.5), 0.0005)
    ours = cvpca.cross_validated_spectrum(first, second, components=100, solver=solver)
    exact = cvpca.cross_validated_spectrum(first, second, components=100)
    assert len(ours.eigenvalues) == (60 if solver == "window" else 100)
    np.testing.assert_allclose(ours.eigenvalues[:50], exact.eigenvalues[:50], rtol=0.02)


def test_a_constant_code_has_no_exponent():
    rows = np.full((50, 20), 3.0, np.float32)
    found = cvpca.cross_validated_spectrum(rows, rows)
    assert not found.eigenvalues.any()
    assert "no exponent" in cvpca.fit_power_law(found.eigenvalues).note
    assert np.isnan(cvpca.bootstrap_exponents(found, resamples=2)).all()
