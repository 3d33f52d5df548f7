"""How scores of directions agree: rank correlations of the indices, MIS, monosemanticity & co."""

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable

from codespectra.experiments.further_options import NAMES
from codespectra.figures import style
from codespectra.interpretability.index_means import nearest_kmeans
from codespectra.interpretability.parts import ALL
from codespectra.statistics.rank_correlation import rank_correlations

COLORS = "RdBu_r"
STRONG = 0.6  # correlations that are dark
CONTEXT = ["model", "weights", "stimuli", "reduction", "stimulus_count"]


def draw_score_agreement(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Spearman's rho of every two scores: a row a layer; neurons, and as many K-Means centroids.

    Scores of the metric that is shown, and the II by every metric.

    Args:
        inputs: scores, further, both of one run.
        cfg: study, metric (that is shown), resamples and seed (of the intervals).
    """
    scores, further = inputs["scores"], inputs["further"]
    whole = scores[scores["part"] == ALL]
    further = further[further["metric"] == cfg["metric"]]
    resampling = {"resamples": cfg["resamples"], "seed": cfg["seed"]}
    tables = []
    for layer, own in whole.groupby("layer", sort=False):
        for method in _shown_methods(own[own["metric"] == cfg["metric"]]):
            of_both = (t[(t["layer"] == layer) & (t["method"] == method)] for t in (own, further))
            wide = _by_direction(*of_both)
            table = _agreement(wide, **resampling)
            tables.append(table.assign(layer=layer, method=method))
    table = pd.concat(tables, ignore_index=True).assign(**whole[CONTEXT].iloc[0])
    layers = list(table["layer"].unique())
    figure, axes = plt.subplots(
        len(layers), 2, figsize=(style.PAGE, 0.8 + 3.1 * len(layers)), squeeze=False
    )
    for row, layer in zip(axes, layers, strict=True):
        groups = table[table["layer"] == layer].groupby("method", sort=False)
        for panel, (method, own) in zip(row, groups, strict=True):
            _draw_matrix(panel, own)
            panel.set_title(f"{layer}: {method}, n = {own['n'].iloc[0]}")
    scale = ScalarMappable(plt.Normalize(-1, 1), COLORS)
    figure.colorbar(scale, ax=axes, label="Spearman's ρ over directions", shrink=0.5, aspect=40)
    first = table.iloc[0]
    style.credit(
        figure,
        f"{cfg['study']} · {first['model']} on {first['stimuli']}, n = {first['stimulus_count']} · "
        f"{style.weights_note(table)} · MIS and below: metric {style.metric_name(cfg['metric'])}, "
        f"MIS at slope {further['slope'].min():g} · images: II M = {style.listed(whole['m'])}, "
        f"{_images(further)} · in brackets: the 95 % bootstrap interval over directions holds 0",
    )
    return figure, table


def _images(further: pd.DataFrame) -> str:
    """How many images each score looks at."""
    shown = further.drop_duplicates("score")
    return ", ".join(f"{_name(row.score)} {row.images}" for row in shown.itertuples())


def _shown_methods(scores: pd.DataFrame) -> list[str]:
    """The units, and the K-Means of as many centroids, if there is any."""
    sizes = scores.groupby("method", sort=False).size().rename("directions").reset_index()
    names = ["neurons"]
    if sizes["method"].str.startswith("kmeans").any():
        units = int(sizes.loc[sizes["method"] == "neurons", "directions"].iloc[0])
        names.append(nearest_kmeans(sizes, units)["method"].iloc[0])
    return names


def _by_direction(scores: pd.DataFrame, further: pd.DataFrame) -> pd.DataFrame:
    """A row a direction that has all scores, a column a score by its name in the figure."""
    indices = scores.pivot(index="direction", columns="metric", values="ii")
    indices = indices[scores["metric"].unique()].rename(columns=_index_name)
    others = further.pivot(index="direction", columns="score", values="value")
    others = others[further["score"].unique()].rename(columns=_name)
    return indices.join(others).dropna()


def _index_name(metric: str) -> str:
    return f"II, {style.metric_name(metric)}"


def _name(score: str) -> str:
    return NAMES.get(score, score)


def _agreement(wide: pd.DataFrame, *, resamples: int, seed: int) -> pd.DataFrame:
    """first, second, rho, low, high, n: a row a pair of scores."""
    found = rank_correlations(wide.to_numpy(), resamples=resamples, seed=seed)
    first, second = np.triu_indices(wide.shape[1], k=1)
    columns = {"first": wide.columns[first], "second": wide.columns[second]}
    columns |= dict(zip(("rho", "low", "high"), (own[first, second] for own in found), strict=True))
    return pd.DataFrame(columns | {"n": len(wide)})


def _draw_matrix(panel: Axes, pairs: pd.DataFrame) -> None:
    """The lower triangle, a row a `second` score, with the numbers."""
    names = [pairs["first"].iloc[0], *pairs["second"].unique()]
    square = np.full((len(names), len(names)), np.nan)
    for pair in pairs.itertuples():
        row, column = names.index(pair.second), names.index(pair.first)
        square[row, column] = pair.rho
        text = "–" if np.isnan(pair.rho) else f"{pair.rho:.2f}"
        if pair.low <= 0 <= pair.high:
            text = f"({text})"
        color = "white" if abs(pair.rho) > STRONG else "black"
        panel.text(column, row, text, ha="center", va="center", fontsize=5, color=color)
    panel.imshow(square[1:, :-1], cmap=COLORS, vmin=-1, vmax=1, extent=_edges(len(names)))
    panel.set_xticks(range(len(names) - 1), names[:-1], rotation=40, ha="right", fontsize=6)
    panel.set_yticks(range(1, len(names)), names[1:], fontsize=6)
    panel.spines[:].set_visible(False)
    panel.tick_params(length=0)


def _edges(count: int) -> tuple[float, float, float, float]:
    """Of the cells of all columns but the last, and of all rows but the first."""
    return -0.5, count - 1.5, count - 0.5, 0.5
