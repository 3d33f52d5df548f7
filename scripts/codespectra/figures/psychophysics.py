"""Accuracy of in-silico psychophysics by difficulty (B fig. 5), and one trial (B fig. 12)."""

import math

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from codespectra.data.stimulus_file import images_by_index
from codespectra.experiments.psychophysics import by_method
from codespectra.experiments.trial_design import Design
from codespectra.figures import style

MARKERS = "osD^vP"
# Between the means of two methods at the same difficulty, so that their intervals can be told.
DODGE = 0.004
# Room for a query and the numbers beside it, in images.
MIDDLE = 3.6


def draw_psychophysics(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Accuracy against difficulty: a row a layer, a column a metric, a line a method.

    Args:
        inputs: psychophysics of one run.
        cfg: study, and the trials' `Design`.
    """
    accuracy = by_method(inputs["psychophysics"])
    layers = accuracy["layer"].unique()
    metrics = sorted(accuracy["metric"].unique(), key=lambda name: name == "label")
    figure, axes = plt.subplots(
        len(layers),
        len(metrics),
        figsize=(style.PAGE, 0.9 + 1.7 * len(layers)),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for row, layer in zip(axes, layers, strict=True):
        for panel, metric in zip(row, metrics, strict=True):
            own = (accuracy["layer"] == layer) & (accuracy["metric"] == metric)
            _draw_methods(panel, accuracy[own])
            panel.set_title(f"{layer}, {style.metric_name(metric)}", loc="left")
        row[0].set_ylabel("accuracy")
    for panel in axes[-1]:
        panel.set_xlabel("difficulty (share cut off either end)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", frameon=False, ncols=len(labels))
    style.despine(figure)
    explanation = _explanation(Design.of(cfg))
    style.credit(figure, f"{cfg['study']} · {_run(accuracy)} · {explanation}")
    return figure, accuracy


def _draw_methods(panel: Axes, accuracy: pd.DataFrame) -> None:
    methods = list(accuracy.groupby("method", sort=False))
    panel.axhline(0.5, linestyle=":", color="0.5", linewidth=0.8, label="chance")
    for index, (method, rows) in enumerate(methods):
        ends = rows[["wilson_low", "wilson_high"]].to_numpy().T
        panel.errorbar(
            rows["difficulty"] + DODGE * (index - (len(methods) - 1) / 2),
            rows["accuracy"],
            np.abs(ends - rows["accuracy"].to_numpy()),
            marker=MARKERS[index % len(MARKERS)],
            color=f"C{index}",
            elinewidth=0.8,
            label=method,
        )


def _run(table: pd.DataFrame) -> str:
    model, stimuli = table[["model", "stimuli"]].iloc[0]
    return f"{model} on {stimuli}, {style.sample_note(table)}"


def _explanation(design: Design) -> str:
    shown = "references and queries" if design.restrict == "both" else "queries alone"
    pool = "the nearest one counts" if design.pool == "min" else "all count alike"
    sides = "most and least exciting" if design.sides == "both" else "most exciting"
    return (
        f"{design.trials} trials a direction, {design.references} references a side · the range is "
        f"cut for {shown} · references that count: the {sides} images, of which {pool}\n"
        "bars: Wilson's 95 % interval of all trials; it takes them as independent, but those of a "
        "direction share references: the interval over directions is in the table"
    )


def draw_trial(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """One trial in each panel: a row a method, a column a layer.

    Args:
        inputs: trial of one run; stimuli: their file.
        cfg: study, metric (that is shown), sides (of `Design`).
    """
    shown = inputs["trial"][inputs["trial"]["metric"] == cfg["metric"]]
    images = images_by_index(inputs["stimuli"], shown["image"])
    layers, methods = shown["layer"].unique(), shown["method"].unique()
    figure, axes = plt.subplots(
        len(methods),
        len(layers),
        figsize=(style.PAGE, 0.6 + 1.45 * len(methods)),
        squeeze=False,
    )
    for row, method in zip(axes, methods, strict=True):
        for panel, layer in zip(row, layers, strict=True):
            trial = shown[(shown["layer"] == layer) & (shown["method"] == method)]
            _draw_panel(panel, trial, images)
    style.credit(
        figure,
        f"{cfg['study']} · {_run(shown)} · first trial of the direction with the median accuracy, "
        f"difficulty {shown['difficulty'].iloc[0]:g}, metric: {style.metric_name(cfg['metric'])}\n"
        "left: least exciting images, right: most exciting ones · upper query: the more exciting "
        "one, so the right answer · number beside a query: its similarity to the references on "
        "that side, higher is more alike · frame: the answer by "
        f"{'both sides' if cfg['sides'] == 'both' else 'the right side alone'}, dashed where both "
        f"queries are as like",
    )
    return figure, shown


def _draw_panel(panel: Axes, trial: pd.DataFrame, images: dict[int, np.ndarray]) -> None:
    roles = dict(list(trial.groupby("role", sort=False)))
    width = math.isqrt(len(roles["positive reference"]) - 1) + 1
    height = _draw_grid(panel, roles["negative reference"], images, 0, width)
    _draw_grid(panel, roles["positive reference"], images, width + MIDDLE, width)
    height = max(height, 2)  # one query above the other
    for name, bottom in (("positive query", height - 1), ("negative query", 0)):
        _draw_query(panel, roles[name].iloc[0], images, width + (MIDDLE - 1) / 2, bottom)
    panel.set(xlim=(-0.1, 2 * width + MIDDLE + 0.1), ylim=(-0.1, height + 0.1), aspect="equal")
    panel.set_axis_off()
    layer, method, direction = trial[["layer", "method", "direction"]].iloc[0]
    panel.set_title(f"{layer}, {method}, direction {direction}")


def _draw_grid(
    panel: Axes, rows: pd.DataFrame, images: dict[int, np.ndarray], left: float, width: int
) -> int:
    """The most extreme image at the upper left; returns the number of rows."""
    height = math.ceil(len(rows) / width)
    for place, image in enumerate(rows["image"]):
        _draw_image(panel, images[image], left + place % width, height - 1 - place // width)
    return height


def _draw_query(
    panel: Axes, query: pd.Series, images: dict[int, np.ndarray], left: float, bottom: float
) -> None:
    _draw_image(panel, images[query["image"]], left, bottom)
    for side, x, align in (("negative", left - 0.15, "right"), ("positive", left + 1.15, "left")):
        text = f"{query[f'to_{side}']:.2f}"
        panel.text(x, bottom + 0.5, text, fontsize=6, ha=align, va="center")
    if query["chosen"] > 0:
        line = "-" if query["chosen"] == 1 else "--"
        frame = Rectangle((left, bottom), 1, 1, fill=False, edgecolor="C3", linestyle=line)
        frame.set(linewidth=2, zorder=3)
        panel.add_patch(frame)


def _draw_image(panel: Axes, image: np.ndarray, left: float, bottom: float) -> None:
    edges = (left + 0.02, left + 0.98, bottom + 0.02, bottom + 0.98)
    panel.imshow(image, extent=edges, interpolation="nearest")
