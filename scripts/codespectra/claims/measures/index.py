"""Statistics of the Interpretability Index: methods, sizes, halves and stimulus sets compared."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from codespectra.claims.measures.tables import Measure, Tables
from codespectra.claims.scope import Scope
from codespectra.interpretability.parts import ALL
from codespectra.statistics.evidence import Evidence, Moments, cohens_d, compare_groups

KEYS = ("model", "stimuli", "layer", "metric", "part", "half")


@dataclass(frozen=True)
class Scored:
    """Directions of one layer under one metric: their II, and its moments on resampled images.

    `moments` has a row a method and draw.
    """

    scope: Scope
    scores: pd.DataFrame
    moments: pd.DataFrame

    def named(self, kind: str) -> list[str]:
        """Methods of that kind, fewer directions first."""
        counts = self.scores["method"].value_counts(sort=False)
        methods = [name for name in counts.index if name.split("-")[0] == kind]
        return sorted(methods, key=lambda name: counts[name])

    def size(self, method: str) -> int:
        """How many directions it has, dead ones too."""
        return int((self.scores["method"] == method).sum())

    def ii(self, method: str) -> np.ndarray:
        """Of every direction."""
        return self.scores.loc[self.scores["method"] == method, "ii"].to_numpy()

    def moments_of(self, method: str) -> Moments:
        """Of the II of its live directions on resampled images, each (resamples,)."""
        rows = self.moments[self.moments["method"] == method].sort_values("draw")
        return Moments(rows["mean"].to_numpy(), rows["variance"].to_numpy(), rows["count"].iloc[0])

    @property
    def image_groups(self) -> int:
        """How many images, or groups of them, resamples draw two thirds of."""
        return int(self.scores["image_groups"].iloc[0])

    def against(self, ours: str, other: str, tables: Tables) -> Evidence:
        """One method's II against another's."""
        return compare_groups(
            self.scope.at(compared=f"{ours} against {other}"),
            self.ii(ours),
            self.ii(other),
            image_draws=cohens_d(self.moments_of(ours), self.moments_of(other)),
            image_groups=self.image_groups,
            **tables.resampling,
        )


def _scored(scores: pd.DataFrame, resampled: pd.DataFrame) -> Iterator[tuple[dict, Scored]]:
    """Each (model, stimuli, layer, metric, part), and half if there are halves."""
    keys = [key for key in KEYS if key in scores]
    moments = dict(iter(resampled.groupby(keys)))
    for key, group in scores.groupby(keys, sort=True):
        where = dict(zip(keys, key, strict=True))
        scope = Scope(
            where["model"],
            stimuli=where["stimuli"],
            layer=where["layer"],
            metric=where["metric"] + ("" if where["part"] == ALL else f" {where['part']}"),
            half=f"{where['half']} half" if "half" in where else "",
        )
        yield where, Scored(scope, group, moments[key])


def _on_analysis_set(tables: Tables, scores: pd.DataFrame, *, trained: bool) -> pd.DataFrame:
    of_trained = scores["model"].isin(tables.trained)
    return scores[scores["stimuli"].isin(tables.analysis_sets) & (of_trained == trained)]


def _whole(scores: pd.DataFrame) -> pd.DataFrame:
    """Parts of a backbone summed."""
    return scores[scores["part"] == ALL]


def _each_kmeans(tables: Tables, scored: Scored, kind: str) -> Iterator[Evidence]:
    for ours in scored.named("kmeans"):
        for other in scored.named(kind):
            yield scored.against(ours, other, tables)


def kmeans_over(kind: str, trained: bool = True) -> Measure:
    """Measure: II of each K-Means against all methods of `kind`."""

    def measure(tables: Tables) -> Iterator[Evidence]:
        scores = _whole(_on_analysis_set(tables, tables.scores, trained=trained))
        for _, scored in _scored(scores, tables.resampled):
            yield from _each_kmeans(tables, scored, kind)

    return measure


def kmeans_over_best_autoencoder(tables: Tables) -> Iterator[Evidence]:
    """II of each K-Means against the autoencoder of the grid with the highest mean.

    Choosing the best favours the autoencoders. Those with fewer live units than half the layer's
    neurons aren't chosen: the mean of a few is high by chance.
    """
    scores, moments = (
        pd.concat([main[~main["method"].str.startswith("sae-")], grid], ignore_index=True)
        for main, grid in (
            (tables.scores, tables.autoencoders),
            (tables.resampled, tables.autoencoders_resampled),
        )
    )
    for _, scored in _scored(_whole(_on_analysis_set(tables, scores, trained=True)), moments):
        live = {name: np.isfinite(scored.ii(name)).sum() for name in scored.named("sae")}
        enough = [name for name in live if 2 * live[name] >= scored.size("neurons")]
        if enough:
            best = max(enough, key=lambda name: np.nanmean(scored.ii(name)))
            for ours in scored.named("kmeans"):
                yield scored.against(ours, best, tables)


def largest_against_smallest_k(tables: Tables) -> Iterator[Evidence]:
    """II of the K-Means with most centroids against the one with fewest."""
    scores = _whole(_on_analysis_set(tables, tables.scores, trained=True))
    for _, scored in _scored(scores, tables.resampled):
        fits = scored.named("kmeans")
        if len({scored.size(method) for method in fits}) > 1:
            yield scored.against(fits[-1], fits[0], tables)


def each_backbone_layer(tables: Tables) -> Iterator[Evidence]:
    """II of each K-Means against neurons, in each layer of the perceptual backbone."""
    scores = _on_analysis_set(tables, tables.scores, trained=True)
    for _, scored in _scored(scores[scores["part"] != ALL], tables.resampled):
        yield from _each_kmeans(tables, scored, "neurons")


def on_both_halves(tables: Tables) -> Iterator[Evidence]:
    """II of K-Means in each half of the units, of low and of high II, against these units'."""
    scores = _whole(_on_analysis_set(tables, tables.halves, trained=True))
    for _, scored in _scored(scores, tables.halves_resampled):
        yield from _each_kmeans(tables, scored, "neurons")


def other_sets(tables: Tables) -> Iterator[Evidence]:
    """II on each control set against each analysis set of its network, method by method."""
    scores = _whole(tables.scores[tables.scores["model"].isin(tables.trained)])
    places: dict[Scope, dict[str, Scored]] = {}
    for where, scored in _scored(scores, tables.resampled):
        place = Scope(where["model"], layer=where["layer"], metric=where["metric"])
        places.setdefault(place, {})[where["stimuli"]] = scored
    for place, sets in places.items():
        bases = [name for name in sets if name in tables.analysis_sets]
        controls = [name for name in sets if name not in tables.analysis_sets]
        for base, name in product(bases, controls):
            methods = sets[base].scores["method"].unique()
            for method in filter(sets[name].size, methods):  # runs may have methods of their own
                scope = place.at(method=method, sets=f"{name} against {base}")
                yield _set_against_set(scope, sets[name], sets[base], method, tables)


def _set_against_set(
    scope: Scope, first: Scored, second: Scored, method: str, tables: Tables
) -> Evidence:
    other = second.moments_of(method)
    if second.image_groups == second.scores["stimulus_count"].iloc[0]:
        # Images of sets of equal size are drawn alike; the next draw is independent. Photographs,
        # which both sets may be of, are the same ones in a draw.
        other = Moments(np.roll(other.mean, -1), np.roll(other.variance, -1), other.count)
    return compare_groups(
        scope,
        first.ii(method),
        second.ii(method),
        image_draws=cohens_d(first.moments_of(method), other),
        image_groups=min(first.image_groups, second.image_groups),
        **tables.resampling,
    )
