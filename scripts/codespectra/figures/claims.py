"""Forest plot of the claims: how far each lies on its side, and in which models."""

import textwrap
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from codespectra.claims.judges import CONTRADICTED, INCONCLUSIVE, MIXED, NOT_RUN, SUPPORTED
from codespectra.figures import style

FARTHEST = 8  # reaches; what lies farther is drawn there, as an arrow
ROW = 0.27  # inches
COLORS = {SUPPORTED: "C0", CONTRADICTED: "C3", INCONCLUSIVE: "0.45", MIXED: "C1"}
MARKS = {"trained here": "o", "pretrained": "^", "untrained": "x"}
OTHERS = "DPvp"  # of other studies


def draw_claims(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Estimates in reaches of their intervals, to the right on the claim's side, a row a claim.

    Args:
        inputs: claims, claims_by_model.
        cfg: study; beside, verdict and margin of other studies by their names and by claim.
    """
    claims, models = inputs["claims"], inputs["claims_by_model"]
    shown = claims[claims["verdict"] != NOT_RUN].reset_index(drop=True)
    figure, panel = plt.subplots(figsize=(style.PAGE, 0.9 + ROW * max(len(shown), 2)))
    beside = _beside(claims, cfg)
    for row in shown.itertuples():
        _draw_row(panel, row, models[models["id"] == row.id])
    panel.axvline(0, color="0.5", linewidth=0.8)
    panel.set(
        xlim=(-FARTHEST - 0.5, FARTHEST + 0.5),
        ylim=(max(len(shown), 1) - 0.4, -0.6),
        xlabel="against the claim ← distance in reaches of the 95 % interval → for it",
        yticks=np.arange(len(shown)),
    )
    panel.set_yticklabels([textwrap.fill(f"{r.id} {r.claim}", 46) for r in shown.itertuples()])
    panel.tick_params(axis="y", length=0, labelsize=6)
    style.despine(panel, "left")
    _add_legend(panel, shown, models, _draw_beside(panel, shown, beside))
    left = claims.loc[claims["verdict"] == NOT_RUN, "id"]
    notes = [cfg["study"], "thick: 95 %, thin: with false discoveries controlled"]
    notes += [f"not run: {', '.join(left)}"] if len(left) else []
    style.credit(figure, " · ".join(notes))
    return figure, pd.concat([claims.assign(model=""), models, beside], ignore_index=True)


def _beside(claims: pd.DataFrame, cfg: style.Config) -> pd.DataFrame:
    """What other studies say of these claims: id, verdict, margin, study."""
    rows = [
        {"id": claim, **found[claim], "study": name}
        for name, found in cfg.get("beside", {}).items()
        for claim in claims["id"]
        if claim in found
    ]
    return pd.DataFrame(rows, columns=["id", "verdict", "margin", "study"])


def _draw_beside(panel: Axes, shown: pd.DataFrame, beside: pd.DataFrame) -> list[Line2D]:
    """A mark a study above each claim's row, in the colour of its verdict; returns the legend's."""
    places = dict(zip(shown["id"], shown.index, strict=True))
    known = beside[beside["margin"].notna() & beside["id"].isin(places)]
    handles = []
    for mark, (study, rows) in zip(cycle(OTHERS), known.groupby("study"), strict=False):
        for row in rows.itertuples():
            at = np.clip(row.margin, -FARTHEST, FARTHEST), places[row.id] - 0.3
            panel.plot(*at, mark, color=COLORS[row.verdict], markersize=3)
        style_of = {"marker": mark, "markersize": 3, "color": "0.3", "linestyle": ""}
        handles.append(Line2D([], [], **style_of, label=f"study {study}"))
    return handles


def _draw_row(panel: Axes, row: Any, models: pd.DataFrame) -> None:
    """One claim: its interval and verdict, and the same of each model beneath."""
    color = COLORS[row.verdict]
    if np.isfinite(row.margin):
        at = np.clip(row.margin, -FARTHEST, FARTHEST)
        for reach, width in ((row.border, 0.8), (1, 2.4)):
            panel.plot([at - reach, at + reach], [row.Index] * 2, color=color, linewidth=width)
        mark = "s" if at == row.margin else ">" if at > 0 else "<"
        panel.plot(at, row.Index, mark, color=color, markeredgecolor="white", markersize=5)
    below = models[models["margin"].notna()]
    for one in below.itertuples() if len(below) > 1 else ():
        at = np.clip(one.margin, -FARTHEST, FARTHEST)
        mark = MARKS.get(one.origin, ".")
        panel.plot(at, row.Index + 0.3, mark, color=color, markersize=2.5, alpha=0.8)
    numbers = f"{row.estimate:.3g} [{row.low:.3g}, {row.high:.3g}]"
    if not np.isfinite(row.margin):
        numbers = "no interval"
    what = ", ".join(filter(None, (row.statistic, row.part)))
    verdict = ", ".join(filter(None, (row.verdict, row.over)))
    close = " (close call)" if row.close_call == "yes" else ""
    said = f"{verdict}{close}: {numbers}\n{textwrap.shorten(what, 66)}"
    where = {"xycoords": ("axes fraction", "data"), "va": "center", "fontsize": 5}
    panel.annotate(said, (1.01, row.Index), color=color, annotation_clip=False, **where)


def _add_legend(
    panel: Axes, shown: pd.DataFrame, models: pd.DataFrame, others: list[Line2D]
) -> None:
    several = models[models["id"].isin(shown["id"])]
    origins = [name for name in MARKS if name in set(several["origin"])]
    gray = {"color": "0.3", "linestyle": ""}
    handles = [Line2D([], [], marker="s", **gray, label="all models")]
    handles += [
        Line2D([], [], marker=MARKS[n], markersize=3, **gray, label=f"one, {n}") for n in origins
    ]
    panel.legend(
        handles=handles + others, frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1)
    )
