"""Spherical K-Means against scikit-learn's KMeans and faiss on the same unit rows; NMF.

faiss starts from random rows, ours from k-means++ on some: its fits are quicker, its mean cosine
lower by 1e-5. Labels are part of a fit: faiss searches for them after its last iteration.
NMF's other side is scikit-learn's from its random start, in as many sweeps.
"""

import warnings
from collections.abc import Iterator

import numpy as np
import peers
from side_by_side import Row, compare, judged, show
from sklearn.cluster import KMeans
from sklearn.decomposition import NMF

from codespectra.directions import baselines, kmeans

ROWS, DIMENSIONS = 50_000, 256
CENTROIDS = (128, 256)
ITERATIONS = 20
SEEDS = 1
WITHIN = 1e-4  # of the mean cosine; seeds differ by as much
PARTS, SWEEPS = 128, 10
SMALL = {
    "ROWS": 600,
    "DIMENSIONS": 20,
    "CENTROIDS": (4,),
    "PARTS": 4,
    "ITERATIONS": 2,
    "WITHIN": 0.02,
}


def features() -> np.ndarray:
    """Unit rows like a pooled ReLU layer's: 1,000 overlapping blobs through a random layer."""
    rng = np.random.default_rng(0)
    widths = np.arange(1, 65) ** -0.5
    centres = rng.standard_normal((1000, 64))
    hidden = centres[rng.integers(1000, size=ROWS)] + 0.7 * rng.standard_normal((ROWS, 64))
    layer = rng.standard_normal((64, DIMENSIONS)) * widths[:, None]
    return kmeans.unit_rows(np.maximum(hidden @ layer + 4, 0))


def sklearn_fit(rows: np.ndarray, k: int, init="k-means++", seed: int = 0) -> KMeans:
    """scikit-learn's fit; with tol=0 it runs all the iterations, as ours does."""
    return KMeans(
        k, init=init, n_init=1, max_iter=ITERATIONS, tol=0, algorithm="lloyd", random_state=seed
    ).fit(rows)


def our_fit(rows: np.ndarray, k: int, seed: int = 0) -> kmeans.Clustering:
    return kmeans.spherical_kmeans(rows, k, starts=1, max_iterations=ITERATIONS, seed=seed)


def mean_cosine(rows: np.ndarray, centroids: np.ndarray) -> float:
    """Mean cosine of the rows to the nearest of the centroids' directions."""
    return float((rows @ kmeans.unit_rows(centroids).T).max(axis=1).mean(dtype=np.float64))


def assert_as_good(rows: np.ndarray, k: int) -> None:
    """Our mean cosine over seeds is not below scikit-learn's by WITHIN, at equal iterations."""
    theirs, ours = [], []
    for seed in range(SEEDS):
        peer, fit = sklearn_fit(rows, k, seed=seed), our_fit(rows, k, seed)
        assert peer.n_iter_ == fit.iterations == ITERATIONS
        theirs.append(mean_cosine(rows, peer.cluster_centers_))
        ours.append(mean_cosine(rows, fit.centroids))
        assert abs(ours[-1] - fit.objective) < 1e-6
    print(f"mean cosine, K={k}: scikit-learn {np.mean(theirs):.6f}, ours {np.mean(ours):.6f}")
    assert np.mean(ours) > np.mean(theirs) - WITHIN


def against_faiss(rows: np.ndarray, k: int, start: np.ndarray | None, at_least: float) -> Row:
    """A fit and its labels; from a start, or from each side's own."""
    measured = f"spherical K-Means, {ITERATIONS} iterations, K={k}" + (
        ", own start" if start is None else ""
    )
    faiss = peers.faiss()
    if faiss is None:
        return judged(measured, "faiss", None, at_least=at_least)

    def theirs() -> np.ndarray:
        fit = faiss.Kmeans(
            rows.shape[1],
            k,
            niter=ITERATIONS,
            spherical=True,
            min_points_per_centroid=1,
            max_points_per_centroid=len(rows),
        )
        fit.train(rows, init_centroids=start)
        return fit.index.search(rows, 1)

    def ours() -> kmeans.Clustering:
        return our_fit(rows, k) if start is None else kmeans.lloyd(rows, start, ITERATIONS)

    return compare(measured, "faiss", theirs, ours, at_least=at_least)


def factorisations(rows: np.ndarray) -> Row:
    rows = np.maximum(rows, 0)

    def theirs() -> np.ndarray:
        search = NMF(PARTS, init="random", max_iter=SWEEPS, tol=0, random_state=0)
        return search.fit_transform(rows)

    return compare(
        f"NMF, {SWEEPS} sweeps, K={PARTS}, {len(rows):,} rows",
        "scikit-learn's NMF",
        theirs,
        lambda: baselines.nmf(rows, k=PARTS, iterations=SWEEPS, seed=0),
        at_least=1,
        repeats=1,
    )


def rows() -> Iterator[Row]:
    warnings.simplefilter("ignore")  # nothing converges in so few sweeps
    found = features()
    assert_as_good(found, CENTROIDS[0])
    for k in CENTROIDS:
        yield compare(
            f"K-Means, start and {ITERATIONS} iterations, K={k}",
            "scikit-learn's KMeans",
            lambda k=k: sklearn_fit(found, k),
            lambda k=k: our_fit(found, k),
            at_least=2.5,
            repeats=1,
        )
    start = found[: CENTROIDS[-1]]
    yield compare(
        f"K-Means, {ITERATIONS} Lloyd iterations, K={len(start)}",
        "scikit-learn's KMeans",
        lambda: sklearn_fit(found, len(start), start),
        lambda: kmeans.lloyd(found, start, ITERATIONS),
        at_least=0.9,
    )
    yield against_faiss(found, len(start), start, 0.9)
    yield against_faiss(found, len(start), None, 0.9)
    yield factorisations(found)


if __name__ == "__main__":
    show(rows())
