"""Eigenspectra of every layer with their power-law fits, and exponents by depth (A fig. 3 b, c)."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from codespectra.figures import style
from codespectra.figures.panels import draw_over_depth


def with_shares(eigenvalues: pd.DataFrame, exponents: pd.DataFrame) -> pd.DataFrame:
    """Eigenvalues with `total_variance` and `share` of it, from their layers' rows of exponents."""
    layer = [name for name in eigenvalues if name in exponents]
    found = eigenvalues.merge(exponents[[*layer, "total_variance"]], on=layer)
    return found.assign(share=found["eigenvalue"] / found["total_variance"])


def draw_spectra(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Log-log spectra, one panel a run, lines coloured by depth, fits dashed.

    Args:
        inputs: eigenvalues, exponents.
        cfg: study, layers (types of those that were analysed).
    """
    exponents = inputs["exponents"]
    eigenvalues = with_shares(inputs["eigenvalues"], exponents)
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
    figure.colorbar(shade, ax=axes[:, -1], label=style.depth_label(cfg["layers"]), ticks=whole)
    notes = style.stimuli_note(exponents), style.weights_note(exponents), fit_note(exponents)
    style.credit(figure, " · ".join([cfg["study"], *notes]))
    return figure, eigenvalues


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
    return f"dashed: Huber fit over ranks {window_note(exponents)}"


def window_note(exponents: pd.DataFrame) -> str:
    """First and last rank of the fits: `10–50`, or `10 to 34–50` where they differ."""
    fitted = exponents.dropna(subset="alpha")
    ends = fitted if len(fitted) else exponents
    first, last = (style.span(ends[name]) for name in ("first_rank", "last_rank"))
    return f"{first} to {last}" if "–" in first + last else f"{first}–{last}"


def draw_fit(panel: Axes, law: pd.Series) -> None:
    """The power law of a row of exponents.csv over its window, as a share of variance."""
    if np.isfinite(law["alpha"]):
        rank = np.array([law["first_rank"], law["last_rank"]])
        variance = np.exp(law["intercept"] + law["alpha"] * np.log(rank))
        panel.loglog(rank, variance / law["total_variance"], "--", color="black", linewidth=0.5)


def draw_exponents(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Power-law exponent against depth with 95 % intervals, a colour a model, and the line at -1.

    Args:
        inputs: exponents.
        cfg: study, layers (types of those that were analysed).
    """
    exponents = inputs["exponents"]
    figure, panel = plt.subplots(figsize=(style.COLUMN, 2.6))
    runs = exponents.groupby(["model", "stimuli"], sort=False)
    for index, ((model, stimuli), run) in enumerate(runs):
        draw_over_depth(panel, run, "alpha", index, elinewidth=0.8, label=f"{model} on {stimuli}")
    panel.axhline(-1, linestyle="--", color="0.5", linewidth=0.8)
    panel.set(xlabel=style.depth_label(cfg["layers"]), ylabel="power-law exponent α")
    panel.legend(frameon=False)
    sns.despine(ax=panel)
    style.credit(
        figure,
        f"{cfg['study']} · {style.stimuli_note(exponents)} · bars: 95 % bootstrap intervals\n"
        + style.weights_note(exponents),
    )
    return figure, exponents
