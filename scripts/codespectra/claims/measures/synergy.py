"""Signs and skewness of synergies, and their correlation with that of units and with II (B fig. 8).

Pairs share units, so units are what is resampled (vertex bootstrap, Snijders & Borgatti 1999).
"""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from scipy import stats

from codespectra.claims.measures.tables import Tables, by_scope
from codespectra.claims.scope import Scope
from codespectra.statistics.evidence import Evidence, rank_correlation

# From means of features (…, F) over pairs to a statistic (…).
Statistic = Callable[[np.ndarray], np.ndarray]

PLACE = ["layer", "metric"]


def signs_of_synergies(tables: Tables) -> Iterator[Evidence]:
    """Share of negative pairs less a half, share of positive pairs, and skewness."""
    for scope, pairs in by_scope(tables.synergies, PLACE, tables.trained):
        values = pairs["synergy"].to_numpy()
        negative, positive = values < 0, values > 0
        standard = (values - values.mean()) / (values.std() or 1)
        powers = np.stack([standard, standard**2, standard**3], axis=1)
        for name, features, statistic in (
            ("share of negative pairs, less 0.5", negative[:, None] - 0.5, _mean),
            ("share of positive pairs", positive[:, None] * 1.0, _mean),
            ("skewness over pairs", powers, _skewness),
        ):
            yield _over_units(scope, name, pairs, features, statistic, tables)


def synergy_with_correlation(tables: Tables) -> Iterator[Evidence]:
    """Spearman's rho of synergy and correlation over pairs, ranked once among all of them."""
    for scope, pairs in by_scope(tables.synergies, PLACE, tables.trained):
        ranks = stats.rankdata(pairs[["correlation", "synergy"]], axis=0) / len(pairs)
        x, y = (ranks - ranks.mean(axis=0)).T
        features = np.stack([x, y, x * x, y * y, x * y], axis=1)
        yield _over_units(scope, "Spearman's rho", pairs, features, _correlation, tables)


def index_with_best_synergy(tables: Tables) -> Iterator[Evidence]:
    """Spearman's rho over units of the own index and the best synergy.

    Synergy subtracts the index itself (B eq. 8), so that it would fall with it by construction;
    the second scope asks the same of the best II(a + b), of which nothing was subtracted.
    """
    for scope, units in by_scope(tables.synergy_units, PLACE, tables.trained):
        own = units["ii"].to_numpy()
        for column, what in (
            ("best_synergy", "best synergy (partly built in: it subtracts II)"),
            ("best_ii", "best II(a + b)"),
        ):
            where = scope.at(compared=f"II and {what}")
            yield rank_correlation(where, own, units[column].to_numpy(), **tables.resampling)


def unit_bootstrap(
    first: np.ndarray, second: np.ndarray, features: np.ndarray, *, resamples: int, seed: int
) -> np.ndarray:
    """Means of features over the pairs of resampled units.

    A pair counts as often as the product of its units' draws; a unit drawn twice makes no pair
    with itself. nan where no two units were drawn.

    Args:
        first, second: units of each pair, (P,).
        features: (P, F).
        resamples: how many.
        seed: draws them.

    Returns:
        (resamples, F).
    """
    units, places = np.unique(np.stack([first, second]), return_inverse=True)
    rows, columns = places.reshape(2, -1)
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(units), np.full(len(units), 1 / len(units)), size=resamples)
    counts = counts.astype(np.float64)
    sums = []
    for values in (np.ones(len(first)), *features.T):
        table = np.zeros((len(units), len(units)))
        table[rows, columns] = values
        sums.append(np.einsum("du,du->d", counts @ table, counts))
    with np.errstate(invalid="ignore"):
        return np.stack(sums[1:], axis=1) / sums[0][:, None]


def _over_units(
    scope: Scope,
    name: str,
    pairs: pd.DataFrame,
    features: np.ndarray,
    statistic: Statistic,
    tables: Tables,
) -> Evidence:
    """A statistic with the percentile interval of its unit bootstrap; n is that of pairs."""
    first, second = pairs["a"].to_numpy(), pairs["b"].to_numpy()
    drawn = statistic(unit_bootstrap(first, second, features, **tables.resampling))
    known = drawn[np.isfinite(drawn)]
    low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
    return Evidence(scope, name, float(statistic(features.mean(axis=0))), low, high, len(pairs))


def _mean(means: np.ndarray) -> np.ndarray:
    return means[..., 0]


def _skewness(means: np.ndarray) -> np.ndarray:
    """From the means of x, x^2 and x^3."""
    one, two, three = np.moveaxis(means, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (three - 3 * one * two + 2 * one**3) / (two - one**2) ** 1.5


def _correlation(means: np.ndarray) -> np.ndarray:
    """Pearson's, from the means of x, y, x^2, y^2 and x y."""
    x, y, xx, yy, xy = np.moveaxis(means, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (xy - x * y) / np.sqrt((xx - x**2) * (yy - y**2))
