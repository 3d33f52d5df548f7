"""II of the methods, by perceptual layer and on both halves (B fig. 3)."""

import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from codespectra.figures import style
from codespectra.figures.index_notes import EXPLANATION, sample_note
from codespectra.interpretability.index_means import nearest_kmeans
from codespectra.interpretability.parts import ALL

KIND_COLORS = {
    "neurons": "C0",
    "K-Means": "C1",
    "decomposition": "C2",
    "autoencoder": "C4",
    "control": "0.75",
}
KINDS = {"neurons": "neurons", "sae": "autoencoder", "random": "control", "exemplar": "control"}
BOX_WIDTH = 0.8  # of the room of a row
ROW_INCHES = 0.17


def kind_of(method: str) -> str:
    """What sort of directions a method finds, as figures colour it."""
    kind = method.split("-")[0]
    return "K-Means" if kind.startswith("kmeans") else KINDS.get(kind, "decomposition")


def draw_index_panels(
    scores: pd.DataFrame,
    means: pd.DataFrame,
    halves: pd.DataFrame,
    half_means: pd.DataFrame,
    study: str,
) -> Figure:
    """Boxes of II, a row a layer: all methods; by perceptual layer; on the halves of the units.

    Args:
        scores: of every direction of one run under one metric, all its parts.
        means: `mean_indices` of these.
        halves: the same directions as `scores` would hold of the halves of the units, and half.
        half_means: `mean_indices` of these.
        study: the study's name.
    """
    layers, methods = list(scores["layer"].unique()), list(scores["method"].unique())
    size = (style.PAGE, 1 + len(layers) * (0.4 + ROW_INCHES * len(methods)))
    figure, axes = plt.subplots(len(layers), 3, figsize=size, sharex="col", squeeze=False)
    for row, layer in zip(axes, layers, strict=True):
        own = [table[table["layer"] == layer] for table in (scores, means, halves, half_means)]
        _draw_methods(row[0], *own[:2])
        _draw_parts(row[1], *own[:2])
        _draw_halves(row[2], *own[2:])
        row[0].set_ylabel(layer)
    for panel in axes[-1]:
        panel.set_xlabel(f"II ({style.metric_name(scores['metric'].iloc[0])})")
    _legend(figure, methods)
    sns.despine(figure)
    model, stimuli = scores[["model", "stimuli"]].iloc[0]
    style.credit(
        figure,
        f"{study} · {model} on {stimuli}, {sample_note(scores)} · boxes: quartiles over directions,"
        " whiskers 1.5 of their distance; dots: mean with the 95 % interval over directions and "
        f"images · halves: units below and above the median II of these images\n{EXPLANATION}",
    )
    return figure


def _draw_methods(panel: Axes, scores: pd.DataFrame, means: pd.DataFrame) -> None:
    scores, means = (table[table["part"] == ALL] for table in (scores, means))
    colors = {name: KIND_COLORS[kind_of(name)] for name in scores["method"].unique()}
    _draw_boxes(panel, scores, means, "method", colors)
    panel.set_title("methods")


def _draw_parts(panel: Axes, scores: pd.DataFrame, means: pd.DataFrame) -> None:
    """Parts of the metric, or the whole where it has none: neurons, and as many centroids."""
    whole = means[means["part"] == ALL]
    units = int(whole.loc[whole["method"] == "neurons", "directions"].iloc[0])
    kmeans = nearest_kmeans(whole, units)["method"].iloc[0]
    if (scores["part"] != ALL).any():
        scores, means = (table[table["part"] != ALL] for table in (scores, means))
    colors = {"neurons": KIND_COLORS["neurons"], kmeans: KIND_COLORS["K-Means"]}
    scores, means = (table[table["method"].isin(colors)] for table in (scores, means))
    _draw_boxes(panel, scores, means, "part", colors)
    panel.set_title(f"neurons and {kmeans}, by part")


def _draw_halves(panel: Axes, scores: pd.DataFrame, means: pd.DataFrame) -> None:
    scores, means = (table[table["part"] == ALL] for table in (scores, means))
    colors = {"neurons": KIND_COLORS["neurons"], "kmeans": KIND_COLORS["K-Means"]}
    _draw_boxes(panel, scores, means, "half", colors)
    panel.set_title("neurons and K-Means, by half")


def _draw_boxes(
    panel: Axes, scores: pd.DataFrame, means: pd.DataFrame, rows: str, colors: dict[str, str]
) -> None:
    """Boxes with their means, a row a value of the column `rows`, colours by method."""
    order, names = list(scores[rows].unique()), list(colors)
    sns.boxplot(
        scores,
        x="ii",
        y=rows,
        order=order,
        hue="method",
        hue_order=names,
        palette=colors,
        width=BOX_WIDTH,
        fliersize=1,
        linewidth=0.6,
        legend=False,
        ax=panel,
    )
    for mean in means.itertuples():
        place = order.index(getattr(mean, rows))
        if rows != "method":
            place += BOX_WIDTH * ((names.index(mean.method) + 0.5) / len(names) - 0.5)
        draw_mean(panel, mean.mean, mean.low, mean.high, place, color="black")
    panel.set(xlabel="", ylabel="")


def draw_mean(
    panel: Axes, mean: float, low: float, high: float, place: float, color: str, fmt: str = "o"
) -> None:
    """A dot with its interval in the row at `place`."""
    reach = [[mean - low], [high - mean]]
    panel.errorbar(mean, place, xerr=reach, fmt=fmt, markersize=2.5, elinewidth=1, color=color)


def _legend(figure: Figure, methods: list[str]) -> None:
    kinds = dict.fromkeys(map(kind_of, methods))
    handles = [Patch(facecolor=KIND_COLORS[kind], label=kind) for kind in kinds]
    figure.legend(handles=handles, loc="outside upper right", frameon=False, ncols=len(handles))
