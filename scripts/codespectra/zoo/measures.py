"""Exponent, II and MIS of one layer, as the rules of spectra and scores find them.

A row has `metric, value, low, high, note`; of a measure that a layer can't have it has no value.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from codespectra.capture.rows import Rows
from codespectra.directions.directions import Directions, neurons
from codespectra.errors import UserError
from codespectra.experiments.further_options import GROUPS, MIS, Options
from codespectra.experiments.further_scores import (
    Metric,
    Parts,
    means_table,
    moments_table,
    score_directions,
    score_table,
)
from codespectra.interpretability.index import COLUMNS, Index, candidates, check_live
from codespectra.interpretability.index_means import mean_indices
from codespectra.interpretability.index_resampled import (
    draws_by_method,
    image_groups,
    resampled_index,
    with_intervals,
)
from codespectra.interpretability.parts import ALL
from codespectra.interpretability.similarity import Similarity
from codespectra.models.reductions import reduced_width, refusal
from codespectra.spectra import eigenspectrum, power_law
from codespectra.spectra.exponents_by_group import subsample_exponents
from codespectra.statistics.intervals import normal_interval
from codespectra.statistics.subsamples import group_subsamples, random_groups
from codespectra.zoo.activations import reduction_for

Row = dict[str, Any]
MEASURES = ("exponent", "ii", "mis")
UNITS = "neurons"


def row(
    metric: str = "",
    value: float = np.nan,
    low: float = np.nan,
    high: float = np.nan,
    note: str = "",
) -> Row:
    """A row of what was measured; the note says why it wasn't, or what is wrong with it."""
    return {"metric": metric, "value": value, "low": low, "high": high, "note": note}


def exponent(rows: Rows, groups: np.ndarray | None, cfg: dict[str, Any]) -> Row:
    """Power-law exponent of a layer's spectrum.

    Args:
        rows: (N, D).
        groups: (N,) classes that are drawn whole; None draws stimuli.
        cfg: ranks, solver, components, resamples, seed.
    """
    options = {key: cfg[key] for key in ("components", "solver", "seed")}
    found = eigenspectrum.spectrum(rows, **options)
    law = power_law.fit_power_law(found.eigenvalues, ranks=tuple(cfg["ranks"]))
    resampling = {key: cfg[key] for key in ("resamples", "seed")} | {"ranks": tuple(cfg["ranks"])}
    if groups is None:
        draws = power_law.bootstrap_exponents(found.scores, **resampling)
    else:
        draws = subsample_exponents(found.scores, groups, **resampling)
    return row("", law.alpha, *normal_interval(law.alpha, draws), power_law.notes(law, draws))


@dataclass(frozen=True)
class Groups:
    """What intervals draw whole: the group (N,) of each image, for each measure.

    `exponent` is None where stimuli are drawn.
    """

    exponent: np.ndarray | None
    ii: np.ndarray
    mis: np.ndarray

    @classmethod
    def of(cls, cfg: dict[str, Any], stimuli: str | Path, count: int) -> "Groups":
        """By the options `resampled` of the measures that are wanted.

        Raises:
            UserError: classes are to be drawn of a set that has none, or fewer than three.
        """
        classes = {key: cfg.get(key, {}).get("resampled") == "classes" for key in MEASURES}
        labels = image_groups("classes", stimuli, count) if any(classes.values()) else None
        chance = random_groups(count, GROUPS, cfg["mis"]["seed"]) if "mis" in cfg else None
        return cls(
            labels if classes["exponent"] else None,
            labels if classes["ii"] else np.arange(count),
            np.unique(labels, return_inverse=True)[1] if classes["mis"] else chance,
        )


@dataclass(frozen=True)
class Scorer:
    """What measures the layers of one network.

    Attributes:
        file: activations, by `reduction/layer`.
        cfg: options of each measure by its name.
        groups: of the images.
        similarities: metrics that hold all images.
    """

    file: h5py.File
    cfg: dict[str, Any]
    groups: Groups
    similarities: list[Similarity]

    def measure(self, name: str, layer: dict[str, Any]) -> list[Row]:
        """Rows of a measure of a layer; where it can't have it, one row that says why."""
        reduction = reduction_for(name, layer, self.cfg)
        if refused := refusal(layer, reduction):
            return [row(note=refused)]
        rows, options = self.file[f"{reduction}/{layer['name']}"], self.cfg[name]
        try:
            if name == "exponent":
                return [exponent(rows, self.groups.exponent, options)]
            units = neurons(rows[:])
            return self._mis(units, options) if name == "mis" else self._ii(layer, units, options)
        except UserError as error:
            return [row(note=str(error).splitlines()[0])]

    def _ii(self, layer: dict[str, Any], units: Directions, options: dict[str, Any]) -> list[Row]:
        """Mean Interpretability Index over the live units, each metric."""
        index, found = Index(options["m"], options["normalisation"]), {UNITS: units}
        check_live(found, layer["name"], index.m)
        held = group_subsamples(self.groups.ii, options["resamples"], options["seed"])
        count = len(np.unique(self.groups.ii))
        every = {method: candidates(one, index.m, held) for method, one in found.items()}
        answers = [x for one in self.similarities for x in resampled_index(every, one, index)]
        tables = [table.assign(method=method) for method, table, _ in answers]
        scores = pd.concat(tables, ignore_index=True)[COLUMNS]
        draws = np.concatenate([own for *_, own in answers])
        means = mean_indices(
            with_intervals(scores, draws, count).assign(image_groups=count),
            draws_by_method(scores, draws).assign(image_groups=count),
        )
        whole = means[means["part"] == ALL]
        return [row(x.metric, x.mean, x.low, x.high) for x in whole.itertuples()]

    def _mis(self, units: Directions, options: dict[str, Any]) -> list[Row]:
        """Mean Machine Interpretability Score over the live units, each metric."""
        chosen = Options.of(options | {"top": 2})
        parts = Parts.of(self.groups.mis, chosen)
        metrics = [Metric(one.metric, _same(one)) for one in self.similarities]
        signs = {one.metric: np.ones(len(units.vectors), dtype=int) for one in self.similarities}
        rows = []
        for name, scores in score_directions(units, signs, metrics, parts, chosen).items():
            table = score_table(scores, units, chosen, parts.count)
            means = means_table(table, moments_table(scores), parts.count)
            own = means.set_index("score").loc[MIS]
            none = "" if own["live"] else "no unit is live"
            rows.append(row(name, own["mean"], own["low"], own["high"], none))
        return rows


def measure_layers(scorer: Scorer, name: str, layers: dict[float, dict[str, Any]]) -> pd.DataFrame:
    """Rows of one measure of the layer at each depth: which layer, and what was measured."""
    rows = []
    for depth, layer in layers.items():
        reduction = reduction_for(name, layer, scorer.cfg)
        head = {
            "depth": depth,
            "layer": layer["name"],
            "type": layer["type"],
            "reduction": reduction,
            "width": 0 if refusal(layer, reduction) else reduced_width(layer, reduction),
            "measure": name,
        }
        rows += [head | one for one in scorer.measure(name, layer)]
    return pd.DataFrame(rows)


def _same(found: Similarity) -> Callable[[list[np.ndarray]], Similarity]:
    """Of any images, what has been read of all of them."""
    return lambda _: found
