"""II against spread on a map of images (B fig. 6), and against co-activation (B fig. 10 C)."""

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from codespectra.claims.measures.manifold import STAGES, stage_names
from codespectra.figures import style
from codespectra.statistics.evidence import rank_correlation

WIDTHS = (1, 1.15, 1.25)  # of the columns: maps, maps with a scale, II
DOT = 5  # area of an image or a unit, in square points
FULL_SCALE = 0.98  # quantile of the activity with the brightest colour
NOTE_POINTS = 8  # height of a line above a panel

Shades = dict[str, tuple[float, float, float]]


def draw_manifold(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """A block a layer: its map by colour and by label; a row a method, its activity and its II.

    Args:
        inputs: manifold_images, manifold_activity, manifold_units, all of one run.
        cfg: study, resamples and seed (of the intervals).
    """
    tables = {name: inputs[f"manifold_{name}"] for name in ("images", "activity", "units")}
    images, activity, units = tables.values()
    layers = images["layer"].unique()
    rows = max(2, activity["method"].nunique())
    figure, axes = plt.subplots(
        rows * len(layers),
        len(WIDTHS),
        width_ratios=WIDTHS,
        figsize=(style.PAGE, 0.8 + 2.2 * rows * len(layers)),
    )
    shades = _shades(images["label"])
    for layer, block in zip(layers, axes.reshape(-1, rows, len(WIDTHS)), strict=True):
        shown, active, own = (table[table["layer"] == layer] for table in (images, activity, units))
        _draw_layer(block, shown, active, own, shades, cfg)
    for panel in axes.flat:
        panel.set_visible(panel.has_data())
    style.despine(figure)
    _label_legend(figure, shades)
    style.credit(figure, f"{cfg['study']} · {_sample(images, units)}")
    drawn = [table.assign(table=name) for name, table in tables.items()]
    return figure, pd.concat(drawn, ignore_index=True)


def _draw_layer(
    block: np.ndarray,
    images: pd.DataFrame,
    activity: pd.DataFrame,
    units: pd.DataFrame,
    shades: Shades,
    cfg: style.Config,
) -> None:
    layer, metric = images[["layer", "map_metric"]].iloc[0]
    shown = images.set_index("image")
    _draw_looks(block[:2, 0], shown, shades)
    _draw_activity(block[:, 1], shown, activity)
    for panel, (method, own) in zip(block[:, 2], units.groupby("method", sort=False), strict=False):
        draw_index_against(panel, f"{layer}: {method}", own, "spread", metric, cfg)
        panel.set_xlabel("mean distance of MEIs on the map")


def draw_index_against(
    panel: Axes,
    title: str,
    units: pd.DataFrame,
    column: str,
    metric: str,
    cfg: style.Config,
) -> None:
    """II by `metric` against a column, a dot a unit; above it Spearman's rho by every metric.

    `cfg` has resamples and seed of rho's interval.
    """
    shown = units[units["metric"] == metric]
    panel.scatter(shown[column], shown["ii"], s=DOT, color="C0", linewidths=0)
    panel.set_ylabel(f"II ({style.metric_name(metric)})")
    notes, resampling = [], {"resamples": cfg["resamples"], "seed": cfg["seed"]}
    for name, rows in units.groupby("metric", sort=False):
        found = rank_correlation("", rows[column].to_numpy(), rows["ii"].to_numpy(), **resampling)
        interval = f"[{found.low:.2f}, {found.high:.2f}]"
        notes.append(f"{style.metric_name(name)}: ρ = {found.estimate:.2f} {interval}")
    panel.text(0, 1.02, "\n".join(notes), fontsize=6, va="bottom", transform=panel.transAxes)
    panel.set_title(title, pad=4 + NOTE_POINTS * len(notes))


def _shades(labels: pd.Series) -> Shades:
    """A colour a label; no entries for a set without labels."""
    names = sorted(filter(None, labels.unique()))
    if len(names) <= len(style.COLOURS):
        return dict(zip(names, style.COLOURS, strict=False))
    from seaborn import husl_palette  # it takes longer to import than most figures to draw

    return dict(zip(names, husl_palette(len(names)), strict=True))


def _draw_looks(panels: np.ndarray, shown: pd.DataFrame, shades: Shades) -> None:
    _draw_map(panels[0], shown, c=shown[["red", "green", "blue"]].to_numpy())
    panels[0].set_title(f"{shown['layer'].iloc[0]}: mean colour")
    if shades:
        _draw_map(panels[1], shown, c=shown["label"].map(shades).to_list())
        panels[1].set_title(f"{shown['layer'].iloc[0]}: label")


def _draw_activity(panels: np.ndarray, shown: pd.DataFrame, activity: pd.DataFrame) -> None:
    """One direction a panel, all on one scale, which few images exceed; the strongest on top."""
    scale = Normalize(activity["activity"].min(), activity["activity"].quantile(FULL_SCALE))
    groups = activity.groupby(["method", "direction"], sort=False)
    for panel, ((method, direction), rows) in zip(panels, groups, strict=False):
        rows = rows.sort_values("activity", kind="stable")
        dots = _draw_map(
            panel, shown.loc[rows["image"]], c=rows["activity"], cmap=style.SEQUENTIAL, norm=scale
        )
        bar = panel.figure.colorbar(dots, ax=panel, shrink=0.8, aspect=30, extend="max")
        bar.set_label("activity", size=6)
        bar.ax.tick_params(labelsize=6)
        panel.set_title(f"{rows['layer'].iloc[0]}: {method} {direction}")


def _draw_map(panel: Axes, shown: pd.DataFrame, **look: object) -> object:
    panel.set(xticks=[], yticks=[], xlabel="t-SNE 1", ylabel="t-SNE 2")
    panel.set_aspect("equal", adjustable="datalim")
    return panel.scatter(shown["x"], shown["y"], s=DOT, edgecolors="0.6", linewidths=0.1, **look)


def _label_legend(figure: Figure, shades: Shades) -> None:
    """Names of the labels above the figure, as long as there is room."""
    if not 0 < len(shades) <= 20:
        return
    handles = [
        Line2D([], [], linestyle="", marker="o", color=shade, label=name)
        for name, shade in shades.items()
    ]
    figure.legend(handles=handles, loc="outside upper center", frameon=False, ncols=5, fontsize=6)


def _sample(images: pd.DataFrame, units: pd.DataFrame) -> str:
    first = images.iloc[0]
    counts = ", ".join(f"{name} {len(rows)}" for name, rows in images.groupby("layer", sort=False))
    live = units.dropna(subset="ii").drop_duplicates(["layer", "method", "direction"])
    sizes = live.groupby(["layer", "method"], sort=False).size()
    directions = ", ".join(f"{layer} {method} {n}" for (layer, method), n in sizes.items())
    seeds = ", ".join(
        f"{layer} {rows['spread'].corr(rows['spread_other_seed'], 'spearman'):.2f}"
        for layer, rows in live.groupby("layer", sort=False)
    )
    metric = style.metric_name(first["map_metric"])
    return (
        f"{first['model']} on {first['stimuli']}, n = {first['stimulus_count']}, M = {first['m']} "
        f"· {style.weights_note(images)} · map: t-SNE of the most exciting images (MEIs) by "
        f"{metric}: {counts} images · live directions: {directions} · activity: eq. 4 of the "
        f"direction with the highest II ({metric}) · ρ: Spearman, 95 % bootstrap interval over "
        f"directions; that of {metric} is partly built in, since it made the map · ρ of these "
        f"distances between maps of two seeds: {seeds}"
    )


def draw_coactivation(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """II against co-activation before and after a ReLU: a row a layer, a column a stage.

    The first column is empty where a layer doesn't end in a ReLU.

    Args:
        inputs: coactivation of one run.
        cfg: study, metric (whose II the dots show), resamples and seed (of the intervals).
    """
    table = inputs["coactivation"]
    named, layers = table.assign(name=stage_names(table)), table["layer"].unique()
    figure, axes = plt.subplots(
        len(layers),
        len(STAGES),
        figsize=(style.PAGE, 0.6 + 2.2 * len(layers)),
        sharex=True,
        squeeze=False,
    )
    for row, layer in zip(axes, layers, strict=True):
        for panel, stage in zip(row, STAGES, strict=True):
            units = named[(named["layer"] == layer) & (named["stage"] == stage)]
            if units.empty:
                panel.set_visible(False)
                continue
            title = f"{layer}, {units['name'].iloc[0]}"
            draw_index_against(panel, title, units, "coactivation", cfg["metric"], cfg)
            panel.set_xlabel("correlation with the mean of the other units")
            panel.tick_params(labelbottom=True)
    style.despine(figure)
    first = table.iloc[0]
    live = named.dropna(subset="ii").drop_duplicates(["layer", "stage", "direction"])
    sizes = live.groupby(["layer", "name"], sort=False).size()
    units = ", ".join(f"{layer} {name} {n}" for (layer, name), n in sizes.items())
    style.credit(
        figure,
        f"{cfg['study']} · {first['model']} on {first['stimuli']}, n = {first['stimulus_count']}, "
        f"M = {first['m']} · {style.weights_note(table)} · live units: {units} · II of units by "
        "the stage's own responses · ρ: Spearman, 95 % bootstrap interval over units",
    )
    return figure, table
