"""Eigenspectra by depth with their fits, and exponents against depth (A fig. 3 b, c)."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from codespectra.figures import style
from codespectra.figures.depth import draw_over_depth


def with_shares(eigenvalues: pd.DataFrame, exponents: pd.DataFrame) -> pd.DataFrame:
    """Eigenvalues with `total_variance` and `share` of it, from their layers' rows of exponents."""
    layer = [name for name in eigenvalues if name in exponents]
    found = eigenvalues.merge(exponents[[*layer, "total_variance"]], on=layer)
    return found.assign(share=found["eigenvalue"] / found["total_variance"])


def draw_spectra(eigenvalues: pd.DataFrame, exponents: pd.DataFrame, study: str) -> Figure:
    """Log-log spectra, one panel a run, lines coloured by depth, fits dashed.

    Args:
        eigenvalues: model, stimuli, layer, depth, rank, share (of the total variance).
        exponents: a row a layer with intercept, alpha, total_variance and the window.
        study: the study's name.
    """
    runs = list(eigenvalues.groupby(["model", "stimuli"], sort=False))
    columns = min(len(runs), 2)
    rows = -(-len(runs) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(style.PAGE, 0.4 + 2.5 * rows), sharey=True, squeeze=False
    )
    shade = ScalarMappable(Normalize(1, eigenvalues["depth"].max()), style.SEQUENTIAL)
    for panel, ((model, stimuli), run) in zip(axes.flat, runs, strict=False):
        laws = exponents.query("model == @model and stimuli == @stimuli").set_index("depth")
        draw_layers(panel, run, laws, shade)
        panel.set(xlabel="rank of principal component", title=f"{model} on {stimuli}")
    for panel in axes.flat[len(runs) :]:
        panel.set_visible(False)
    for row in axes:
        row[0].set_ylabel("share of variance")
    whole = MaxNLocator(integer=True)
    figure.colorbar(shade, ax=axes[:, -1], label="depth (ReLU, in running order)", ticks=whole)
    count = exponents["stimulus_count"].iloc[0]
    style.credit(
        figure,
        f"{study} · n = {count} stimuli · {style.weights_note(exponents)} · {fit_note(exponents)}",
    )
    return figure


def draw_layers(panel: Axes, run: pd.DataFrame, laws: pd.DataFrame, shade: ScalarMappable) -> None:
    """Log-log spectra of one run with their fits.

    Args:
        panel: to draw in.
        run: depth, rank, share.
        laws: rows of exponents.csv by depth.
        shade: of depth.
    """
    for depth, layer in run.groupby("depth"):
        panel.loglog(layer["rank"], layer["share"], color=shade.to_rgba(depth))
        draw_fit(panel, laws.loc[depth])
    panel.set(ylim=(1e-7, 1))
    sns.despine(ax=panel)


def fit_note(exponents: pd.DataFrame) -> str:
    """Over which ranks the dashed lines go, for the small print."""
    window = exponents[["first_rank", "last_rank"]].mode().iloc[0].astype(int)
    return "dashed: Huber fit over ranks {}–{}".format(*window)


def draw_fit(panel: Axes, law: pd.Series) -> None:
    """The power law of a row of exponents.csv over its window, as a share of variance."""
    if np.isfinite(law["alpha"]):
        rank = np.array([law["first_rank"], law["last_rank"]])
        variance = np.exp(law["intercept"] + law["alpha"] * np.log(rank))
        panel.loglog(rank, variance / law["total_variance"], "--", color="black", linewidth=0.5)


def draw_exponents(exponents: pd.DataFrame, study: str) -> Figure:
    """Power-law exponent against depth with 95 % intervals, a colour a model, and the line at -1.

    Args:
        exponents: model, stimuli, depth, alpha, alpha_low, alpha_high, stimulus_count.
        study: the study's name.
    """
    figure, panel = plt.subplots(figsize=(style.COLUMN, 2.6))
    runs = exponents.groupby(["model", "stimuli"], sort=False)
    for index, ((model, stimuli), run) in enumerate(runs):
        draw_over_depth(panel, run, "alpha", index, elinewidth=0.8, label=f"{model} on {stimuli}")
    panel.axhline(-1, linestyle="--", color="0.5", linewidth=0.8)
    panel.set(xlabel="depth (ReLU, in running order)", ylabel="power-law exponent α")
    panel.legend(frameon=False)
    sns.despine(ax=panel)
    count = exponents["stimulus_count"].iloc[0]
    style.credit(
        figure,
        f"{study} · n = {count} stimuli · bars: 95 % bootstrap intervals\n"
        + style.weights_note(exponents),
    )
    return figure
