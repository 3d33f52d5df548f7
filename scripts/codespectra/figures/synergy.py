"""Synergy, the II that the sum of two units gains, and images of the best pairs (B fig. 8)."""

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from codespectra.data.stimulus_file import images_by_index
from codespectra.figures import style
from codespectra.figures.panels import draw_image_rows

BINS, HEXAGONS = 50, 30


def draw_synergy(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Histogram of synergies, synergy against correlation, best synergy against II: a row a layer.

    Args:
        inputs: synergies, synergy_units, both of one run.
        cfg: study, metric (that is shown).
    """
    pairs, units = (
        inputs[name][inputs[name]["metric"] == cfg["metric"]]
        for name in ("synergies", "synergy_units")
    )
    layers = list(pairs["layer"].unique())
    figure, axes = plt.subplots(
        len(layers), 3, figsize=(style.PAGE, 0.6 + 2.1 * len(layers)), squeeze=False
    )
    metric = style.metric_name(cfg["metric"])
    for row, layer in zip(axes, layers, strict=True):
        of_layer, own = pairs[pairs["layer"] == layer], units[units["layer"] == layer]
        _draw_histogram(row[0], of_layer["synergy"], f"synergy (II, {metric})")
        _draw_correlation(figure, row[1], of_layer, f"synergy (II, {metric})")
        _draw_units(row[2], own, metric)
        row[0].set_title(f"{layer}: {len(of_layer)} pairs of {len(own)} units", loc="left")
    style.despine(figure)
    style.credit(figure, f"{_source(pairs, cfg)} · synergy: II(a + b) − max(II(a), II(b))")
    drawn = [pairs.assign(table="pairs"), units.assign(table="units")]
    return figure, pd.concat(drawn, ignore_index=True)


def _source(table: pd.DataFrame, cfg: style.Config) -> str:
    """Study, run, metric, M and weights, for the small print."""
    first = table.iloc[0]
    return (
        f"{cfg['study']} · {first['model']} on {first['stimuli']}, n = {first['stimulus_count']} · "
        f"metric {style.metric_name(cfg['metric'])} · M = {first['m']} · "
        f"{style.weights_note(table)}"
    )


def _draw_histogram(panel: Axes, synergy: pd.Series, label: str) -> None:
    """Bins that begin or end at 0, so that each lies on one side."""
    width = np.ptp(synergy) / BINS or 1
    first, last = np.floor(synergy.min() / width), np.ceil(synergy.max() / width)
    edges = width * np.arange(first, last + 2)
    for chosen, color, name in (
        (synergy < 0, "C0", "negative"),
        (synergy > 0, "C1", "positive"),
    ):
        panel.hist(
            synergy[chosen], edges, color=color, linewidth=0, label=f"{chosen.mean():.1%} {name}"
        )
    panel.axvline(0, color="0.3", linewidth=0.6)
    panel.set(xlabel=label, ylabel="pairs")
    panel.legend(frameon=False, fontsize=6, loc="upper left", handlelength=1)
    panel.margins(y=0.2)


def _draw_correlation(figure: Figure, panel: Axes, pairs: pd.DataFrame, label: str) -> None:
    cells = panel.hexbin(
        *(pairs["correlation"], pairs["synergy"]),
        gridsize=HEXAGONS,
        bins="log",
        cmap=style.SEQUENTIAL,
        linewidths=0.1,
    )
    panel.axhline(0, color="0.3", linewidth=0.6)
    panel.set(xlabel="correlation of a and b", ylabel=label)
    figure.colorbar(cells, ax=panel, label="pairs")


def _draw_units(panel: Axes, units: pd.DataFrame, metric: str) -> None:
    panel.plot(units["ii"], units["best_synergy"], "o", color="C0", alpha=0.6, markeredgewidth=0)
    panel.axhline(0, color="0.3", linewidth=0.6)
    panel.set(xlabel=f"II of a unit ({metric})", ylabel="its best synergy")


def draw_pairs(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Images of the best pairs: a column a pair, rows the unit a, the unit b and their sum.

    Args:
        inputs: synergy_images of one run (a row an image); stimuli: their file.
        cfg: study, metric (that is shown).
    """
    shown = inputs["synergy_images"]
    shown = shown[shown["metric"] == cfg["metric"]]
    images = images_by_index(inputs["stimuli"], shown["image"])
    layers, pairs = shown["layer"].unique(), shown["pair"].max()
    figure, axes = plt.subplots(
        len(layers), pairs, figsize=(style.PAGE, 0.5 + 2.1 * len(layers)), squeeze=False
    )
    for row, layer in zip(axes, layers, strict=True):
        for panel, (_, group) in zip(
            row, shown[shown["layer"] == layer].groupby("pair"), strict=False
        ):
            _draw_pair(panel, group, images)
            best = group.iloc[0]
            panel.set_title(f"{layer}, synergy {best['synergy']:+.3g}", loc="left")
    style.credit(
        figure,
        f"{_source(shown, cfg)} · beside a unit or a sum: its II · most exciting images, "
        "strongest first",
    )
    return figure, shown


def _draw_pair(panel: Axes, shown: pd.DataFrame, images: dict[int, np.ndarray]) -> None:
    rows, labels = [], []
    names = {"a": f"unit {shown['a'].iloc[0]}", "b": f"unit {shown['b'].iloc[0]}", "a+b": "sum"}
    for role, group in shown.groupby("role", sort=False):
        rows.append([images[image] for image in group.sort_values("rank")["image"]])
        labels.append(f"{names[role]}\n{group['ii'].iloc[0]:.3g}")
    draw_image_rows(panel, rows, labels)
