"""Adversarial attacks against the exponent, and stability under noise against II."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from codespectra.claims.measures.robustness import mean_exponents, rank_correlation_of
from codespectra.experiments.robustness_measures import MEASURES, VULNERABILITIES
from codespectra.figures import style
from codespectra.figures.seeds import with_base

NAMES = {
    "loss_increase": "increase of the loss",
    "output_change": "change of the output\n(share of its spread)",
    "accuracy": "accuracy",
    "correlation": "correlation with\nand without noise",
    "kept": "share of most exciting\nimages that stay",
}
KINDS = {"dropout sweep": True, "classifiers": False}
LINES = {"FGSM": "--", "PGD": "-"}
MARKERS = {"as_trained": "o", "recalibrated": "^"}


def draw_attacks(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """What attacks change, against their strength and, of the strongest, against the exponent.

    Two columns a kind of network, a row a measure, and the accuracy of classifiers.

    Args:
        inputs: attacks, exponents.
        cfg: study, attacks (the section), networks (of the sweep), bases (of those that only their
            seeds tell apart).
    """
    table = _with_looks(with_base(inputs["attacks"], cfg), cfg["networks"])
    table = _with_exponents(table, inputs["exponents"])
    kinds = [name for name, swept in KINDS.items() if (table["swept"] == swept).any()]
    figure, axes = plt.subplots(3, 2 * len(kinds), figsize=(style.PAGE, 5.4), squeeze=False)
    for name, (left, right) in zip(kinds, axes.T.reshape(len(kinds), 2, 3), strict=True):
        own = table[table["swept"] == KINDS[name]]
        for panel, measure in zip(left, [*VULNERABILITIES, "accuracy"], strict=True):
            _draw_strengths(panel, own[own["measure"] == measure], measure)
        for panel, measure in zip(right, VULNERABILITIES, strict=False):
            strongest = (own["attack"] == "PGD") & (own["epsilon"] == own["epsilon"].max())
            _draw_exponents(panel, own[strongest & (own["measure"] == measure)], measure)
        left[0].set_title(name)
    for panel in axes.flat:
        panel.set_visible(panel.has_data())
    style.despine(figure)
    handles = {
        name: line
        for panel in axes.flat
        for line, name in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    axes[2, 1].set_visible(True)
    axes[2, 1].set_axis_off()
    axes[2, 1].legend(handles.values(), handles, frameon=False, loc="upper left")
    sets = table[["stimuli", "image_count"]].drop_duplicates()
    images = ", ".join(f"{row.stimuli} n = {row.image_count} images" for row in sets.itertuples())
    style.credit(
        figure,
        f"{cfg['study']} · {table['model'].nunique()} networks · {images} · attacks within epsilon "
        f"of each pixel (0 to 1): FGSM (dashed), PGD with {cfg['attacks']['steps']} steps (solid) "
        "· triangles: recalibrated statistics · loss: cross-entropy of the labels, of VAEs the "
        "squared error of the reconstruction · right: PGD at epsilon "
        f"{table['epsilon'].max():g} against the mean exponent over layers · bars: 95 % interval "
        f"over images · {style.weights_note(table)}",
    )
    return figure, table.drop(columns=["color", "look", "label"])


def _with_looks(table: pd.DataFrame, networks: dict[str, dict]) -> pd.DataFrame:
    """With colour, marker and label of each network, and whether it is the sweep's."""
    dropouts = sorted({one["dropout"] for one in networks.values()})
    shades = colormaps[style.SEQUENTIAL](np.linspace(0, 0.85, len(dropouts)))
    swept = dict(zip(dropouts, map(tuple, shades), strict=True))
    bases = [*table.loc[~table["model"].isin(networks), "base"].unique()]
    colors = dict(zip(bases, style.colours(len(bases)), strict=True))
    looks = {}
    for model, base in table[["model", "base"]].drop_duplicates().to_numpy():
        one = networks.get(model)
        color = colors[base] if one is None else swept[one["dropout"]]
        label = base if one is None else f"dropout {one['dropout']:g}"
        looks[model] = color, MARKERS[one["statistics"]] if one else "o", label, one is not None
    columns = zip(*table["model"].map(looks), strict=True)
    return table.assign(**dict(zip(("color", "look", "label", "swept"), columns, strict=True)))


