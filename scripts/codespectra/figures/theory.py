"""Toy models of superposition against R(S) (A fig. 1 c), and capacity under dropout (A fig. 2)."""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from codespectra.figures import style
from codespectra.theory.capacity import compression_rate

LINES = ("-", "--", "-.", ":")


def draw_superposition(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Dimensions per feature of toy models against 1 / (1 - S), with R(S) for each H.

    Args:
        inputs: superposition (a row a seed and density), superposition_fit (a row a seed and H).
        cfg: study.
    """
    table, fit = inputs["superposition"], inputs["superposition_fit"]
    figure, panel = plt.subplots(figsize=(style.COLUMN, 3.0))
    _draw_rates(panel, fit, table["density"].min())
    _draw_models(panel, table)
    floor = fit["floor"].iloc[0]
    panel.axhline(floor, color="0.5", linewidth=0.6, label=f"m / n = {floor:g}")
    panel.set(
        xscale="log",
        xlabel="1 / density = 1 / (1 − S)",
        ylabel="dimensions per feature, m / ‖W‖²",
        ylim=(0, None),
    )
    panel.legend(frameon=False, fontsize=6)
    style.despine(panel)
    scored = fit["n_scored"]
    style.credit(
        figure,
        f"{cfg['study']} · ReLU(WᵀWx + b), n = {style.listed(table['features'])}, "
        f"m = {style.listed(table['hidden'])} · {table['seed'].nunique()} seeds × "
        f"{table['density'].nunique()} densities · explains: share of the variance, mean over "
        f"seeds, {scored.min()}–{scored.max()} models a seed with R > m / n · filled: most "
        "features represented share a polytope's dimensionality (beside)",
    )
    return figure, table


def _draw_rates(panel: Axes, fit: pd.DataFrame, least_density: float) -> None:
    grid = np.geomspace(least_density, 1, 300)
    groups = fit.groupby("entropy_bits")
    for index, (shade, (bits, scores)) in enumerate(
        zip(_shades(groups.ngroups), groups, strict=True)
    ):
        name = "∞" if np.isinf(bits) else f"{bits:g} bits"
        panel.plot(
            1 / grid,
            compression_rate(1 - grid, bits),
            LINES[index % len(LINES)],
            color=shade,
            label=f"R(S), H = {name}: explains {scores['explained'].mean():.2f}",
        )


def _draw_models(panel: Axes, table: pd.DataFrame) -> None:
    sticky = table["plateau"].notna()
    for models, face, name in (
        (table[~sticky], "none", "model"),
        (table[sticky], "C1", "model on a plateau"),
    ):
        panel.plot(
            1 / models["density"],
            models["dimensions_per_feature"],
            "o",
            markerfacecolor=face,
            markeredgecolor="C1",
            label=name,
        )
    for density, models in table[sticky].groupby("density"):
        panel.annotate(
            ", ".join(f"{value:.3g}" for value in sorted(models["plateau"].unique())),
            (1 / density, models["dimensions_per_feature"].max()),
            xytext=(4, 2),
            textcoords="offset points",
            fontsize=5,
            color="0.4",
        )


def draw_channel(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Capacity over dropout layers and of one neuron, entropy and action of power-law codes.

    Args:
        inputs: capacity, capacity_layers, entropy.
        cfg: study.
    """
    capacity, layers, entropy = (
        inputs[name] for name in ("capacity", "capacity_layers", "entropy")
    )
    figure, axes = plt.subplots(2, 2, figsize=(style.PAGE, 5.0))
    _draw_layers(axes[0, 0], layers)
    _draw_capacity(axes[0, 1], capacity)
    _draw_entropy(axes[1, 0], entropy)
    _draw_action(axes[1, 1], entropy)
    style.despine(figure)
    style.credit(
        figure,
        f"{cfg['study']} · closed forms, no data · exact capacity: Blahut–Arimoto within "
        f"{capacity['gap'].max():.0e} bits, 2^C symbols, dropout sends any to symbol 0 · entropy: "
        f"{style.listed(entropy['bits'])} bits a unit",
    )
    drawn = {"capacity": capacity, "layers": layers, "entropy": entropy}
    tables = [table.assign(table=name) for name, table in drawn.items()]
    return figure, pd.concat(tables, ignore_index=True)


def _draw_layers(panel: Axes, layers: pd.DataFrame) -> None:
    groups = layers.groupby("dropout")
    for shade, (dropout, run) in zip(_shades(groups.ngroups), groups, strict=True):
        panel.plot(run["layer"], run["uncorrected_share"], color=shade, label=f"D = {dropout:g}")
        panel.plot(run["layer"], run["corrected_share"], "--", color=shade)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.set(xlabel="dropout layers N", ylabel="share of capacity C kept", ylim=(0, 1))
    colours, _ = panel.get_legend_handles_labels()
    _legend(panel, [*colours, _line("-", "(1 − D)ᴺ"), _line("--", "corrected, 1 − D")])


def _draw_capacity(panel: Axes, capacity: pd.DataFrame) -> None:
    groups = capacity.groupby("dropout")
    offsets = np.linspace(-0.25, 0.25, groups.ngroups)
    for shade, offset, (_, run) in zip(_shades(groups.ngroups), offsets, groups, strict=True):
        bits = run["capacity_bits"]
        exact, low, high, paper = (
            run[f"{name}_bits"] / bits for name in ("exact", "low", "high", "paper_low")
        )
        # a capacity on its bound may pass it by a rounding
        reach = np.array([exact - low, high - exact]).clip(min=0)
        panel.errorbar(bits + offset, exact, reach, fmt="o", color=shade, elinewidth=1)
        panel.plot(bits + offset, paper, "x", color=shade)
    panel.set(
        xlabel="capacity C of a neuron (bits)", ylabel="share kept, C(D) / C", ylim=(-0.03, 1)
    )
    marks = [
        _line("", "exact", "o"),
        _line("-", "theorem 3"),
        _line("", "its lower bound, printed", "x"),
    ]
    _legend(panel, marks)


def _draw_entropy(panel: Axes, entropy: pd.DataFrame) -> None:
    for index, (width, run) in enumerate(entropy.groupby("width")):
        color, white = f"C{index}", width * run["bits"]
        panel.plot(run["alpha"], run["paper_bits"] / white, color=color, label=f"m = {width}")
        panel.plot(run["alpha"], run["from_std_bits"] / white, "--", color=color)
    panel.set(xlabel="power-law exponent α", ylabel="entropy bound / (m n)", ylim=(0, 1.02))
    colours, _ = panel.get_legend_handles_labels()
    _legend(panel, [*colours, _line("-", "theorem 4, main text"), _line("--", "half the loss")])


def _draw_action(panel: Axes, entropy: pd.DataFrame) -> None:
    action = entropy.drop_duplicates("alpha").query("alpha < -1")
    panel.plot(action["alpha"], action["smooth_code_action"], color="black")
    panel.axvline(-1, linestyle=":", color="0.5", linewidth=0.8)
    panel.text(-0.97, 1, "infinite", color="0.4", fontsize=7)
    panel.set(
        xlabel="power-law exponent α",
        ylabel="action ½ ζ(−α), λ₁ = 1",
        yscale="log",
        xlim=(entropy["alpha"].min(), entropy["alpha"].max()),
    )


def _line(style: str, name: str, marker: str = "") -> Line2D:
    return Line2D([], [], linestyle=style, marker=marker, color="0.3", label=name)


def _legend(panel: Axes, handles: list[Line2D]) -> None:
    """Above the panel, where no curve is."""
    panel.legend(
        handles=handles,
        frameon=False,
        fontsize=6,
        ncols=3,
        loc="lower center",
        bbox_to_anchor=(0.5, 1),
    )


def _shades(count: int) -> np.ndarray:
    """Colours in order, dark to light, that stay readable on white."""
    return matplotlib.colormaps[style.SEQUENTIAL](np.linspace(0, 0.85, count))
