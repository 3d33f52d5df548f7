"""Sparse autoencoders by size and L1 penalty beside K-Means and neurons (B fig. 9)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from codespectra.figures import style
from codespectra.files.manifests import read_manifest
from codespectra.interpretability.index_means import mean_indices, nearest_kmeans
from codespectra.interpretability.parts import ALL

MEASURES = {
    "mean": "mean II",
    "mean_active": "active units a stimulus",
    "reconstruction_r2": "reconstruction R²",
    "dead_share": "share of dead units",
}
SPREAD = 0.12  # of the sizes beside one another, in steps of the penalty


def draw_autoencoders(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """II, active units, reconstruction and dead units: a row a layer, a column a measure.

    Measures are against the penalty, lines are sizes.

    Args:
        inputs: autoencoders, autoencoders_resampled, scores, resampled, all of one run; manifests:
            of each autoencoder.
        cfg: study, metric (that is shown), methods (the autoencoders' names).
    """
    table = _measured(inputs, cfg)
    others = _compared(_means(inputs["scores"], inputs["resampled"], cfg["metric"]), table)
    layers = list(table["layer"].unique())
    figure, axes = plt.subplots(
        len(layers),
        len(MEASURES),
        figsize=(style.PAGE, 0.7 + 2.2 * len(layers)),
        sharex="col",
        width_ratios=(1.6, 1, 1, 1),
        squeeze=False,
    )
    for row, layer in zip(axes, layers, strict=True):
        own, beside = (t[t["layer"] == layer] for t in (table, others))
        for panel, measure in zip(row, MEASURES, strict=True):
            _draw_sizes(panel, own, beside, measure)
        row[0].set(title=layer, ylabel=f"mean II ({style.metric_name(cfg['metric'])})")
        row[0].legend(frameon=False, fontsize=5.5, loc="lower left", bbox_to_anchor=(0, 1.1))
    for panel in axes[-1]:
        panel.set_xlabel("L1 penalty λ")
    style.despine(figure)
    model, stimuli = table[["model", "stimuli"]].iloc[0]
    style.credit(
        figure,
        f"{cfg['study']} · {model} on {stimuli}, {style.sample_note(table)} · II of live units "
        "(with M exciting images), bars: 95 % interval over directions and images · beside each "
        "size Z the K-Means with the nearest number of directions\n" + style.INDEX,
    )
    return figure, pd.concat([table, others], ignore_index=True)


def _means(scores: pd.DataFrame, resampled: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Mean II of each method and layer by one whole metric."""
    return mean_indices(
        *(
            table[(table["metric"] == metric) & (table["part"] == ALL)]
            for table in (scores, resampled)
        )
    )


def _measured(inputs: style.Inputs, cfg: style.Config) -> pd.DataFrame:
    """A row an autoencoder and layer: what `mean_indices` tells, and what its training measured."""
    measured = []
    for method, path in zip(cfg["methods"], inputs["manifests"], strict=True):
        manifest = read_manifest(path)
        options = {key: manifest["options"][key] for key in ("z", "l1")}
        for layer, measures in manifest["measures"].items():
            measured.append({"method": method, "layer": layer} | options | measures)
    scores, resampled = inputs["autoencoders"], inputs["autoencoders_resampled"]
    means = _means(scores, resampled, cfg["metric"])
    return means.merge(pd.DataFrame(measured), on=["method", "layer"])


def _compared(found: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Of each layer the neurons, and for each size z the K-Means with as many directions."""
    others = [found[found["method"] == "neurons"]]
    for (layer, z), sizes in table.groupby(["layer", "z"], sort=False):
        nearest = nearest_kmeans(found[found["layer"] == layer], sizes["directions"].iloc[0])
        others.append(nearest.assign(z=z))
    return pd.concat(others, ignore_index=True)


def _draw_sizes(panel: Axes, table: pd.DataFrame, others: pd.DataFrame, measure: str) -> None:
    """One line a size over the penalties; of the II also the neurons and K-Means, to the right."""
    penalties, sizes = sorted(table["l1"].unique()), list(table["z"].unique())
    names = [f"{penalty:g}" for penalty in penalties]
    shifts = SPREAD * (np.arange(len(sizes)) - (len(sizes) - 1) / 2)
    shades = style.shades(len(sizes))
    for shade, shift, z in zip(shades, shifts, sizes, strict=True):
        line = table[table["z"] == z].sort_values("l1")
        places = np.searchsorted(penalties, line["l1"]) + shift
        if measure != "mean":
            panel.plot(places, line[measure], "o-", color=shade)
            continue
        kmeans = others[others["z"] == z]
        equal = "{method} ({directions})".format(**kmeans.iloc[0])
        label = f"Z = {line['directions'].iloc[0]} ({z}), {equal}"
        _draw_means(panel, line, places, "o-", color=shade, label=label)
        _draw_means(panel, kmeans, [len(names) + 1 + shift], "s", color=shade)
    if measure == "mean":
        neurons = others[others["method"] == "neurons"]
        _draw_means(panel, neurons, [len(names)], "D", color="0.4")
        names += ["neurons", "K-Means"]
    else:
        panel.set_title(MEASURES[measure])
    panel.set_xticks(range(len(names)), names, rotation=90)


def _draw_means(
    panel: Axes, means: pd.DataFrame, places: Sequence[float], fmt: str, **look: str
) -> None:
    mean, low, high = (means[name].to_numpy(dtype=float) for name in ("mean", "low", "high"))
    panel.errorbar(places, mean, [mean - low, high - mean], fmt=fmt, elinewidth=1, **look)