def _with_exponents(table: pd.DataFrame, exponents: pd.DataFrame) -> pd.DataFrame:
    """With the mean exponent of each network, over the layers of all that it is compared with."""
    alike = [table["base"].mask(table["swept"], "the sweep"), table["stimuli"]]
    groups = []
    for (_, stimuli), rows in table.groupby(alike, sort=False):
        alpha = mean_exponents(exponents, [*rows["model"].unique()], stimuli)
        groups.append(rows.assign(alpha=rows["model"].map(alpha)))
    return pd.concat(groups)


def _draw_strengths(panel: Axes, table: pd.DataFrame, measure: str) -> None:
    """A line a network and attack; an accuracy begins with that of the images as they are."""
    known = set()
    keys = ["model", "stimuli", "attack"]
    for (model, stimuli, attack), rows in table[table["attack"] != "none"].groupby(keys):
        first = rows.iloc[0]
        label = None if first["label"] in known else first["label"]
        known.add(first["label"])
        whole = (table[["model", "stimuli", "attack"]] == [model, stimuli, "none"]).all(axis=1)
        drawn = pd.concat([table[whole], rows])
        look = {"color": first["color"], "marker": first["look"], "label": label}
        panel.plot(drawn["epsilon"], drawn["value"], LINES[attack], linewidth=0.7, **look)
    if measure == "accuracy":
        panel.set_ylim(0, 1)
    elif (table["value"] > 0).any():
        panel.set_yscale("log")
    panel.set(xlabel="epsilon", ylabel=NAMES[measure])


def _draw_exponents(panel: Axes, table: pd.DataFrame, measure: str) -> None:
    for row in table.itertuples():
        ends = [[row.value - row.low], [row.high - row.value]]
        panel.errorbar(row.alpha, row.value, ends, color=row.color, marker=row.look, elinewidth=0.5)
    panel.set(xlabel="mean exponent α", ylabel=NAMES[measure])


def draw_stability(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Stability under noise against II: a row a layer and measure, a column a method.

    Args:
        inputs: stability, stability_resampled, of one run.
        cfg: study, metric (whose II the dots show).
    """
    table, resampled = inputs["stability"], inputs["stability_resampled"]
    layers, methods = (table[name].unique() for name in ("layer", "method"))
    rows = [(layer, measure) for layer in layers for measure in MEASURES]
    figure, axes = plt.subplots(
        *(len(rows), len(methods)),
        figsize=(style.PAGE, 0.8 + 2 * len(rows)),
        squeeze=False,
    )
    for (layer, measure), panels in zip(rows, axes, strict=True):
        for panel, method in zip(panels, methods, strict=True):
            own, drawn = (
                one[(one["layer"] == layer) & (one["method"] == method)]
                for one in (table, resampled)
            )
            _draw_against_index(panel, own, drawn, measure, cfg["metric"])
            panel.set(title=f"{layer}: {method}", ylabel=NAMES[measure])
    axes[0, 0].legend(frameon=False, fontsize=6)
    style.despine(figure)
    first = table.iloc[0]
    live = table.dropna(subset="ii").drop_duplicates(["layer", "method", "direction"])
    sizes = live.groupby(["layer", "method"], sort=False).size()
    counts = ", ".join(f"{layer} {method} {n}" for (layer, method), n in sizes.items())
    style.credit(
        figure,
        f"{cfg['study']} · {first['model']} on {first['stimuli']}, n = {first['stimulus_count']}, "
        f"M = {first['m']} · {style.weights_note(table)} · live directions: {counts} · σ: standard "
        "deviation of Gaussian noise on pixels from 0 to 1, clipped · ρ: Spearman, 95 % interval "
        "over directions and images",
    )
    return figure, table


def _draw_against_index(
    panel: Axes, table: pd.DataFrame, resampled: pd.DataFrame, measure: str, metric: str
) -> None:
    """A colour a strength of the noise, with its rho."""
    table, resampled = (one[one["metric"] == metric] for one in (table, resampled))
    strengths = table["strength"].unique()
    shades = colormaps[style.SEQUENTIAL](np.linspace(0, 0.85, len(strengths)))
    for strength, shade in zip(strengths, shades, strict=True):
        own = table[table["strength"] == strength]
        drawn = resampled[(resampled["strength"] == strength) & (resampled["measure"] == measure)]
        found = rank_correlation_of("", own, measure, drawn["rho"].to_numpy())
        label = f"σ = {strength:g}: ρ = {found.estimate:.2f} [{found.low:.2f}, {found.high:.2f}]"
        panel.scatter(own["ii"], own[measure], s=5, color=shade, linewidths=0, label=label)
    panel.legend(frameon=False, fontsize=5)
    panel.set_xlabel(f"II ({style.metric_name(metric)})")
