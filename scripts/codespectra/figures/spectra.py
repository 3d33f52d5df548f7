"""Eigenspectra of every layer with their power-law fits, and exponents by depth (A fig. 3 b, c)."""

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from codespectra.figures import style
from codespectra.figures.panels import draw_over_depth
from codespectra.figures.seeds import THIN, draw_each, seeds_note, with_base


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
    exponents = with_base(inputs["exponents"], cfg)
    eigenvalues = with_base(with_shares(inputs["eigenvalues"], inputs["exponents"]), cfg)
    runs = list(eigenvalues.groupby(["base", "stimuli"], sort=False))
    columns = min(len(runs), 2)
    rows = -(-len(runs) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(style.PAGE, 0.4 + 2.5 * rows), sharey=True, squeeze=False
    )
    shade = ScalarMappable(Normalize(1, eigenvalues["depth"].max()), style.SEQUENTIAL)
    for panel, ((base, stimuli), run) in zip(axes.flat, runs, strict=False):
        laws = exponents.query("base == @base and stimuli == @stimuli")
        draw_layers(panel, run, laws, shade)
        panel.set(xlabel="rank of principal component", title=f"{base} on {stimuli}")
    for panel in axes.flat[len(runs) :]:
        panel.set_visible(False)
    for row in axes:
        row[0].set_ylabel("share of variance")
    whole = MaxNLocator(integer=True)
    figure.colorbar(shade, ax=axes[:, -1], label=style.depth_label(cfg["layers"]), ticks=whole)
    notes = style.stimuli_note(exponents), style.weights_note(exponents), fit_note(exponents)
    style.credit(figure, " · ".join([cfg["study"], *notes]) + seeds_note(exponents))
    return figure, eigenvalues


def draw_layers(panel: Axes, run: pd.DataFrame, laws: pd.DataFrame, shade: ScalarMappable) -> None:
    """Log-log spectra of one run with their fits; of several seeds the mean, and each of them thin.

    Args:
        panel: to draw in.
        run: model, depth, rank, share.
        laws: rows of exponents.csv.
        shade: of depth.
    """
    for depth, layer in run.groupby("depth"):
        color = shade.to_rgba(depth)
        mean = draw_each(panel, layer, "rank", "share", color=color)
        panel.loglog(mean.index, mean, color=color)
        draw_fit(panel, _mean_law(laws[laws["depth"] == depth]))
    panel.set(ylim=(1e-7, 1))
    style.despine(panel)


def _mean_law(laws: pd.DataFrame) -> pd.Series:
    """The geometric mean of power laws, each as a share of its total variance."""
    total = np.log(laws["total_variance"])
    laws = laws.assign(intercept=laws["intercept"] - total, total_variance=1.0)
    return laws[["alpha", "intercept", "total_variance", "first_rank", "last_rank"]].mean()


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
    """Power-law exponent against depth with 95 % intervals: a panel a set, a colour a model.

    Thin lines are networks of several seeds; of a single network the exponents with one class of
    the stimuli left out, where classes are what is resampled. Dashed is -1.

    Args:
        inputs: exponents, left_out.
        cfg: study, layers (types of those that were analysed).
    """
    exponents, left_out = with_base(inputs["exponents"], cfg), inputs["left_out"]
    sets = list(exponents["stimuli"].unique())
    columns = min(len(sets), 2)
    rows = -(-len(sets) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(style.COLUMN * columns, 2.6 * rows), sharey=True, squeeze=False
    )
    for panel, stimuli in zip(axes.flat, sets, strict=False):
        # By the base: none where it is of several networks.
        thin = dict(iter(left_out[left_out["stimuli"] == stimuli].groupby("model")))
        runs = exponents[exponents["stimuli"] == stimuli].groupby("base", sort=False)
        for index, (base, run) in enumerate(runs):
            label = f"{base} on {stimuli}"
            bars = draw_over_depth(panel, run, "alpha", index, elinewidth=0.8, label=label)
            for _, curve in thin.get(base, left_out[:0]).groupby("class"):
                panel.plot(curve["depth"], curve["alpha"], color=bars.lines[0].get_color(), **THIN)
        panel.axhline(-1, linestyle="--", color="0.5", linewidth=0.8)
        panel.set(xlabel=style.depth_label(cfg["layers"]))
        panel.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
        style.despine(panel)
    for panel in axes.flat[len(sets) :]:
        panel.set_visible(False)
    for row in axes:
        row[0].set_ylabel("power-law exponent α")
    notes = cfg["study"], style.stimuli_note(exponents), interval_note(exponents)
    weights = style.weights_note(exponents) + seeds_note(exponents)
    style.credit(figure, f"{' · '.join(notes)}\n{weights}")
    return figure, pd.concat([exponents, left_out], ignore_index=True)


def interval_note(exponents: pd.DataFrame) -> str:
    """What the bars are, and what is resampled for them."""
    if set(exponents["resampled"]) == {"stimuli"}:
        return "bars: 95 % bootstrap intervals"
    return (
        "bars: 95 % intervals by whole classes of stimuli (such as crops of one photograph) · "
        "thin: one class left out"
    )
