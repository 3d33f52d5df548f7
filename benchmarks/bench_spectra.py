"""Rows 2a-2g: CPU seconds of scikit-learn's PCA against ours, data read from HDF5 by both.

2f is cross-validated PCA as Stringer et al.'s code does it against ours; 2g the default estimators
beside exponents against exponents alone.

Run as `python benchmarks/bench_spectra.py [2a 2b ...]`; 2c and 2d take minutes each.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from scipy import linalg
from scipy.fft import idct
from side_by_side import compare
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from codespectra.spectra import cvpca, eigenspectrum, estimates, power_law
from codespectra.statistics.intervals import normal_interval
from codespectra.study.sections.analyses import Spectra

ROWS = {
    "2a": (20_000, 2_000),
    "2b": (20_000, 2_000),
    "2c": (20_000, 8_000),
    "2d": (20_000, 8_000),
    "2e": (2_000, 8_000),
    "2f": (2_000, 1_000),
    "2g": (2_000, 2_000),
}


def power_law_rows(path: Path, n: int, width: int) -> h5py.Dataset:
    """Gaussian rows of exponent -1 in a DCT basis plus means like ReLU's, in chunks of 1,000."""
    rng = np.random.default_rng(0)
    deviations = np.arange(1, width + 1, dtype=np.float32) ** -0.5
    means = 0.1 * np.abs(rng.standard_normal(width, dtype=np.float32))
    dataset = h5py.File(path, "w").create_dataset("rows", (n, width), "f4", chunks=(1_000, width))
    for start in range(0, n, 1_000):
        codes = rng.standard_normal((1_000, width), dtype=np.float32) * deviations
        dataset[start : start + 1_000] = idct(codes, norm="ortho", axis=1) + means
    return dataset


def reference(dataset: h5py.Dataset) -> np.ndarray:
    """Every eigenvalue in float64, from all centred rows at once."""
    rows = dataset[:].astype(np.float64)
    rows -= rows.mean(axis=0)
    smaller = rows @ rows.T if len(rows) < rows.shape[1] else rows.T @ rows
    return linalg.eigvalsh(smaller, overwrite_a=True)[::-1] / (len(rows) - 1)


def agree(found: np.ndarray, truth: np.ndarray, ranks: slice, alpha_within: float) -> None:
    """Refuse to time a wrong result."""
    np.testing.assert_allclose(found[ranks], truth[: len(found)][ranks], rtol=1e-4)
    alphas = [power_law.fit_power_law(values).alpha for values in (found, truth)]
    assert abs(alphas[0] - alphas[1]) < alpha_within, alphas


def sklearn_pca(dataset: h5py.Dataset, solver: str) -> Callable[[], object]:
    return lambda: PCA(1_000, svd_solver=solver, random_state=0).fit(dataset[:])


def stringers(pair: np.ndarray) -> np.ndarray:
    """Cross-validated eigenvalues of two repeats (2, N, D) as Stringer et al. compute them.

    Components are those of the transposed first repeat: MouseLand/stringer-pachitariu-et-al-2018b.
    """
    pca = PCA(min(1_024, pair.shape[1])).fit(pair[0].T)
    onto = pair[0].T @ (pca.components_.T / pca.singular_values_)
    return ((pair[0] @ onto) * (pair[1] @ onto)).sum(axis=0)


def bench_repeats(dataset: h5py.Dataset) -> None:
    """Row 2f: 600 stimuli twice, 1,000 units, held in memory by both."""
    pair = dataset[:1_200].reshape(2, 600, -1)
    compare(
        *("2f", "cvPCA, 2 x 600 x 1,000, all ranks, Stringer's code"),
        lambda: stringers(pair),
        lambda: cvpca.cross_validated_spectrum(*pair),
        at_least=1,
        repeats=9,
    )


def bench_estimators(dataset: h5py.Dataset) -> None:
    """Row 2g: what the default estimators add to a layer's spectrum, fit and resamples."""

    def alone() -> estimates.Code:
        found = eigenspectrum.spectrum(dataset)
        law = power_law.fit_power_law(found.eigenvalues)
        interval = normal_interval(law.alpha, power_law.bootstrap_exponents(found.scores))
        return estimates.Code(dataset, found, law, interval, (10, 50))

    names = list(Spectra().estimators)
    what = f"default estimators too, {dataset.shape[0]:,} x {dataset.shape[1]:,}"
    compare("2g", what, alone, lambda: estimates.estimate(alone(), names), at_most=1.5)


def bench(goal: str, dataset: h5py.Dataset, truth: np.ndarray) -> None:
    def exact() -> eigenspectrum.Spectrum:
        return eigenspectrum.spectrum(dataset, scores=0)

    def window() -> eigenspectrum.Spectrum:
        return eigenspectrum.spectrum(dataset, solver="window", scores=0)

    size = f"{dataset.shape[0]:,} x {dataset.shape[1]:,}"
    randomized = sklearn_pca(dataset, "randomized")
    covariance = sklearn_pca(dataset, "covariance_eigh")
    if goal == "2d":
        agree(window().eigenvalues, truth, slice(9, 50), 1e-4)
        compare(goal, f"alpha only, {size}, randomized", randomized, window, at_least=5, repeats=1)
        return
    agree(exact().eigenvalues, truth, slice(None), 1e-5)
    what = f"top 1000, {size}"
    if goal == "2a":
        compare(goal, f"{what}, randomized", randomized, exact, at_least=7)
    elif goal == "2b":
        compare(goal, f"{what}, covariance_eigh", covariance, exact, at_least=1.3)
    elif goal == "2c":
        compare(goal, f"{what}, randomized", randomized, exact, at_least=1.2, repeats=1)
    else:
        compare(goal, f"{what}, randomized", randomized, exact, at_least=4)
        compare(goal, f"{what}, covariance_eigh", covariance, exact, at_least=50, repeats=1)


def main() -> None:
    goals = sys.argv[1:] or sorted(ROWS)
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        for shape in sorted({ROWS[goal] for goal in goals}):
            dataset = power_law_rows(Path(folder) / "rows.h5", *shape)
            truth = reference(dataset)
            for goal in goals:
                if ROWS[goal] != shape:
                    continue
                if goal == "2f":
                    bench_repeats(dataset)
                elif goal == "2g":
                    bench_estimators(dataset)
                else:
                    bench(goal, dataset, truth)
            dataset.file.close()


if __name__ == "__main__":
    main()
