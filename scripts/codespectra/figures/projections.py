"""Random projections of the moving dot as curves, and their action (A fig. 4, 6 c-e)."""

import textwrap
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize

from codespectra.figures import style
from codespectra.figures.panels import MARKERS, draw_over_depth, main_axes
from codespectra.figures.seeds import seeds_note, with_base
from codespectra.files.array_files import read_array
from codespectra.spectra.projections import smooth_code_action

SHOWN_LAYERS = 6
ROWS = {0: "least action", 1: "typical"}
# Of the exponents' stimulus sets, where there are several.
FILLS = ("full", "none", "left", "right")


def _trajectory_table(trajectories: np.ndarray, action: pd.DataFrame) -> pd.DataFrame:
    """Some layers of one run from first to last: a row a frame, in the curve's two main axes.

    Args:
        trajectories: (layers, draws, frames, 3); draw 0 has the least action.
        action: a row a layer: model, weights, stimuli, layer, depth.
    """
    chosen = np.unique(np.linspace(0, len(action) - 1, SHOWN_LAYERS).round().astype(int))
    tables = []
    for index in chosen:
        for draw, name in ROWS.items():
            flat = main_axes(trajectories[index, draw])
            table = pd.DataFrame({"frame": np.arange(len(flat)), "x": flat[:, 0], "y": flat[:, 1]})
            where = action.iloc[index][["model", "weights", "stimuli", "layer", "depth"]]
            tables.append(table.assign(draw=name, **where))
    return pd.concat(tables, ignore_index=True)


def draw_trajectories(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Curves coloured by time: columns are layers, rows a run's least-action and a typical draw.

    Args:
        inputs: action, and trajectories: a file a run in the same order.
        cfg: study.
    """
    runs = inputs["action"].groupby(["model", "stimuli"], sort=False)
    files = zip(inputs["trajectories"], runs, strict=True)
    curves = pd.concat(
        [_trajectory_table(read_array(file), action) for file, (_, action) in files],
        ignore_index=True,
    )
    runs = list(curves.groupby(["model", "stimuli", "draw"], sort=False))
    columns = curves.groupby(["model", "stimuli"])["depth"].nunique().max()
    figure, axes = plt.subplots(
        len(runs), columns, figsize=(style.PAGE, 1.25 * len(runs)), squeeze=False
    )
    frames = int(curves["frame"].max()) + 1
    shade = ScalarMappable(Normalize(0, frames - 1), style.CYCLIC)
    for row, ((model, _stimuli, draw), run) in zip(axes, runs, strict=True):
        for panel, (_, curve) in zip(row, run.groupby("depth"), strict=False):
            _draw_curve(panel, curve, shade)
            panel.set_title(curve["layer"].iloc[0], fontsize=6)
        row[0].set_ylabel(f"{textwrap.fill(model, 20)}\n{draw}", fontsize=7)
    figure.colorbar(shade, ax=axes, label="frame", aspect=40, pad=0.01)
    stimuli = ", ".join(curves["stimuli"].unique())
    style.credit(
        figure,
        f"{cfg['study']} · {stimuli}, {frames} frames · {style.weights_note(curves)} · 3-D "
        "projections seen along their two main axes, each scaled to its panel",
    )
    return figure, curves


def _draw_curve(panel: Axes, curve: pd.DataFrame, shade: ScalarMappable) -> None:
    points = curve[["x", "y"]].to_numpy()
    pieces = np.stack([points[:-1], points[1:]], axis=1)
    colors = shade.to_rgba(curve["frame"].to_numpy()[:-1])
    panel.add_collection(LineCollection(pieces, colors=colors, linewidths=1))
    panel.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), xticks=[], yticks=[], aspect="equal")
    style.despine(panel, "left", "bottom")


def draw_action(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Action against depth, raw and at unit variance, against the exponent, and what is explained.

    Args:
        inputs: action; exponents, on one stimulus set or several.
        cfg: study, layers (types of those that were analysed).
    """
    table, exponents = _with_exponents(with_base(inputs["action"], cfg), inputs["exponents"])
    figure, axes = plt.subplots(2, 2, figsize=(style.PAGE, 4.4))
    over_depth = {"action": axes[0, 0], "relative_action": axes[0, 1], "explained": axes[1, 1]}
    runs = table.groupby(["base", "stimuli"], sort=False)
    for index, ((base, _stimuli), run) in enumerate(runs):
        for column, panel in over_depth.items():
            look = {"shift": 0.15 * index, "label": base, "elinewidth": 0.6}
            draw_over_depth(panel, run, column, index, **look)
        for column, fill in zip(exponents, cycle(FILLS), strict=False):
            look = {"color": f"C{index}", "fillstyle": fill}
            axes[1, 0].plot(run[column], run["action"], MARKERS[index % len(MARKERS)], **look)
    _draw_theory(axes[1, 0], table[list(exponents)].min(axis=None))
    if len(exponents) > 1:
        for stimuli, fill in zip(exponents.values(), cycle(FILLS), strict=False):
            axes[1, 0].plot([], [], "o", color="0.5", fillstyle=fill, label=f"α on {stimuli}")
    axes[0, 0].set(ylabel="action E (a.u.)", yscale="log")
    axes[0, 1].set(ylabel="action at unit variance", yscale="log")
    sets = ", ".join(exponents.values())
    axes[1, 0].set(ylabel="action E", xlabel=f"power-law exponent α on {sets}", yscale="log")
    axes[1, 1].set(ylabel="explained input variance R²", ylim=(0, 1))
    for panel in over_depth.values():
        panel.set_xlabel(style.depth_label(cfg["layers"]))
    axes[0, 0].legend(frameon=False)
    axes[1, 0].legend(frameon=False)
    style.despine(figure)
    frames, draws = style.listed(table["frames"]), style.listed(table["draws"])
    style.credit(
        figure,
        f"{cfg['study']} · moving dot, {frames} frames · {style.weights_note(table)} · points: "
        f"exact expectation of E, mean R²; bars: 95 % of {draws} random projections"
        + seeds_note(table),
    )
    return figure, table


def _with_exponents(
    action: pd.DataFrame, exponents: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, str]]:
    """The rows of action with each layer's exponents; the set of stimuli that each column is of."""
    layers = ["model", "layer"]
    wide = exponents.pivot(index=layers, columns="stimuli", values="alpha")
    columns = {f"alpha_on_{stimuli}": stimuli for stimuli in wide}
    wide = wide.add_prefix("alpha_on_").reset_index()
    return action.merge(wide, on=layers, how="left", validate="many_to_one"), columns


def _draw_theory(panel: Axes, least: float) -> None:
    low = min(float(least), -1.6)
    grid = np.linspace(low, -1.02, 200)
    values = [smooth_code_action(value) for value in grid]
    panel.plot(grid, values, "--", color="0.5", label="½ ζ(−α), λ₁ = 1")
    panel.axvline(-1, linestyle=":", color="0.5", linewidth=0.8)
