"""Exponents over windows of ranks: local slopes of the spectra, and maps of first by last rank."""

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from codespectra.figures import style
from codespectra.figures.seeds import draw_each, seeds_note, with_base

REACH = 1.0  # of the maps' colours on either side of -1
SHOWN = 3  # layers with a map: early, middle, late
NOT_IDENTIFIED = "not identified"  # as the verdicts' notes begin


def draw_windows(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """A row a run: local slopes of all layers, and maps of three; titles say the verdict.

    Args:
        inputs: windows, estimates.
        cfg: study.
    """
    windows, estimates = (with_base(inputs[name], cfg) for name in ("windows", "estimates"))
    verdicts = estimates[estimates["estimator"] == "windows"]
    runs = list(verdicts.groupby(["base", "stimuli"], sort=False))
    shown = min(SHOWN, max(layers["layer"].nunique() for _, layers in runs))
    size = style.PAGE * (2 + shown) / (2 + SHOWN), 0.4 + 1.9 * len(runs)
    figure, axes = plt.subplots(len(runs), 1 + shown, figsize=size, squeeze=False)
    colours = ScalarMappable(Normalize(-1 - REACH, -1 + REACH), "RdBu_r")
    depths = ScalarMappable(Normalize(1, verdicts["depth"].max()), style.SEQUENTIAL)
    for row, ((base, stimuli), verdict) in zip(axes, runs, strict=True):
        of_run = windows[(windows["base"] == base) & (windows["stimuli"] == stimuli)]
        _draw_slopes(row[0], of_run[of_run["kind"] == "local"], depths)
        row[0].set_title(f"{base} on {stimuli}")
        layers = verdict["layer"].unique()
        middle = np.unique(np.linspace(0, len(layers) - 1, shown).round().astype(int))
        for panel in row[1 + len(middle) :]:
            panel.set_visible(False)
        for panel, layer in zip(row[1:], layers[middle], strict=False):
            of_layer = of_run[(of_run["layer"] == layer) & (of_run["kind"] == "map")]
            _draw_map(panel, of_layer, colours)
            found = _not_identified(verdict[verdict["layer"] == layer])
            panel.set_title(f"{layer}\n{found}", fontsize=6)
    figure.colorbar(colours, ax=axes[:, -1], label="exponent α", extend="both")
    found = verdicts["note"].str.startswith(NOT_IDENTIFIED).sum()
    counted = f"α + 1 not identified in {found} of {len(verdicts)} layers"
    notes = cfg["study"], counted, "lines: layers, from early (dark) to late (light)"
    weights = style.weights_note(estimates) + seeds_note(estimates)
    style.credit(figure, f"{' · '.join(notes)}\n{weights}")
    return figure, windows


def _not_identified(layer: pd.DataFrame) -> str:
    """The verdict on a layer, a row a network; empty if each network's exponent is identified."""
    found = int(layer["note"].astype(str).str.startswith(NOT_IDENTIFIED).sum())
    of = f" in {found} of {len(layer)} networks" if len(layer) > 1 else ""
    return f"{NOT_IDENTIFIED}{of}" if found else ""


def _draw_slopes(panel: Axes, slopes: pd.DataFrame, depths: ScalarMappable) -> None:
    """Exponent over one octave from each rank on, a line a layer; thin lines are networks."""
    for depth, layer in slopes.groupby("depth"):
        mean = draw_each(panel, layer, "first_rank", "alpha", color=depths.to_rgba(depth))
        panel.semilogx(mean.index, mean, color=depths.to_rgba(depth))
    panel.axhline(-1, linestyle="--", color="0.5", linewidth=0.8)
    panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.xaxis.set_major_formatter(ScalarFormatter())
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.set(xlabel="rank", ylabel="local slope")
    style.despine(panel)


def _draw_map(panel: Axes, windows: pd.DataFrame, colours: ScalarMappable) -> None:
    """Exponents by first and last rank, both on steps of half an octave; means over networks."""
    table = windows.groupby(["last_rank", "first_rank"])["alpha"].mean().unstack()
    panel.pcolormesh(table, cmap=colours.cmap, norm=colours.norm)
    for axis, labels in ((panel.xaxis, table.columns), (panel.yaxis, table.index)):
        ticks = np.arange(0, len(labels), 3)
        axis.set_ticks(ticks + 0.5, [str(int(labels[i])) for i in ticks])
    panel.set(xlabel="first rank", ylabel="last rank")
