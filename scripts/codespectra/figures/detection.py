"""Detection and fuzzing of explanations by depth, and how they rank units beside the simulation."""

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from codespectra.explanations.detection import HIGHLIGHTED, SCORES
from codespectra.figures import style
from codespectra.figures.explanations import draw_kinds, excerpts_note, kinds_legend
from codespectra.figures.seeds import with_base
from codespectra.statistics.evidence import rank_correlation
from codespectra.statistics.intervals import mean_interval

ACCURACY, AGREEMENT = "accuracy", "ρ"
# Of each quantity what chance gives, and its least.
BORDERS = {ACCURACY: (0.5, 0.0), AGREEMENT: (0.0, -1.0)}
KEYS = ["model", "weights", "explainer", "kind", "depth", "layer"]


def draw_detection(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """A row a model and explainer: accuracies and rank agreement of both scores against depth.

    Networks of several seeds are one model, their units taken together.

    Args:
        inputs: explanations, of all explainers.
        cfg: study, resamples and seed (of the intervals), bases.
    """
    units = with_base(inputs["explanations"], cfg)
    units = units.assign(model=units["base"])
    table = _by_layer(units, cfg)
    rows = list(table.groupby(["model", "explainer"], sort=False))
    wanted = [(score, what) for what in BORDERS for score in SCORES]
    figure, axes = plt.subplots(
        *(len(rows), len(wanted)),
        figsize=(style.PAGE, 0.9 + 1.7 * len(rows)),
        sharex="row",
        sharey="col",
        squeeze=False,
    )
    for (named, found), panels in zip(rows, axes, strict=True):
        for (score, what), panel in zip(wanted, panels, strict=True):
            own = found[(found["score"] == score) & (found["quantity"] == what)]
            _draw(panel, own, *BORDERS[what])
        panels[0].set_ylabel(", ".join(named))
    for (score, what), first, last in zip(wanted, axes[0], axes[-1], strict=True):
        first.set_title(f"{score}: {what}")
        last.set_xlabel("depth (in running order)")
    style.despine(figure)
    figure.legend(*kinds_legend(axes.flat), loc="outside upper center", ncols=3)
    style.credit(
        figure, f"{cfg['study']} · {excerpts_note(units)}\n{_counts(units)} · {_EXPLANATION}"
    )
    return figure, table


_EXPLANATION = (
    "detection: is an excerpt one of the strongest, or a random one · fuzzing: are the highlighted "
    f"tokens those that the unit responds to (≥ {HIGHLIGHTED:g} of the largest response) · "
    "accuracy: balanced, mean over units, bars: 95 % interval over units · ρ: Spearman with the "
    "simulation's score over a layer's units, bars: 95 % bootstrap over units · dotted: chance"
)


def _by_layer(units: pd.DataFrame, cfg: style.Config) -> pd.DataFrame:
    """Mean accuracy and rank agreement of a layer's units of one kind, by score.

    Returns:
        `KEYS`, score, quantity, mean (the rank correlation is one too), low, high, n (units).
    """
    rows = []
    for score in SCORES:
        for where, own in units.groupby(KEYS, sort=False):
            known = own[score]
            rows.append((*where, score, ACCURACY, *mean_interval(known), int(known.count())))
            found = rank_correlation(
                *("", known, own["score"]), resamples=cfg["resamples"], seed=cfg["seed"]
            )
            ends = found.estimate, found.low, found.high, found.n
            rows.append((*where, score, AGREEMENT, *ends))
    return pd.DataFrame(rows, columns=[*KEYS, "score", "quantity", "mean", "low", "high", "n"])


def _draw(panel: Axes, found: pd.DataFrame, chance: float, least: float) -> None:
    panel.axhline(chance, color="0.6", linestyle=":", linewidth=0.6)
    draw_kinds(panel, found, found["depth"])
    panel.set_ylim(least - 0.05, 1.05)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))


def _counts(units: pd.DataFrame) -> str:
    """How many units and answers count, and how many answers don't."""
    told = ", ".join(
        f"{score} {units[f'{score}_contexts'].sum():,.0f} ({units[f'{score}_unparsed'].sum():,.0f})"
        for score in SCORES
    )
    count = style.span(units.groupby(KEYS).size())
    return f"n = {count} units a layer and kind; answers (neither 1 nor 0, left out): {told}"
