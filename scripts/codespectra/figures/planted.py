"""Recovery of planted dictionaries by every finder, and the index beside it (B fig. 9 A)."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from codespectra.figures import style
from codespectra.statistics.intervals import mean_interval

RECTIFIED, SIGNED = "rectified", "signed"
MMCS, INDEX = "MMCS of planted features", "index: cosine of planted features"
MARKERS = "os^vDPX*hd"


def draw_planted(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """MMCS over size, density and noise; autoencoders over penalties; the index against MMCS.

    Args:
        inputs: planted (a row a dictionary).
        cfg: study.
    """
    table = inputs["planted"]
    figure, axes = plt.subplots(2, 3, figsize=(style.PAGE, 5.2))
    methods = dict(zip(table["method"].unique(), _looks(table), strict=True))
    density, noise = table["density"].iloc[0], table["noise"].iloc[0]
    base = (table["density"] == density) & (table["noise"] == noise)
    first = table["size"].isna() | (table["size"] == table["size"].dropna().iloc[0])
    rectified = table["atoms"] == RECTIFIED
    for panel, column, rows, label in (
        (axes[0, 0], "size", table[rectified & base], "directions"),
        (axes[0, 1], "density", table[rectified & first & (table["noise"] == noise)], "density"),
        (axes[0, 2], "noise", table[rectified & first & (table["density"] == density)], "noise"),
    ):
        _draw_recovery(panel, rows, column, methods)
        panel.set(xlabel=label, ylabel=MMCS)
    _at_logarithm(axes[0, 0], table.loc[rectified & base, "size"].fillna(table["units"]))
    grid = table[(table["atoms"] == SIGNED) & base & (table["method"] == "sae")]
    for panel, column, label in ((axes[1, 0], "mmcs", MMCS), (axes[1, 1], "ii", INDEX)):
        _draw_penalties(panel, grid, column)
        panel.set(xlabel="penalty λ of SAEs, signed atoms", ylabel=label)
    _draw_index(axes[1, 2], table, methods)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=6, frameon=False)
    style.despine(figure)
    style.credit(
        figure,
        f"{cfg['study']} · {style.listed(table['features'])} planted features in "
        f"{style.listed(table['units'])} units, {style.listed(table['rows'])} rows · above: "
        f"rectified atoms, density {density:g} and noise {noise:g} unless varied, SAE of the best "
        f"penalty · index: M = {style.listed(table['m'])} rows · mean and Student's 95 % interval "
        f"over {table['seed'].nunique()} seeds; lower right: a dot a dictionary, means over seeds",
    )
    return figure, table


def _looks(table: pd.DataFrame) -> list[tuple]:
    """Colour and marker of each method."""
    count = table["method"].nunique()
    return list(zip(style.colours(count), MARKERS[:count], strict=True))


def _means(table: pd.DataFrame, keys: list[str], column: str) -> pd.DataFrame:
    """Mean and interval over seeds of a column, a row a combination of the keys."""
    rows = [
        dict(zip(keys, key, strict=True))
        | dict(zip(("mean", "low", "high"), mean_interval(found[column]), strict=True))
        for key, found in table.groupby(keys, dropna=False, sort=False)
    ]
    return pd.DataFrame(rows)


def _best_penalties(table: pd.DataFrame, column: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each method's means over seeds; of penalties the one with the highest."""
    means = _means(table, ["method", column, "l1"], "mmcs").dropna(subset="mean")
    for method, rows in means.groupby("method", sort=False):
        best = rows.groupby(column, dropna=False)["mean"].idxmax()
        yield method, rows.loc[best].sort_values(column)


def _draw_recovery(panel: Axes, table: pd.DataFrame, column: str, methods: dict) -> None:
    # Those without a size have as many directions as there are units.
    table = table.assign(size=table["size"].fillna(table["units"]))
    for method, rows in _best_penalties(table, column):
        colour, marker = methods[method]
        _draw_line(panel, rows, column, color=colour, marker=marker, label=method)
    chance = table[table["method"] == "random"].groupby(column)["chance"].mean()
    panel.plot(chance.index, chance, "--", color="0.5", linewidth=0.8, label="chance")
    panel.set_ylim(0, 1.02)


def _draw_penalties(panel: Axes, table: pd.DataFrame, column: str) -> None:
    means = _means(table, ["size", "l1"], column)
    shades = style.shades(means["size"].nunique())
    for shade, (size, rows) in zip(shades, means.groupby("size"), strict=True):
        rows = rows.sort_values("l1")
        _draw_line(panel, rows, "l1", color=shade, marker="o", label=f"{size:g} directions")
    _at_logarithm(panel, rows["l1"])
    panel.legend(frameon=False, fontsize=6)


def _at_logarithm(panel: Axes, values: pd.Series) -> None:
    """A logarithmic axis with a tick at each of the values, linear up to the least above 0."""
    ticks = sorted(values.unique())
    least = min((tick for tick in ticks if tick > 0), default=1)
    panel.set_xscale("symlog", linthresh=least)
    panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    panel.xaxis.set_minor_locator(NullLocator())


def _draw_line(panel: Axes, rows: pd.DataFrame, column: str, **look: Any) -> None:
    reach = [(rows["mean"] - rows["low"]).fillna(0), (rows["high"] - rows["mean"]).fillna(0)]
    panel.errorbar(rows[column], rows["mean"], reach, elinewidth=0.6, linewidth=0.8, **look)


def _draw_index(panel: Axes, table: pd.DataFrame, methods: dict) -> None:
    keys = ["atoms", "density", "noise", "method", "size", "l1"]
    means = table.groupby(keys, dropna=False, sort=False)[["mmcs", "ii"]].mean().reset_index()
    for method, rows in means.groupby("method", sort=False):
        colour, marker = methods[method]
        panel.plot(rows["mmcs"], rows["ii"], marker, color=colour, alpha=0.8)
    panel.set(xlabel=MMCS, ylabel=INDEX)
