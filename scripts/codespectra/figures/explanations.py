"""Explanation scores of neurons and of random projections by depth (A fig. 7 b)."""

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from codespectra.explanations.unit_kinds import LOW_ACTION, NEURON, PROJECTION
from codespectra.figures import style
from codespectra.figures.seeds import with_base
from codespectra.statistics.intervals import mean_interval

PUBLISHED = "published"
NAMES = {NEURON: "neurons", PROJECTION: "random projections", LOW_ACTION: "low-action projections"}
LOOKS = {
    kind: {"color": color, "marker": marker, "label": NAMES[kind]}
    for kind, color, marker in zip(NAMES, ("0.5", "C2", "C0"), "osD", strict=True)
}


def draw_explanations(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Mean score against depth, a panel a model and explainer, colors by kind of unit.

    Networks of several seeds are one model: their means are over the units of all.

    Args:
        inputs: explanations (of all explainers), published; either may be missing.
        cfg: study.
    """
    table = _layer_means(inputs, cfg)
    panels = list(table.groupby(["model", "explainer"], sort=False))
    columns = min(len(panels), 3)
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(style.PAGE, 0.8 + 2.1 * rows), sharey=True, squeeze=False
    )
    for panel, ((model, explainer), found) in zip(axes.flat, panels, strict=False):
        if explainer == PUBLISHED:
            draw_kinds(panel, found, found["depth"] / found["depth"].max())
            panel.set(title="published explanations", xlabel="relative depth")
        else:
            draw_kinds(panel, found, found["depth"])
            panel.set(title=f"{model}, {explainer}", xlabel="depth (in running order)")
            panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        style.despine(panel)
    for panel in axes.flat[len(panels) :]:
        panel.set_visible(False)
    for row in axes:
        row[0].set_ylabel("explanation score")
    figure.legend(*kinds_legend(axes.flat[: len(panels)]), loc="outside upper center", ncols=3)
    excerpts = (
        excerpts_note(inputs["explanations"]) if "explanations" in inputs else "published scores"
    )
    style.credit(figure, f"{cfg['study']} · {excerpts}\n{_units(table)} · {_EXPLANATION}")
    return figure, table


_EXPLANATION = (
    "score: correlation of the activation with the simulated one over the tokens of held-out "
    "excerpts, mean over units · bars: 95 % interval over units"
)


def _layer_means(inputs: style.Inputs, cfg: style.Config) -> pd.DataFrame:
    """Mean score of a layer's units, with Student's 95 % interval over those that have one.

    Returns:
        model (what networks of several seeds share), weights, explainer, kind, depth, layer, mean,
        low, high, n (units with a score); a row a layer and kind.
    """
    scores = []
    if "explanations" in inputs:
        own = with_base(inputs["explanations"], cfg)
        scores.append(own.assign(model=own["base"]))
    if "published" in inputs:
        names = ("model", "weights", "explainer")
        known = dict.fromkeys(names, PUBLISHED) | {"kind": NEURON, "layer": ""}
        scores.append(inputs["published"].assign(**known))
    keys = ["model", "weights", "explainer", "kind", "depth", "layer"]
    rows = [
        (*where, *mean_interval(units), int(units.notna().sum()))
        for where, units in pd.concat(scores).groupby(keys, sort=False)["score"]
    ]
    return pd.DataFrame(rows, columns=[*keys, "mean", "low", "high", "n"])


def excerpts_note(units: pd.DataFrame) -> str:
    """Which excerpts scores rest on, and whose units they are, for the small print."""
    which = "strongest alone" if units["top_only"].all() else "strongest and random ones"
    counts, tokens = (style.span(units[name]) for name in ("n_records", "n_tokens"))
    part, weights = style.listed(units["part"]), style.weights_note(units)
    return f"{part}: {counts} excerpts a unit ({which}), {tokens} tokens · {weights}"


def _units(table: pd.DataFrame) -> str:
    """How many units of a kind there are in a layer."""
    own = table["explainer"] != PUBLISHED
    counts = [
        f"{style.span(rows['n'])} {what}"
        for what, rows in (("units a layer and kind", table[own]), ("published", table[~own]))
        if len(rows)
    ]
    return "n = " + ", ".join(counts)


def draw_kinds(panel: Axes, found: pd.DataFrame, depth: pd.Series) -> None:
    """Means with their intervals (mean, low, high) against depth, a color a kind of unit."""
    for shift, (kind, rows) in enumerate(found.groupby("kind", sort=False)):
        reach = style.reaches(rows["mean"], rows["low"], rows["high"])
        # Side by side, or the bars of three kinds hide one another.
        place = depth[rows.index] + 0.08 * shift
        panel.errorbar(place, rows["mean"], yerr=reach, elinewidth=0.6, **LOOKS[kind])


def kinds_legend(panels: np.ndarray) -> tuple[list, list]:
    """Each kind once."""
    found = [zip(*panel.get_legend_handles_labels(), strict=True) for panel in panels]
    known = {label: handle for pairs in found for handle, label in pairs}
    return list(known.values()), list(known)
