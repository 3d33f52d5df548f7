"""Statistics of the Interpretability Index: methods, sizes and stimulus sets compared."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from codespectra.evidence import Evidence, compare_groups
from codespectra.measures.tables import Measure, Tables


def _groups(tables: Tables, trained: bool) -> Iterator[tuple[str, pd.DataFrame]]:
    """Scores of each (model, layer, metric) on the analysis set, parts of a backbone summed."""
    scores = tables.scores
    whole = scores[(scores["part"] == "all") & (scores["stimuli"] == tables.analysis_set)]
    keys = ["model", "stimuli", "layer", "metric"]
    for (model, stimuli, layer, metric), group in whole.groupby(keys, sort=True):
        if (model in tables.trained) == trained:
            yield f"{model} on {stimuli}, {layer}, {metric}", group


def _values(group: pd.DataFrame, method: str) -> np.ndarray:
    return group.loc[group["method"] == method, "ii"].to_numpy()


def _named(group: pd.DataFrame, kind: str) -> list[str]:
    """Methods of that kind, smaller k first."""
    methods = [name for name in group["method"].unique() if name.split("-")[0] == kind]
    return sorted(methods, key=lambda name: int(name.rpartition("-")[2]) if "-" in name else 0)


def kmeans_over(kind: str, trained: bool = True) -> Measure:
    """Measure: II of each K-Means against all methods of `kind`."""

    def measure(tables: Tables) -> Iterator[Evidence]:
        for scope, group in _groups(tables, trained):
            for ours in _named(group, "kmeans"):
                for other in _named(group, kind):
                    first, second = _values(group, ours), _values(group, other)
                    where = f"{scope}, {ours} against {other}"
                    yield compare_groups(where, first, second, **tables.resampling)

    return measure


def largest_against_smallest_k(tables: Tables) -> Iterator[Evidence]:
    """II of the K-Means with most centroids against the one with fewest."""
    for scope, group in _groups(tables, trained=True):
        fits = _named(group, "kmeans")
        if len(fits) > 1:
            first, second = _values(group, fits[-1]), _values(group, fits[0])
            where = f"{scope}, {fits[-1]} against {fits[0]}"
            yield compare_groups(where, first, second, **tables.resampling)


def each_backbone_layer(tables: Tables) -> Iterator[Evidence]:
    """II of each K-Means against neurons, in each layer of the perceptual backbone."""
    scores = tables.scores
    parts = scores[(scores["part"] != "all") & (scores["stimuli"] == tables.analysis_set)]
    keys = ["model", "stimuli", "layer", "metric", "part"]
    for (model, stimuli, layer, metric, part), group in parts.groupby(keys, sort=True):
        if model not in tables.trained:
            continue
        neurons = _values(group, "neurons")
        for ours in _named(group, "kmeans") if len(neurons) else ():
            where = f"{model} on {stimuli}, {layer}, {metric} {part}, {ours} against neurons"
            yield compare_groups(where, _values(group, ours), neurons, **tables.resampling)


def other_sets(tables: Tables) -> Iterator[Evidence]:
    """II on each control set against the analysis set, method by method."""
    whole = tables.scores[tables.scores["part"] == "all"]
    keys = ["model", "layer", "metric", "method"]
    for (model, layer, metric, method), group in whole.groupby(keys, sort=True):
        sets = {name: rows["ii"].to_numpy() for name, rows in group.groupby("stimuli", sort=True)}
        if model not in tables.trained or tables.analysis_set not in sets:
            continue
        base = sets.pop(tables.analysis_set)
        for name, values in sets.items():
            where = f"{model}, {layer}, {metric}, {method}: {name} against {tables.analysis_set}"
            yield compare_groups(where, values, base, **tables.resampling)
