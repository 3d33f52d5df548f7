"""Random projections of the moving dot as curves, and their action (A fig. 4, 6 c-e)."""

import textwrap

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from codespectra.figures import style
from codespectra.figures.curves import main_axes
from codespectra.figures.depth import MARKERS, draw_over_depth
from codespectra.spectra.projections import smooth_code_action

SHOWN_LAYERS = 6
ROWS = {0: "least action", 1: "typical"}


def trajectory_table(trajectories: np.ndarray, action: pd.DataFrame) -> pd.DataFrame:
    """What `draw_trajectories` shows of one run: a row a frame, in the curve's two main axes.

    Args:
        trajectories: (layers, draws, frames, 3); draw 0 has the least action.
        action: a row a layer: model, stimuli, layer, depth.
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


def draw_trajectories(curves: pd.DataFrame, study: str) -> Figure:
    """Curves coloured by time: columns are layers, rows a run's least-action and a typical draw.

    Args:
        curves: what `trajectory_table` returns, of all runs.
        study: the study's name.
    """
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
        f"{study} · {stimuli}, {frames} frames · {style.weights_note(curves)} · 3-D projections "
        "seen along their two main axes, each scaled to its panel",
    )
    return figure


def _draw_curve(panel: Axes, curve: pd.DataFrame, shade: ScalarMappable) -> None:
    points = curve[["x", "y"]].to_numpy()
    pieces = np.stack([points[:-1], points[1:]], axis=1)
    colors = shade.to_rgba(curve["frame"].to_numpy()[:-1])
    panel.add_collection(LineCollection(pieces, colors=colors, linewidths=1))
    panel.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), xticks=[], yticks=[], aspect="equal")
    sns.despine(ax=panel, left=True, bottom=True)


def draw_action(table: pd.DataFrame, study: str) -> Figure:
    """Action against depth, raw and at unit variance, against the exponent, and what is explained.

    Args:
        table: a row a layer: the columns of action.csv, and alpha where the layer has one.
        study: the study's name.
    """
    figure, axes = plt.subplots(2, 2, figsize=(style.PAGE, 4.4))
    for index, ((model, _stimuli), run) in enumerate(
        table.groupby(["model", "stimuli"], sort=False)
    ):
        for panel, column in zip(
            (axes[0, 0], axes[0, 1], axes[1, 1]),
            ("action", "relative_action", "explained"),
            strict=True,
        ):
            draw_over_depth(
                panel, run, column, index, shift=0.15 * index, label=model, elinewidth=0.6
            )
        axes[1, 0].plot(run["alpha"], run["action"], MARKERS[index % len(MARKERS)])
    _draw_theory(axes[1, 0], table["alpha"])
    axes[0, 0].set(ylabel="action E (a.u.)", yscale="log")
    axes[0, 1].set(ylabel="action at unit variance", yscale="log")
    axes[1, 0].set(ylabel="action E", xlabel="power-law exponent α", yscale="log")
    axes[1, 1].set(ylabel="explained input variance R²", ylim=(0, 1))
    for panel in (axes[0, 0], axes[0, 1], axes[1, 1]):
        panel.set_xlabel("depth (ReLU, in running order)")
    axes[0, 0].legend(frameon=False)
    axes[1, 0].legend(frameon=False)
    sns.despine(figure)
    draws, frames = int(table["draws"].iloc[0]), int(table["frames"].iloc[0])
    style.credit(
        figure,
        f"{study} · moving dot, {frames} frames · {style.weights_note(table)} · points: exact "
        f"expectation of E, mean R²; bars: 95 % of {draws} random projections",
    )
    return figure


def _draw_theory(panel: Axes, alpha: pd.Series) -> None:
    low = min(float(alpha.min()), -1.6)
    grid = np.linspace(low, -1.02, 200)
    values = [smooth_code_action(value) for value in grid]
    panel.plot(grid, values, "--", color="0.5", label="½ ζ(−α), λ₁ = 1")
    panel.axvline(-1, linestyle=":", color="0.5", linewidth=0.8)
