"""Interpretability Index (II) of direction finders compared, and against controls (B fig. 3)."""

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from codespectra.figures import style
from codespectra.figures.seeds import with_base
from codespectra.interpretability.index_means import gains, mean_indices, nearest_kmeans
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
ROW_INCHES = 0.17  # of a method
RUN_INCHES = 0.1  # of a run of a method
# Of the controls: what is seen of the shares, and a marker a run.
SHARE_FRAME = (-1.0, 3.0)
MARKERS = "os^D"


def _kind_of(method: str) -> str:
    """What sort of directions a method finds, as figures colour it."""
    kind = method.split("-")[0]
    return "K-Means" if kind.startswith("kmeans") else KINDS.get(kind, "decomposition")


def draw_index_panels(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Boxes of II, a row a layer: all methods; by perceptual layer; on the halves of the units.

    Args:
        inputs: scores, resampled, halves, halves_resampled, all of one run.
        cfg: study, metric (that is shown).
    """
    scores, resampled, halves, halves_resampled = (
        inputs[name][inputs[name]["metric"] == cfg["metric"]]
        for name in ("scores", "resampled", "halves", "halves_resampled")
    )
    means, half_means = mean_indices(scores, resampled), mean_indices(halves, halves_resampled)
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
        panel.set_xlabel(f"II ({style.metric_name(cfg['metric'])})")
    _legend(figure, methods)
    style.despine(figure)
    model, stimuli = scores[["model", "stimuli"]].iloc[0]
    style.credit(
        figure,
        f"{cfg['study']} · {model} on {stimuli}, {style.sample_note(scores)} · boxes: quartiles "
        "over directions, whiskers 1.5 of their distance; dots: mean with the 95 % interval over "
        "directions and images · halves: units below and above the median II of these images\n"
        + style.INDEX,
    )
    return figure, pd.concat([means, half_means], ignore_index=True)


def _draw_methods(panel: Axes, scores: pd.DataFrame, means: pd.DataFrame) -> None:
    scores, means = (table[table["part"] == ALL] for table in (scores, means))
    colors = {name: KIND_COLORS[_kind_of(name)] for name in scores["method"].unique()}
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
    import seaborn as sns  # for box plots alone: it takes longer than a figure

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
        place: float = order.index(getattr(mean, rows))
        if rows != "method":
            place += BOX_WIDTH * ((names.index(mean.method) + 0.5) / len(names) - 0.5)
        _draw_mean(panel, mean.mean, mean.low, mean.high, place, color="black")
    panel.set(xlabel="", ylabel="")


def _draw_mean(
    panel: Axes, mean: float, low: float, high: float, place: float, color: str, fmt: str = "o"
) -> None:
    """A dot with its interval in the row at `place`."""
    reach = style.reaches([mean], [low], [high])
    panel.errorbar(mean, place, xerr=reach, fmt=fmt, markersize=2.5, elinewidth=1, color=color)


def _legend(figure: Figure, methods: list[str]) -> None:
    kinds = dict.fromkeys(map(_kind_of, methods))
    handles = [Patch(facecolor=KIND_COLORS[kind], label=kind) for kind in kinds]
    figure.legend(handles=handles, loc="outside upper right", frameon=False, ncols=len(handles))


def draw_controls(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Gain of K-Means and of the controls over the neurons, and how much of it exemplars reach.

    Gains in mean II, then the shares of K-Means' gain: a row a layer, a column a metric.

    Args:
        inputs: scores, resampled of all runs on the analysis set.
        cfg: study.
    """
    table = with_base(gains(inputs["scores"], inputs["resampled"]), cfg)
    layers, metrics = list(table["layer"].unique()), list(table["metric"].unique())
    fits = table[table["method"].map(_kind_of) == "K-Means"]
    heights = [part["method"].nunique() for part in (table, fits) for _ in layers]
    models = table["model"].nunique()
    figure, axes = plt.subplots(
        len(heights),
        len(metrics),
        figsize=(style.PAGE, 1 + 0.45 * len(heights) + RUN_INCHES * models * sum(heights)),
        height_ratios=heights,
        sharey="row",
        squeeze=False,
    )
    for column, metric in zip(axes.T, metrics, strict=True):
        name = style.metric_name(metric)
        for gain, share, layer in zip(
            column[: len(layers)], column[len(layers) :], layers, strict=True
        ):
            where = "metric == @metric and layer == @layer"
            _draw_rows(gain, table.query(where), ["gain", "low", "high"], 0)
            _draw_rows(share, fits.query(where), ["share", "share_low", "share_high"], 1)
            gain.set(title=layer, xlabel=f"gain in mean II ({name})")
            share.set(title=layer, xlabel=f"share of the gain ({name})", xlim=SHARE_FRAME)
    handles = _run_handles(table)
    figure.legend(handles=handles, loc="outside upper right", frameon=False, ncols=len(handles))
    style.despine(figure)
    style.credit(
        figure,
        f"{cfg['study']} · {style.sample_note(table)} · gain: mean II minus the neurons', 95 % "
        "interval over directions and images · share: (exemplar − neurons) / (K-Means − neurons), "
        "Fieller's interval, cut at the frame; none: the gain of that K-Means isn't clear of 0\n"
        + style.INDEX,
    )
    return figure, table


def _draw_rows(panel: Axes, table: pd.DataFrame, columns: list[str], reference: float) -> None:
    """Dots with intervals, a row a method, models below one another; seeds have one colour."""
    methods, models, bases = (list(table[name].unique()) for name in ("method", "model", "base"))
    panel.axvline(reference, color="0.5", linewidth=0.6, linestyle="--")
    for row in table.itertuples():
        shift, index = models.index(row.model), bases.index(row.base)
        place = methods.index(row.method) + 0.6 * ((shift + 0.5) / len(models) - 0.5)
        estimate, low, high = (getattr(row, name) for name in columns)
        if pd.isna(estimate):
            at_edge = {"transform": panel.get_yaxis_transform(), "va": "center", "fontsize": 5}
            panel.text(0.02, place, "none", color=f"C{index}", **at_edge)
        else:
            marker = MARKERS[index % len(MARKERS)]
            _draw_mean(panel, estimate, low, high, place, color=f"C{index}", fmt=marker)
    panel.set_yticks(range(len(methods)), methods)
    panel.set_ylim(len(methods) - 0.4, -0.6)


def _run_handles(table: pd.DataFrame) -> list[Line2D]:
    models = table[["base", "weights"]].drop_duplicates().itertuples()
    return [
        Line2D(
            [],
            [],
            color=f"C{index}",
            marker=MARKERS[index % len(MARKERS)],
            label=f"{row.base} (weights: {row.weights})",
        )
        for index, row in enumerate(models)
    ]
