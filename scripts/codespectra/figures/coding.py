"""Spectra, exponents and action of networks by dropout rate, and cvPCA (A fig. 5, 6 b-e).

Beside a figure of spectra stands the table of their exponents: the spectra have tables already.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from codespectra.claims.sweep_columns import with_networks
from codespectra.figures import style
from codespectra.figures.seeds import draw_each
from codespectra.figures.spectra import draw_fit, window_note, with_shares

STATISTICS = {"as_trained": "as trained", "recalibrated": "recalibrated"}
# Rows of `draw_dropout`: column, label, scale.
MEASURES = [
    ("alpha", "power-law\nexponent α", "linear"),
    ("action", "action E (a.u.)", "log"),
    ("relative_action", "action at unit\nvariance", "log"),
    ("roughness", "roughness\nE / variance", "log"),
    ("explained", "explained input\nvariance R²", "linear"),
]
SHOWN_LAYERS = 3  # of `draw_cross_validated`: early, middle, late
PART_MARKERS = {"encoder": "o", "FC and decoder": "^"}


def draw_dropout_spectra(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Spectra at the least and the most dropout, a row a kind of statistics, and the curvature.

    Args:
        inputs: eigenvalues, exponents.
        cfg: study, networks (of `with_networks`), layers (types of those that were analysed).
    """
    exponents = with_networks(inputs["exponents"], cfg["networks"])
    eigenvalues = with_shares(with_networks(inputs["eigenvalues"], cfg["networks"]), exponents)
    laws = exponents[exponents["dropout"].isin(exponents["dropout"].agg(["min", "max"]))]
    kinds, dropouts, seed = _kinds(laws), np.unique(laws["dropout"]), laws["seed"].min()
    figure, axes = plt.subplots(
        len(kinds), len(dropouts) + 1, figsize=(style.PAGE, 0.6 + 2 * len(kinds)), squeeze=False
    )
    shade = ScalarMappable(Normalize(1, laws["depth"].max()), style.SEQUENTIAL)
    for panel in axes[1:, -1]:
        panel.sharey(axes[0, -1])
    for row, kind in zip(axes, kinds, strict=True):
        for panel, dropout in zip(row, dropouts, strict=False):
            where = "dropout == @dropout and statistics == @kind and seed == @seed"
            _draw_spectra(panel, eigenvalues.query(where), laws.query(where), shade)
            panel.set(title=f"dropout {dropout:g}, {STATISTICS[kind]}")
        row[0].set_ylabel("share of variance")
        _draw_dropouts(row[-1], laws[laws["statistics"] == kind], "curvature", _colors(exponents))
        row[-1].set(title=STATISTICS[kind], ylabel="curvature")
    for panel in axes[-1, :-1]:
        panel.set_xlabel("rank of principal component")
    depth = style.depth_label(cfg["layers"])
    axes[-1, -1].set_xlabel(depth)
    axes[0, -1].legend(frameon=False)
    figure.colorbar(shade, ax=axes[:, :-1], label=depth, aspect=40, ticks=MaxNLocator(integer=True))
    style.despine(figure)
    style.credit(
        figure,
        f"{cfg['study']} · {style.stimuli_note(laws)} · {_networks_note(laws)} · spectra: seed "
        f"{seed}, dashed: Huber fit over ranks {window_note(laws)} · curvature: quadratic "
        "coefficient of log variance on log rank, thick: mean over seeds, thin: each seed, dotted: "
        "the encoder's end",
    )
    return figure, exponents


