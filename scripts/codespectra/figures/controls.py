"""Gain of K-Means and of the controls over the neurons, and how much of it exemplars reach."""

import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from codespectra.figures import style
from codespectra.figures.index_methods import draw_mean, kind_of
from codespectra.figures.index_notes import EXPLANATION, sample_note

ROW_INCHES = 0.1
SHARE_FRAME = (-1.0, 3.0)
MARKERS = "os^D"


def draw_controls(table: pd.DataFrame, study: str) -> Figure:
    """Gain in mean II, then the shares of K-Means' gain: a row a layer, a column a metric.

    Args:
        table: `gains` of all runs on the analysis set.
        study: the study's name.
    """
    layers, metrics = list(table["layer"].unique()), list(table["metric"].unique())
    fits = table[table["method"].map(kind_of) == "K-Means"]
    heights = [part["method"].nunique() for part in (table, fits) for _ in layers]
    models = table["model"].nunique()
    figure, axes = plt.subplots(
        len(heights),
        len(metrics),
        figsize=(style.PAGE, 1 + 0.45 * len(heights) + ROW_INCHES * models * sum(heights)),
        height_ratios=heights,
        sharey="row",
        squeeze=False,
    )
    for column, metric in zip(axes.T, metrics, strict=True):
        name = style.metric_name(metric)
        for gain, share, layer in zip(
            column[: len(layers)], column[len(layers) :], layers, strict=True
        ):
            where = "metric == @metric and layer == @layer"
            _draw_rows(gain, table.query(where), ["gain", "low", "high"], 0)
            _draw_rows(share, fits.query(where), ["share", "share_low", "share_high"], 1)
            gain.set(title=layer, xlabel=f"gain in mean II ({name})")
            share.set(title=layer, xlabel=f"share of the gain ({name})", xlim=SHARE_FRAME)
    figure.legend(handles=_handles(table), loc="outside upper right", frameon=False, ncols=models)
    sns.despine(figure)
    style.credit(
        figure,
        f"{study} · {sample_note(table)} · gain: mean II minus the neurons', 95 % interval over "
        "directions and images · share: (exemplar − neurons) / (K-Means − neurons), Fieller's "
        "interval, cut at the frame; none: the gain of that K-Means isn't clear of 0\n"
        f"{EXPLANATION}",
    )
    return figure


def _draw_rows(panel: Axes, table: pd.DataFrame, columns: list[str], reference: float) -> None:
    """Dots with intervals, a row a method, models below one another."""
    methods, models = list(table["method"].unique()), list(table["model"].unique())
    panel.axvline(reference, color="0.5", linewidth=0.6, linestyle="--")
    for row in table.itertuples():
        index = models.index(row.model)
        place = methods.index(row.method) + 0.6 * ((index + 0.5) / len(models) - 0.5)
        estimate, low, high = (getattr(row, name) for name in columns)
        if pd.isna(estimate):
            at_edge = {"transform": panel.get_yaxis_transform(), "va": "center", "fontsize": 5}
            panel.text(0.02, place, "none", color=f"C{index}", **at_edge)
        else:
            marker = MARKERS[index % len(MARKERS)]
            draw_mean(panel, estimate, low, high, place, color=f"C{index}", fmt=marker)
    panel.set_yticks(range(len(methods)), methods)
    panel.set_ylim(len(methods) - 0.4, -0.6)


def _handles(table: pd.DataFrame) -> list[Line2D]:
    models = table[["model", "weights"]].drop_duplicates().itertuples()
    return [
        Line2D(
            [],
            [],
            color=f"C{index}",
            marker=MARKERS[index % len(MARKERS)],
            label=f"{row.model} (weights: {row.weights})",
        )
        for index, row in enumerate(models)
    ]
