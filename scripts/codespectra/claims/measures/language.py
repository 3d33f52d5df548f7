"""Exponents of language models, explanation scores over depth (A fig. 7 a, b) and each other."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats

from codespectra.claims.measures.tables import Measure, Tables, by_scope
from codespectra.claims.scope import Scope
from codespectra.explanations.unit_kinds import LOW_ACTION, NEURON, PROJECTION
from codespectra.statistics.evidence import Evidence, from_draws, rank_correlation
from codespectra.statistics.rank_correlation import spearman_rows

# Of unrelated scores 3-6 % of the intervals miss 0 with 6 to 12 layers, but 13 % with 5, where too
# many resamples agree (200 simulations each).
FEWEST_LAYERS = 6


def smallest_exponent(tables: Tables) -> Iterator[Evidence]:
    """How far a language model's steepest layer lies above the exponent -1."""
    keys = ["model", "stimuli", "part", "layer"]
    for scope, run in by_scope(tables.language_exponents, ["part"], tables.trained):
        chosen = tables.language_bootstrap.merge(run[keys])
        draws = chosen.pivot(index="draw", columns="layer", values="alpha").to_numpy()
        smallest = run["alpha"].to_numpy().min()
        statistic = "smallest alpha of any layer, plus 1"
        yield from_draws(scope, statistic, smallest + 1, draws.min(axis=1) + 1, n=len(run))


def scores_over_depth(tables: Tables) -> Iterator[Evidence]:
    """Rank correlation over layers of the mean scores of neurons and of random projections.

    The interval resamples the layers, and in each layer the units of both kinds: with the units
    alone, chance in which layers there are would not count, and any order that the units can tell
    would be sure. p is of a permutation of the layers.
    """
    known = tables.explanations.dropna(subset=["score"])
    for scope, units in by_scope(known, ["explainer"], tables.trained):
        for kind in (PROJECTION, LOW_ACTION):
            found = units[units["kind"].isin([NEURON, kind])]
            where = scope.at(kinds=f"neuron and {kind}")
            yield _opposite(where, found, kind, tables)


def ranks_as_simulation(score: str) -> Measure:
    """Rank correlation of an explanation's `score` with that of its simulation, over units.

    Of the units of one kind in a layer, by explainer; the interval is bootstrapped over them. Both
    scores are of the same excerpts, so that chance in these is in both.

    Args:
        score: one of `explanations.detection.SCORES`.
    """

    def measure(tables: Tables) -> Iterator[Evidence]:
        keys = ["explainer", "layer", "kind"]
        for scope, units in by_scope(tables.explanations, keys, tables.trained):
            own, simulated = units[score].to_numpy(), units["score"].to_numpy()
            yield rank_correlation(scope, own, simulated, **tables.resampling)

    return measure


def _opposite(scope: Scope, units: pd.DataFrame, kind: str, tables: Tables) -> Evidence:
    """Spearman's rho over the layers that have scores of both kinds."""
    layers = [
        [group.loc[group["kind"] == one, "score"].to_numpy() for one in (NEURON, kind)]
        for _, group in units.groupby("depth")
        if group["kind"].nunique() == 2
    ]
    statistic, n = "Spearman's rho over layers", len(layers)
    if n < FEWEST_LAYERS:
        return Evidence(scope, statistic, np.nan, np.nan, np.nan, n)
    means = np.array([[scores.mean() for scores in layer] for layer in layers]).T
    rng = np.random.default_rng(tables.seed)
    resampled = np.array(
        [[_resampled(s, tables.resamples, rng) for s in layer] for layer in layers]
    )
    chosen = rng.integers(n, size=(tables.resamples, n))
    neurons, others = np.take_along_axis(resampled.transpose(1, 2, 0), chosen[None], axis=2)
    low, high = np.nanquantile(spearman_rows(neurons, others), [0.025, 0.975])
    rho, p = _permuted(means, tables.seed)
    return Evidence(scope, statistic, rho, low, high, n, p)


def _resampled(scores: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Means (resamples,) of as many units drawn with replacement."""
    return rng.choice(scores, (resamples, len(scores))).mean(axis=1)


def _permuted(means: np.ndarray, seed: int) -> tuple[float, float]:
    """Spearman's rho of two rows, and its two-sided p by permutation, exact for few layers."""
    ranks = stats.rankdata(means, axis=1)
    test = stats.permutation_test(
        (ranks[0],),
        lambda order, axis: stats.pearsonr(order, ranks[1], axis=axis).statistic,
        permutation_type="pairings",
        vectorized=True,
        rng=seed,
    )
    return float(test.statistic), float(test.pvalue)