def draw_dropout(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Exponent, action, roughness and read-out against depth by dropout; read-out against action.

    Args:
        inputs: exponents, action, each of one stimulus set.
        cfg: study, networks (of `with_networks`), layers (types of those that were analysed).
    """
    exponents, action = (
        with_networks(inputs[name], cfg["networks"]) for name in ("exponents", "action")
    )
    kinds, colors = _kinds(action), _colors(action)
    figure, axes = plt.subplots(
        len(MEASURES) + 1, len(kinds), figsize=(style.PAGE, 9.6), sharey="row", squeeze=False
    )
    for column, kind in zip(axes.T, kinds, strict=True):
        column[0].set_title(STATISTICS[kind])
        for panel, (measure, label, scale) in zip(column, MEASURES, strict=False):
            table = exponents if measure == "alpha" else action
            _draw_dropouts(panel, table[table["statistics"] == kind], measure, colors)
            panel.set(ylabel=label, yscale=scale)
            panel.tick_params(labelbottom=measure == MEASURES[-1][0])
        column[0].axhline(-1, linestyle="--", color="0.5", linewidth=0.8)
        column[len(MEASURES) - 1].set_xlabel(style.depth_label(cfg["layers"]))
        _draw_read_out(column[-1], action[action["statistics"] == kind], colors)
    for panel in axes[:, 1:].flat:
        panel.set_ylabel("")
    axes[0, 0].legend(frameon=False)
    style.despine(figure)
    frames, draws = style.listed(action["frames"]), style.listed(action["draws"])
    style.credit(
        figure,
        f"{cfg['study']} · exponent: {style.stimuli_note(exponents)}, bars: 95 % bootstrap "
        f"interval of one network, mean over seeds · moving dot, {frames} frames, {draws} random "
        f"projections, exact expectation of E, mean R² · {_networks_note(action)} · thick: mean "
        "over seeds, thin: each seed, dotted: the encoder's end · bottom: a point a layer and "
        "network",
    )
    laws = exponents[["model", "layer", "alpha", "alpha_low", "alpha_high", "stimulus_count"]]
    return figure, action.merge(laws, on=["model", "layer"], how="left", validate="one_to_one")


def draw_cross_validated(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Plain and cross-validated spectra of three layers, and both exponents against depth.

    Args:
        inputs: crossed_eigenvalues, crossed_exponents.
        cfg: study, networks (of `with_networks`), layers (types of those that were analysed).
    """
    eigenvalues, exponents = (
        with_networks(inputs[f"crossed_{name}"], cfg["networks"])
        for name in ("eigenvalues", "exponents")
    )
    kinds, dropouts = _kinds(exponents), np.unique(exponents["dropout"])
    columns, most, seed = max(SHOWN_LAYERS, len(dropouts)), dropouts[-1], exponents["seed"].min()
    figure, axes = plt.subplots(
        1 + len(kinds),
        columns,
        figsize=(style.PAGE, 2.6 + 1.7 * len(kinds)),
        sharey="row",
        squeeze=False,
    )
    shown = eigenvalues.query("dropout == @most and seed == @seed and statistics == @kinds[0]")
    _draw_three_layers(axes[0], shown)
    for row, kind in zip(axes[1:], kinds, strict=True):
        for panel, dropout in zip(row, dropouts, strict=False):
            _draw_exponents(panel, exponents.query("dropout == @dropout and statistics == @kind"))
            label = style.depth_label(cfg["layers"])
            panel.set(title=f"dropout {dropout:g}, {STATISTICS[kind]}", xlabel=label)
        row[0].set_ylabel("power-law exponent α")
        row[0].legend(frameon=False)
    for panel in axes.flat:
        panel.set_visible(panel.has_data())
    style.despine(figure)
    style.credit(
        figure,
        f"{cfg['study']} · {style.stimuli_note(exponents)}, two repeats with dropout on · "
        f"{_networks_note(exponents)} · spectra: dropout {most:g}, seed {seed}, "
        f"{STATISTICS[kinds[0]]}, gaps: covariance not positive · exponents: bars: 95 % bootstrap "
        "interval of one network, mean over seeds, those without one left out; thin: each seed; "
        "dotted: the encoder's end",
    )
    return figure, exponents


def _kinds(table: pd.DataFrame) -> list[str]:
    return [kind for kind in STATISTICS if kind in set(table["statistics"])]


def _colors(table: pd.DataFrame) -> dict[float, tuple]:
    dropouts = np.unique(table["dropout"])  # the map's end is too pale for lines
    places = np.linspace(0, 0.85, len(dropouts))
    return dict(zip(dropouts, colormaps[style.SEQUENTIAL](places), strict=True))


def _networks_note(table: pd.DataFrame) -> str:
    dropouts = ", ".join(f"{dropout:g}" for dropout in np.unique(table["dropout"]))
    seeds = ", ".join(map(str, np.unique(table["seed"])))
    weights = ", ".join(table["weights"].unique())
    kinds = " and ".join(STATISTICS[kind] for kind in _kinds(table))
    return (
        f"{table['model'].nunique()} networks: dropout {dropouts}; seeds {seeds}; statistics "
        f"{kinds}; weights: {weights}"
    )


def _draw_spectra(
    panel: Axes, eigenvalues: pd.DataFrame, laws: pd.DataFrame, shade: ScalarMappable
) -> None:
    for depth, layer in eigenvalues.groupby("depth"):
        panel.loglog(layer["rank"], layer["share"], color=shade.to_rgba(depth), linewidth=0.7)
    for _, law in laws.iterrows():
        draw_fit(panel, law)
    panel.set_ylim(1e-7, 1)


def _draw_dropouts(panel: Axes, table: pd.DataFrame, column: str, colors: dict) -> None:
    """A measure against depth, a colour a dropout, and the border of encoder and decoder."""
    for dropout, networks in table.groupby("dropout"):
        look = {"color": colors[dropout], "label": f"dropout {dropout:g}"}
        _draw_seeds(panel, networks, column, bars=column == "alpha", **look)
    _draw_border(panel, table)


def _draw_seeds(
    panel: Axes, networks: pd.DataFrame, column: str, *, bars: bool, **look: Any
) -> None:
    """Mean over seeds against depth, and each seed as a thin line."""
    draw_each(panel, networks, "depth", column, color=look["color"])
    mean = networks.groupby("depth").mean(numeric_only=True)
    look |= {"marker": "o", "markersize": 2}
    reach = (mean[f"{column}_high"] - mean[f"{column}_low"]) / 2 if bars else None
    panel.errorbar(mean.index, mean[column], yerr=reach, elinewidth=0.5, **look)


def _draw_border(panel: Axes, table: pd.DataFrame) -> None:
    border = table.loc[table["part"] == "encoder", "depth"].max() + 0.5
    panel.axvline(border, color="0.5", linestyle=":", linewidth=0.8)


def _draw_read_out(panel: Axes, action: pd.DataFrame, colors: dict) -> None:
    """Explained variance against action, a point a layer and network (fig. 6 e)."""
    for (dropout, part), layers in action.groupby(["dropout", "part"]):
        look = {"color": colors[dropout], "alpha": 0.7, "markeredgewidth": 0}
        panel.semilogx(layers["action"], layers["explained"], PART_MARKERS[part], **look)
    panel.set(xlabel="action E (a.u.)", ylabel="explained input\nvariance R²")
    parts = [
        Line2D([], [], color="0.4", marker=marker, linestyle="", label=part)
        for part, marker in PART_MARKERS.items()
    ]
    panel.legend(handles=parts, frameon=False)


def _draw_three_layers(panels: np.ndarray, spectra: pd.DataFrame) -> None:
    """An early, a middle and a late layer of one network, with the critical slope."""
    depths = np.unique(spectra["depth"])
    chosen = depths[np.linspace(0, len(depths) - 1, SHOWN_LAYERS).round().astype(int)]
    for panel, depth in zip(panels, chosen, strict=False):
        layer = spectra[spectra["depth"] == depth]
        rank, plain, shared = (layer[key] for key in ("rank", "plain", "eigenvalue"))
        total = plain.sum()
        panel.loglog(rank, plain / total, color="0.6", label="plain")
        positive = shared.where(shared > 0) / total
        panel.loglog(rank, positive, color="C0", linewidth=0.7, label="cross-validated")
        critical = plain.iloc[0] / total / rank
        panel.loglog(rank, critical, "--", color="black", linewidth=0.7, label="α = −1")
        panel.set(
            xlabel="rank of principal component",
            title=f"{layer['layer'].iloc[0]} (depth {depth})",
            ylim=(1e-6, 1),
        )
    panels[0].set_ylabel("share of variance")
    panels[0].legend(frameon=False, loc="lower left")


def _draw_exponents(panel: Axes, networks: pd.DataFrame) -> None:
    known = networks["alpha_low"].notna()
    networks = networks.assign(alpha=networks["alpha"].where(known))
    _draw_seeds(panel, networks, "plain_alpha", bars=True, color="0.6", label="plain")
    _draw_seeds(panel, networks, "alpha", bars=True, color="C0", label="cross-validated")
    panel.axhline(-1, linestyle="--", color="black", linewidth=0.7)
    _draw_border(panel, networks)
