"""Goals 3a and 3b: spherical K-Means against scikit-learn's KMeans on the same unit rows."""

import numpy as np
from side_by_side import compare
from sklearn.cluster import KMeans

from codespectra.directions import kmeans

ITERATIONS = 20
SEEDS = 6  # seeds differ by about 1e-4, as much as the goal allows


def features(rows: int = 50_000, dimensions: int = 256) -> np.ndarray:
    """Unit rows like a pooled ReLU layer's: 1,000 overlapping blobs through a random layer."""
    rng = np.random.default_rng(0)
    widths = np.arange(1, 65) ** -0.5
    centres = rng.standard_normal((1000, 64))
    hidden = centres[rng.integers(1000, size=rows)] + 0.7 * rng.standard_normal((rows, 64))
    layer = rng.standard_normal((64, dimensions)) * widths[:, None]
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
    """Our mean cosine over seeds is not below scikit-learn's by 1e-4, at equal iterations."""
    theirs, ours = [], []
    for seed in range(SEEDS):
        peer, fit = sklearn_fit(rows, k, seed=seed), our_fit(rows, k, seed)
        assert peer.n_iter_ == fit.iterations == ITERATIONS
        theirs.append(mean_cosine(rows, peer.cluster_centers_))
        ours.append(mean_cosine(rows, fit.centroids))
        assert abs(ours[-1] - fit.objective) < 1e-6
    print(f"mean cosine, K={k}: scikit-learn {np.mean(theirs):.6f}, ours {np.mean(ours):.6f}")
    assert np.mean(ours) > np.mean(theirs) - 1e-4


def main() -> None:
    rows = features()
    for k in (128, 256, 512):
        assert_as_good(rows, k)
        compare(
            "3a",
            f"K-Means start and {ITERATIONS} iterations, K={k}",
            lambda k=k: sklearn_fit(rows, k),
            lambda k=k: our_fit(rows, k),
            at_least=2.5,
        )
    start = rows[:256]
    compare(
        "3b",
        f"{ITERATIONS} Lloyd iterations, K=256",
        lambda: sklearn_fit(rows, 256, start),
        lambda: kmeans.lloyd(rows, start, ITERATIONS),
        at_least=0.9,
    )


if __name__ == "__main__":
    main()
