"""Slope of in-silico accuracy on difficulty, and gains of directions over neurons (B fig. 5).

Intervals are bootstrapped over the directions of a method, as if these were drawn at random; the
images that they share aren't resampled. Directions that lack a counted trial are left out.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from codespectra.claims.measures.tables import Tables, by_scope
from codespectra.claims.scope import Scope
from codespectra.statistics.evidence import Evidence

COLOR = "color"


def accuracy_on_difficulty(tables: Tables) -> Iterator[Evidence]:
    """Least-squares slope of the accuracy on difficulty, mean over the directions of a method."""
    for scope, group in by_scope(
        tables.psychophysics, ["layer", "metric", "method"], tables.trained
    ):
        accuracy = group.pivot(index="direction", columns="difficulty", values="accuracy").dropna()
        difficulty = accuracy.columns.to_numpy(dtype=float)
        if len(difficulty) < 2:
            continue
        centred = difficulty - difficulty.mean()
        slopes = accuracy @ (centred / np.sum(centred**2))
        draws = _resampled_means(slopes, np.random.default_rng(tables.seed), tables.resamples)
        yield _evidence(scope, "slope of accuracy", slopes.mean(), draws, len(slopes))


def gain_over_neurons(tables: Tables) -> Iterator[Evidence]:
    """Accuracy of each K-Means less that of neurons, and how much larger that is for colour.

    Accuracies are means over difficulties. All metrics of a draw see the same directions.
    """
    for scope, group in by_scope(tables.psychophysics, ["layer"], tables.trained):
        methods = {name: _by_metric(rows) for name, rows in group.groupby("method", sort=False)}
        neurons = methods.get("neurons")
        for name, ours in methods.items():
            if neurons is not None and name.split("-")[0] == "kmeans":
                yield from _gains(scope, f"{name} against neurons", ours, neurons, tables)


def _gains(
    scope: Scope, compared: str, ours: pd.DataFrame, neurons: pd.DataFrame, tables: Tables
) -> Iterator[Evidence]:
    rng, n = np.random.default_rng(tables.seed), len(ours) + len(neurons)
    first, second = (_resampled_means(values, rng, tables.resamples) for values in (ours, neurons))
    gain, draws = ours.mean() - neurons.mean(), dict(zip(ours, (first - second).T, strict=True))
    for metric in gain.index:
        here = scope.at(metric=metric, compared=compared)
        yield _evidence(here, "difference of accuracy", gain[metric], draws[metric], n)
    for metric in gain.index.drop(COLOR) if COLOR in gain.index else ():
        here = scope.at(metric=f"{COLOR} against {metric}", compared=compared)
        more, drawn = gain[COLOR] - gain[metric], draws[COLOR] - draws[metric]
        yield _evidence(here, "difference of differences", more, drawn, n)


def _by_metric(group: pd.DataFrame) -> pd.DataFrame:
    """Accuracy of each direction (rows) by each metric (columns), mean over difficulties."""
    table = group.pivot(index="direction", columns=["metric", "difficulty"], values="accuracy")
    return table.dropna().T.groupby(level="metric", sort=False).mean().T


def _resampled_means(
    values: pd.DataFrame | pd.Series, rng: np.random.Generator, resamples: int
) -> np.ndarray:
    """Means over resampled rows, (resamples, ...); nan of fewer than two, which tell no spread."""
    n = len(values)
    if n < 2:
        return np.full((resamples, *values.shape[1:]), np.nan)
    return rng.multinomial(n, np.full(n, 1 / n), size=resamples) @ values.to_numpy() / n


def _evidence(scope: Scope, statistic: str, estimate: float, draws: np.ndarray, n: int) -> Evidence:
    low, high = np.quantile(draws, [0.025, 0.975])
    return Evidence(scope, statistic, float(estimate), float(low), float(high), n)
