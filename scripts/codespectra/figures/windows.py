"""Exponents over windows of ranks: local slopes of the spectra, and maps of first by last rank."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from codespectra.figures import style

REACH = 1.0  # of the maps' colours on either side of -1
SHOWN = 3  # layers with a map: early, middle, late
NOT_IDENTIFIED = "not identified"  # as the verdicts' notes begin


def draw_windows(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """A row a run: local slopes of all layers, and maps of three; titles say the verdict.

    Args:
        inputs: windows, estimates.
        cfg: study.
    """
    windows, estimates = inputs["windows"], inputs["estimates"]
    verdicts = estimates[estimates["estimator"] == "windows"]
    runs = list(verdicts.groupby(["model", "stimuli"], sort=False))
    shown = min(SHOWN, max(len(layers) for _, layers in runs))
    size = style.PAGE * (2 + shown) / (2 + SHOWN), 0.4 + 1.9 * len(runs)
    figure, axes = plt.subplots(len(runs), 1 + shown, figsize=size, squeeze=False)
    colours = ScalarMappable(Normalize(-1 - REACH, -1 + REACH), "RdBu_r")
    depths = ScalarMappable(Normalize(1, verdicts["depth"].max()), style.SEQUENTIAL)
    for row, ((model, stimuli), layers) in zip(axes, runs, strict=True):
        of_run = windows[(windows["model"] == model) & (windows["stimuli"] == stimuli)]
        _draw_slopes(row[0], of_run[of_run["kind"] == "local"], depths)
        row[0].set_title(f"{model} on {stimuli}")
        middle = np.unique(np.linspace(0, len(layers) - 1, shown).round().astype(int))
        for panel in row[1 + len(middle) :]:
            panel.set_visible(False)
        for panel, at in zip(row[1:], middle, strict=False):
            layer = layers.iloc[at]
            of_layer = of_run[(of_run["layer"] == layer["layer"]) & (of_run["kind"] == "map")]
            _draw_map(panel, of_layer, colours)
            open_verdict = str(layer["note"]).startswith(NOT_IDENTIFIED)
            title = f"{layer['layer']}\n" + (NOT_IDENTIFIED if open_verdict else "")
            panel.set_title(title, fontsize=6)
    figure.colorbar(colours, ax=axes[:, -1], label="exponent α", extend="both")
    found = verdicts["note"].str.startswith(NOT_IDENTIFIED).sum()
    counted = f"α + 1 not identified in {found} of {len(verdicts)} layers"
    notes = cfg["study"], counted, "lines: layers, from early (dark) to late (light)"
    style.credit(figure, f"{' · '.join(notes)}\n{style.weights_note(estimates)}")
    return figure, windows


def _draw_slopes(panel: Axes, slopes: pd.DataFrame, depths: ScalarMappable) -> None:
    """Exponent over one octave from each rank on, a line a layer."""
    for depth, layer in slopes.groupby("depth"):
        panel.semilogx(layer["first_rank"], layer["alpha"], color=depths.to_rgba(depth))
    panel.axhline(-1, linestyle="--", color="0.5", linewidth=0.8)
    panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.xaxis.set_major_formatter(ScalarFormatter())
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.set(xlabel="rank", ylabel="local slope")
    sns.despine(ax=panel)


def _draw_map(panel: Axes, windows: pd.DataFrame, colours: ScalarMappable) -> None:
    """Exponents by first and last rank, both on steps of half an octave."""
    table = windows.pivot(index="last_rank", columns="first_rank", values="alpha")
    panel.pcolormesh(table, cmap=colours.cmap, norm=colours.norm)
    for axis, labels in ((panel.xaxis, table.columns), (panel.yaxis, table.index)):
        ticks = np.arange(0, len(labels), 3)
        axis.set_ticks(ticks + 0.5, [str(int(labels[i])) for i in ticks])
    panel.set(xlabel="first rank", ylabel="last rank")
