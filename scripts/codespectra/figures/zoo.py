"""Exponent, II and MIS of many networks against their accuracy, size and year."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter

from codespectra.errors import UserError
from codespectra.figures import style
from codespectra.statistics.evidence import rank_correlation

MEASURES = {"exponent": "power-law exponent α", "ii": "mean II", "mis": "mean MIS"}
KNOWN = {"accuracy": "accuracy", "parameters": "parameters (millions)", "year": "year"}
DRAWN = ["measure", "metric", "depth", "library", "network", "weights", "layer", "stimulus_count"]


def draw_zoo(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """A row a measure, a column for what is known of any network; a point a network and depth.

    Args:
        inputs: zoo.
        cfg: study, metric (of II and MIS), resamples and seed (of rank correlations).

    Raises:
        UserError: no network could be measured.
    """
    every = inputs["zoo"]
    table = every[every["metric"].isin(["", cfg["metric"]]) & every["value"].notna()]
    failed = every[every["measure"] == ""]
    if table.empty:
        first = every[["library", "network", "note"]].iloc[0]
        raise UserError("zoo: nothing could be measured; the first is {}:{}: {}".format(*first))
    table = table.assign(parameters=table["parameters"] / 1e6)
    columns = [name for name in KNOWN if table[name].notna().any()]
    measures = [name for name in MEASURES if (table["measure"] == name).any()]
    points = pd.concat(
        [_points(table, measure, name, cfg) for measure in measures for name in columns],
        ignore_index=True,
    )
    figure, axes = plt.subplots(
        *(len(measures), len(columns)),
        figsize=(max(style.COLUMN, style.PAGE * len(columns) / 3), 1.9 * len(measures) + 0.4),
        **{"squeeze": False, "sharex": "col", "sharey": "row"},
    )
    for line, measure in zip(axes, measures, strict=True):
        for panel, name in zip(line, columns, strict=True):
            own = points[(points["measure"] == measure) & (points["against"] == name)]
            _draw(panel, own)
            if name == "parameters":
                panel.set_xscale("log")
                panel.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
                panel.xaxis.set_major_formatter("{x:g}")
                panel.xaxis.set_minor_formatter(NullFormatter())
        line[0].set_ylabel(MEASURES[measure])
    for panel, name in zip(axes[-1], columns, strict=True):
        panel.set_xlabel(KNOWN[name])
    axes[0, 0].legend(title="depth", frameon=False, fontsize=6, title_fontsize=6)
    style.despine(figure)
    style.credit(figure, _note(every, failed, columns, cfg))
    return figure, points


def _points(table: pd.DataFrame, measure: str, known: str, cfg: style.Config) -> pd.DataFrame:
    """A measure of each network and depth beside what is known, with Spearman's rho by depth."""
    own = table[(table["measure"] == measure) & table[known].notna()]
    parts = []
    for _, points in own.groupby("depth"):
        found = rank_correlation(
            *("", points[known].to_numpy(float), points["value"].to_numpy()),
            resamples=cfg["resamples"],
            seed=cfg["seed"],
        )
        told = {"rho": found.estimate, "rho_low": found.low, "rho_high": found.high}
        place = {"against": known, "known": points[known]}
        parts.append(points[[*DRAWN, "value", "low", "high"]].assign(**place, **told))
    return pd.concat(parts) if parts else pd.DataFrame()


def _draw(panel: Axes, points: pd.DataFrame) -> None:
    depths = sorted(points["depth"].unique())
    shades = colormaps[style.SEQUENTIAL](np.linspace(0, 0.85, len(depths)))
    for depth, shade in zip(depths, shades, strict=True):
        own = points[points["depth"] == depth]
        reach = style.reaches(own["value"], own["low"], own["high"])
        look = {"fmt": "o", "markersize": 2.5, "elinewidth": 0.4, "color": shade}
        bars = panel.errorbar(own["known"], own["value"], yerr=reach, label=f"{depth:g}", **look)
        for part in bars.lines[2]:
            part.set_alpha(0.4)
    deepest = points[points["depth"] == depths[-1]].iloc[0]
    rho = "ρ: under 5 networks, or all alike"
    if np.isfinite(deepest["rho"]):
        rho = "ρ = {rho:.2f} [{rho_low:.2f}, {rho_high:.2f}]".format(**deepest)
    panel.set_title(f"depth {depths[-1]:g}: {rho}", fontsize=6, loc="left")


def _note(every: pd.DataFrame, failed: pd.DataFrame, columns: list[str], cfg: style.Config) -> str:
    networks = every[["library", "network", "weights"]].drop_duplicates()
    counts = networks["weights"].value_counts()
    weights = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    untold = [KNOWN[name] for name in KNOWN if name not in columns]
    return " · ".join(
        [
            cfg["study"],
            f"{len(networks)} networks, {len(failed)} of them failed",
            style.stimuli_note(every),
            f"weights: {weights}",
            f"II and MIS of units by {style.metric_name(cfg['metric'])}",
            "depth: share of the selected layers, in running order",
            "bars: 95 % intervals · ρ: Spearman's, over networks",
            *([f"not known of any: {', '.join(untold)}"] if untold else []),
        ]
    )
