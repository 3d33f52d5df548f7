"""Interpretability Index (II) by method and metric, and most exciting images (B fig. 3, 4)."""

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from codespectra.data.stimulus_file import images_by_index
from codespectra.figures import style
from codespectra.figures.panels import draw_image_rows
from codespectra.figures.seeds import with_base
from codespectra.files.hdf5_files import open_hdf5
from codespectra.interpretability.parts import ALL
from codespectra.statistics.ranking import top_stimuli

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)
ROW_INCHES = 0.085  # of a box


def draw_index(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Box plots of II: a row a run (the controls below), a column a metric, colours are layers.

    Networks of several seeds are one run: their boxes are of the directions of all.

    Args:
        inputs: scores; those of whole metrics are shown.
        cfg: study.
    """
    scores = with_base(inputs["scores"], cfg)
    scores = scores[scores["part"] == ALL]
    runs = list(scores.groupby(["base", "stimuli"], sort=False))
    metrics = list(scores["metric"].unique())
    boxes = [run["method"].nunique() * run["layer"].nunique() for _, run in runs]
    figure, axes = plt.subplots(
        len(runs),
        len(metrics),
        figsize=(style.PAGE, 0.8 + 0.3 * len(runs) + ROW_INCHES * sum(boxes)),
        sharex="col",
        sharey="row",
        squeeze=False,
        height_ratios=boxes,
    )
    for row, ((base, stimuli), run) in zip(axes, runs, strict=True):
        for panel, metric in zip(row, metrics, strict=True):
            _draw_boxes(panel, run[run["metric"] == metric])
        count = run["model"].nunique()
        networks = f", {count} networks" if count > 1 else ""
        row[0].set_title(f"{base} on {stimuli}{networks}", loc="left")
        _name_layers(row[-1])
    for panel, metric in zip(axes[-1], metrics, strict=True):
        panel.set_xlabel(f"II ({style.metric_name(metric)})")
    style.despine(figure)
    notes = [cfg["study"], style.sample_note(scores), style.INDEX]
    if scores["model"].nunique() > scores["base"].nunique():
        notes.append("of several networks a box holds the directions of all that have the method")
    style.credit(figure, " · ".join(notes))
    return figure, scores


def _name_layers(panel: Axes) -> None:
    """The colours of a run's layers, above its last panel."""
    handles, labels = panel.get_legend_handles_labels()
    where = {"loc": "lower right", "bbox_to_anchor": (1, 1), "borderaxespad": 0.2}
    named = panel.legend(handles, labels, frameon=False, ncols=len(labels), **where)
    named.set_in_layout(False)


def _draw_boxes(panel: Axes, scores: pd.DataFrame) -> None:
    import seaborn as sns  # for box plots alone: it takes longer than a figure

    sns.boxplot(
        scores,
        x="ii",
        y="method",
        hue="layer",
        ax=panel,
        fliersize=0.5,
        linewidth=0.5,
        width=0.8,
        legend="full",
    )
    panel.get_legend().set_visible(False)
    panel.set(xlabel="", ylabel="")


def _at_quantiles(scores: pd.DataFrame) -> pd.DataFrame:
    """Of live directions with their II, those nearest to five quantiles of it, best first."""
    ranked = scores.dropna(subset="ii").sort_values("ii", ascending=False, kind="stable")
    places = np.round((1 - np.array(QUANTILES[::-1])) * (len(ranked) - 1)).astype(int)
    return ranked.iloc[places].assign(quantile=QUANTILES[::-1])


def draw_exciting_images(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Grids of most exciting images: a panel a layer and method, a row a quantile of II.

    Args:
        inputs: scores of one run; directions: a file a method; stimuli: their file.
        cfg: study, m (images a direction), metric (whose II orders the rows), mei_methods.
    """
    chosen = _exciting_images(inputs, cfg)
    images = images_by_index(inputs["stimuli"], chosen["image"])
    layers, methods = chosen["layer"].unique(), chosen["method"].unique()
    width, shown = style.PAGE / len(methods), chosen["rank"].max()
    figure, axes = plt.subplots(
        len(layers),
        len(methods),
        figsize=(style.PAGE, 0.5 + width * len(layers) * len(QUANTILES) / shown),
        squeeze=False,
    )
    for row, layer in zip(axes, layers, strict=True):
        for panel, method in zip(row, methods, strict=True):
            shown = chosen[(chosen["layer"] == layer) & (chosen["method"] == method)]
            _draw_grid(panel, shown, images)
            panel.set_title(f"{layer}, {method}")
    model, stimuli = chosen["model"].iloc[0], chosen["stimuli"].iloc[0]
    figure.supylabel(f"quantile of II ({style.metric_name(cfg['metric'])})")
    style.credit(
        figure,
        f"{cfg['study']} · {model} on {stimuli}, {style.sample_note(chosen)} · one direction a "
        "row: its most exciting images, strongest first",
    )
    return figure, chosen


def _exciting_images(inputs: style.Inputs, cfg: style.Config) -> pd.DataFrame:
    """A row an image shown: its direction's scores, quantile, rank, image."""
    scores, tables = inputs["scores"], []
    scores = scores[(scores["metric"] == cfg["metric"]) & (scores["part"] == ALL)]
    for method, path in zip(cfg["mei_methods"], inputs["directions"], strict=True):
        with open_hdf5(path) as file:
            for layer, rows in scores[scores["method"] == method].groupby("layer", sort=False):
                for _, direction in _at_quantiles(rows).iterrows():
                    responses = file[layer]["responses"][:, int(direction["direction"])]
                    top = top_stimuli(direction["sign"] * responses[:, None], cfg["m"])[0]
                    table = pd.DataFrame({"rank": np.arange(1, len(top) + 1), "image": top})
                    tables.append(table.assign(**direction))
    return pd.concat(tables, ignore_index=True)


def _draw_grid(panel: Axes, shown: pd.DataFrame, images: dict[int, np.ndarray]) -> None:
    rows, labels = [], []
    for quantile, group in shown.groupby("quantile", sort=False):
        rows.append([images[image] for image in group.sort_values("rank")["image"]])
        labels.append(f"{quantile:.0%}\n{group['ii'].iloc[0]:.2f}")
    draw_image_rows(panel, rows, labels)
