"""II and input gradients at K-Means centroids, between and beyond them (B fig. 7)."""

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from codespectra.claims.measures.sensitivity import distance_and_similarity, one_way
from codespectra.figures import style
from codespectra.figures.manifold import draw_index_against
from codespectra.statistics.intervals import mean_interval

NORM = "gradient norm (1 / pixel range)"


TABLES = ("", "_gradients", "_pairs", "_centroids")


def draw_sensitivity(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """A row a layer: cross-II and distance, II along paths, gradients along them, II and gradient.

    Args:
        inputs: sensitivity, sensitivity_gradients, sensitivity_pairs, sensitivity_centroids, all
            of one run.
        cfg: study, metric (that is shown), resamples and seed (of the intervals).
    """
    paths, gradients, pairs, centroids = (inputs[f"sensitivity{name}"] for name in TABLES)
    metric = cfg["metric"]
    paths, pairs = (table[table["metric"] == metric] for table in (paths, pairs))
    layers, name = paths["layer"].unique(), style.metric_name(metric)
    figure, axes = plt.subplots(
        2 * len(layers), 2, figsize=(style.PAGE, 0.6 + 4 * len(layers)), squeeze=False
    )
    for layer, panels in zip(layers, axes.reshape(-1, 4), strict=True):
        own_paths, own_gradients, own_pairs, own = (
            table[table["layer"] == layer] for table in (paths, gradients, pairs, centroids)
        )
        _draw_cross(panels[0], layer, own_pairs, name)
        _draw_index(panels[1], layer, own_paths, name)
        _draw_gradients(panels[2], layer, own_gradients, own_pairs, name)
        title = f"{layer}: centroids"
        draw_index_against(panels[3], title, own, "least_gradient_norm", metric, cfg)
        panels[3].set_xlabel(f"least {NORM}")
    style.despine(figure)
    style.credit(figure, f"{cfg['study']} · {_sample(paths, centroids)} · {_EXPLANATION}")
    drawn = {"paths": paths, "gradients": gradients, "pairs": pairs, "centroids": centroids}
    named = [table.assign(table=name) for name, table in drawn.items()]
    return figure, pd.concat(named, ignore_index=True)


_EXPLANATION = (
    "v(t) = t μa + (1 − t) μb, of unit length, between K-Means centroids that are paired for the "
    "largest sum of distances; a path and its reverse are one · bands: 95 % interval of the mean "
    "over paths · gradient: of −‖ŷ(x) − v‖, ŷ the activation of unit length, x pixels from 0 to 1; "
    "norm: mean over images · ρ: Spearman, 95 % interval: of pairs by a jackknife over centroids, "
    "of centroids by a bootstrap"
)


def _draw_cross(panel: Axes, layer: str, pairs: pd.DataFrame, name: str) -> None:
    found = distance_and_similarity("", pairs)
    note = f"ρ = {found.estimate:.2f} [{found.low:.2f}, {found.high:.2f}]"
    panel.scatter(pairs["distance"], pairs["cross_ii"], s=1, linewidths=0, rasterized=True)
    panel.set_title(f"{layer}: pairs of centroids, {note}")
    panel.set(xlabel="distance of two centroids ‖μa − μb‖", ylabel=f"cross-II ({name})")


def _draw_index(panel: Axes, layer: str, paths: pd.DataFrame, name: str) -> None:
    wide = _wide(one_way(paths), "ii")
    panel.add_collection(LineCollection(_lines(wide), colors="0.75", linewidths=0.3))
    _draw_mean(panel, wide, "C0-", "mean over paths")
    _mark_path(panel, layer, wide.columns)
    panel.set_ylabel(f"II ({name})")


def _draw_gradients(
    panel: Axes, layer: str, gradients: pd.DataFrame, pairs: pd.DataFrame, name: str
) -> None:
    own = one_way(gradients)
    wide = _wide(own, "gradient_norm")
    lines = LineCollection(_lines(wide), cmap=style.SEQUENTIAL, linewidths=0.3)
    lines.set_array(_similarities(own, pairs))
    panel.add_collection(lines)
    bar = panel.figure.colorbar(lines, ax=panel, pad=0.02)
    bar.set_label(f"cross-II of μa, μb ({name})", size=7)
    _draw_mean(panel, wide, "C3-", "images nearest to v(t)")
    _draw_mean(panel, _wide(gradients, "gradient_norm_a"), "C3--", "images nearest to μa")
    _mark_path(panel, layer, wide.columns)
    panel.set_ylabel(NORM)


def _similarities(paths: pd.DataFrame, pairs: pd.DataFrame) -> np.ndarray:
    """Cross-II of the two ends of each path, by a."""
    known = pairs.set_index(["a", "b"])["cross_ii"]
    ends = paths.drop_duplicates("a").sort_values("a")[["a", "b"]].to_numpy()
    return known.loc[list(map(tuple, np.sort(ends, axis=1)))].to_numpy()


def _wide(paths: pd.DataFrame, column: str) -> pd.DataFrame:
    return paths.pivot(index="a", columns="t", values=column)


def _lines(wide: pd.DataFrame) -> list[np.ndarray]:
    return [np.column_stack([wide.columns, values]) for values in wide.to_numpy()]


def _draw_mean(panel: Axes, wide: pd.DataFrame, look: str, name: str) -> None:
    means = np.array([mean_interval(values) for values in wide.to_numpy().T])
    (line,) = panel.plot(wide.columns, means[:, 0], look, label=name)
    panel.fill_between(
        wide.columns, *means[:, 1:].T, color=line.get_color(), alpha=0.3, linewidth=0
    )


def _mark_path(panel: Axes, layer: str, t: pd.Index) -> None:
    """Title, legend and the ends of the paths by name."""
    panel.set_title(f"{layer}: along paths", pad=16)
    panel.legend(frameon=False, fontsize=6, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1))
    for end in (0, 1):
        panel.axvline(end, linestyle=":", color="0.5", linewidth=0.6, zorder=0)
    ticks = [t.min(), 0, 0.5, 1, t.max()]
    panel.set_xticks(ticks, [f"{x:g}" + {0: "\nμb", 1: "\nμa"}.get(x, "") for x in ticks])
    panel.set(xlabel="t", xlim=(t.min(), t.max()))


def _sample(paths: pd.DataFrame, centroids: pd.DataFrame) -> str:
    first = paths.iloc[0]
    each = centroids.drop_duplicates(["layer", "direction"])
    counts = ", ".join(
        f"{layer} {count}" for layer, count in each["layer"].value_counts(sort=False).items()
    )
    return (
        f"{first['model']} on {first['stimuli']}, n = {first['stimulus_count']}, M = {first['m']} "
        f"· {style.weights_note(paths)} · centroids: {counts}"
    )
