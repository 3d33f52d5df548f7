"""II and input gradients at K-Means centroids against those between them (B §3.5, fig. 7).

A path and its reverse are the same directions and count once. Paths still share images, so that a
bootstrap over them is rather narrow.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from codespectra.claims.measures.tables import Tables, by_scope
from codespectra.statistics.evidence import Evidence, rank_correlation
from codespectra.statistics.intervals import NORMAL_REACH


def index_between_centroids(tables: Tables) -> Iterator[Evidence]:
    """II half-way between two centroids minus the mean of the centroids' own."""
    for scope, paths in by_scope(tables.sensitivity, ["layer", "metric"], tables.trained):
        start, middle, end = _places(one_way(paths), "ii")
        yield _bootstrap_mean(
            scope, "II between - at centroids", middle - (start + end) / 2, tables
        )


def gradient_at_centroids(tables: Tables) -> Iterator[Evidence]:
    """Gradient norm at centroids against elsewhere, in two ways.

    At each direction's own nearest images: centroids against half-way between them. At the images
    of mu_a, which stay the same: for mu_a against for mu_b.
    """
    for scope, paths in by_scope(tables.sensitivity_gradients, ["layer"], tables.trained):
        start, middle, end = _places(one_way(paths), "gradient_norm")
        change = ((start + end) / 2 - middle) / middle
        where = scope.at(images="own images: centroids against between")
        yield _bootstrap_mean(where, "relative change of the norm", change, tables)
        other, _, own = _places(paths, "gradient_norm_a")
        where = scope.at(images="images of a centroid: for it against for its partner")
        yield _bootstrap_mean(where, "relative change of the norm", (own - other) / other, tables)


def index_and_gradient(tables: Tables) -> Iterator[Evidence]:
    """Rank correlation, over centroids, of II with the least gradient norm at their images."""
    for scope, found in by_scope(tables.sensitivity_centroids, ["layer", "metric"], tables.trained):
        norm, ii = found["least_gradient_norm"].to_numpy(), found["ii"].to_numpy()
        yield rank_correlation(scope, norm, ii, **tables.resampling)


def distance_and_similarity(scope: str, pairs: pd.DataFrame) -> Evidence:
    """Rank correlation of cross_ii with the distance of the centroids, over all pairs (B fig. 7 A).

    Pairs of one centroid go together: the interval is that of a jackknife over the n centroids, of
    Fisher's z. Missing for fewer than 5.
    """
    a, b = pairs["a"].to_numpy(), pairs["b"].to_numpy()
    centroids, statistic = np.union1d(a, b), "Spearman's rho"
    n = len(centroids)
    if n < 5:
        return Evidence(scope, statistic, np.nan, np.nan, np.nan, n)
    from scipy.stats import rankdata  # half a second, which the figure of the paths needn't pay

    ranks = np.stack([rankdata(pairs[name]) for name in ("distance", "cross_ii")])
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = float(np.corrcoef(ranks)[0, 1])
        left_out = [np.corrcoef(ranks[:, (a != one) & (b != one)])[0, 1] for one in centroids]
        z = np.arctanh(left_out)
        reach = NORMAL_REACH * np.sqrt((n - 1) / n * np.sum((z - z.mean()) ** 2))
        low, high = np.tanh(np.arctanh(rho) + np.array([-reach, reach]))
    return Evidence(scope, statistic, rho, float(low), float(high), n)


def one_way(paths: pd.DataFrame) -> pd.DataFrame:
    """Paths from a to b, without those of b > a whose reverse is there too."""
    there = set(zip(paths["a"], paths["b"], strict=True))
    second = [a > b and (b, a) in there for a, b in zip(paths["a"], paths["b"], strict=True)]
    return paths[~np.array(second, dtype=bool)]


def _places(paths: pd.DataFrame, column: str) -> Iterator[np.ndarray]:
    """Values of each path at mu_b, half-way (or next to it), and at mu_a."""
    wide = paths.pivot(index="a", columns="t", values=column)
    for t in (0, 0.5, 1):
        yield wide.iloc[:, np.abs(wide.columns - t).argmin()].to_numpy()


def _bootstrap_mean(scope: str, statistic: str, values: np.ndarray, tables: Tables) -> Evidence:
    """Mean of the finite values with an interval bootstrapped over them."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return Evidence(scope, statistic, np.nan, np.nan, np.nan, len(known))
    rng = np.random.default_rng(tables.seed)
    draws = rng.choice(known, (tables.resamples, len(known))).mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return Evidence(scope, statistic, float(known.mean()), low, high, len(known))
