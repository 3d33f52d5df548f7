"""How well in-silico choices predict people's: ROC curves and their areas (B fig. 2, 13)."""

from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.gridspec import GridSpec

from codespectra.figures import style

# Rows of panels: every answer, and the surest ones, which are those of the paper's figure.
ROWS = {"all": "all answers", "3": "confidence 3"}


def draw_agreement(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """ROC curves, a column a stage and a line a part, above their AUCs with intervals.

    Args:
        inputs: agreement, agreement_curves.
        cfg: study.
    """
    agreement, curves = inputs["agreement"], inputs["agreement_curves"]
    stages = list(agreement["stage"].unique())
    colors = _colors(agreement["part"].unique())
    figure = plt.figure(figsize=(style.PAGE, 5.8))
    grid = GridSpec(3, 2 * len(stages), figure)
    areas: list[Axes] = []
    for row, (confidence, title) in enumerate(ROWS.items()):
        scores = agreement[agreement["confidence"] == confidence]
        lines = curves[curves["confidence"] == confidence]
        for column, stage in enumerate(stages):
            panel = figure.add_subplot(grid[row, 2 * column : 2 * column + 2])
            own, scored = (table[table["stage"] == stage] for table in (lines, scores))
            _draw_curves(panel, own, scored, colors)
            panel.get_legend().set_title(_stage_name(stage))
            panel.tick_params(labelbottom=row == 1, labelleft=column == 0)
            if column == 0:
                panel.set_ylabel(f"{title}:\ntrue positive rate")
            if row == 1 and column == len(stages) // 2:
                panel.set_xlabel("false positive rate (positive: a right answer)")
        half = grid[2, row * len(stages) : (row + 1) * len(stages)]
        areas.append(figure.add_subplot(half, sharey=areas[0] if areas else None))
        _draw_areas(areas[row], scores, stages, colors)
        areas[row].set_title(title)
    areas[0].set_ylabel("AUC")
    style.despine(figure)
    style.credit(figure, f"{cfg['study']} · {_sample(agreement)}")
    drawn = [agreement.assign(table="agreement"), curves.assign(table="curves")]
    return figure, pd.concat(drawn)


def _colors(parts: np.ndarray) -> dict[str, Any]:
    """Dark to light by depth of the backbone, and black for all."""
    layers = [part for part in parts if part != "all"]
    shades = matplotlib.colormaps[style.SEQUENTIAL](np.linspace(0, 0.9, len(layers)))
    return dict(zip(layers, map(tuple, shades), strict=True)) | {"all": "black"}


def _draw_curves(
    panel: Axes, lines: pd.DataFrame, scores: pd.DataFrame, colors: dict[str, Any]
) -> None:
    """ROC curves; their AUCs stand above the panel, where no curve is."""
    areas = scores.set_index("part")["auc"]
    for part, color in colors.items():
        line = lines[lines["part"] == part]
        panel.plot(
            line["false_positive_rate"],
            line["true_positive_rate"],
            color=color,
            linewidth=1.2 if part == "all" else 0.8,
            label=f"{part} {areas[part]:.2f}" if part in areas.dropna() else part,
        )
    panel.plot([0, 1], [0, 1], ":", color="0.5", linewidth=0.6)
    panel.set(xlim=(0, 1), ylim=(0, 1), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1), box_aspect=1)
    panel.legend(
        frameon=False,
        fontsize=5.5,
        title_fontsize=8,
        ncols=2,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.98),
        handlelength=0.8,
        columnspacing=0.8,
        labelspacing=0.2,
    )


def _draw_areas(
    panel: Axes, scores: pd.DataFrame, stages: list[str], colors: dict[str, Any]
) -> None:
    offsets = np.linspace(-0.3, 0.3, len(colors))
    for offset, (part, color) in zip(offsets, colors.items(), strict=True):
        found = scores[scores["part"] == part].set_index("stage").reindex(stages)
        reach = [found["auc"] - found["auc_low"], found["auc_high"] - found["auc"]]
        places = np.arange(len(stages)) + offset
        panel.errorbar(places, found["auc"], reach, fmt="o", color=color, elinewidth=0.8)
    panel.axhline(0.5, linestyle=":", color="0.5", linewidth=0.6)
    panel.set_xticks(range(len(stages)), [_stage_name(stage) for stage in stages])


def _stage_name(stage: str) -> str:
    return "all stages" if stage == "all" else stage


def _sample(agreement: pd.DataFrame) -> str:
    """Whose answers, how the model chose, how many; for the small print."""
    first = agreement.iloc[0]
    whole = agreement[(agreement["part"] == "all") & (agreement["confidence"] == "all")]
    counts = ", ".join(
        f"{row.stage} {row.n_responses} on {row.n_units}" for row in whole.itertuples()
    )
    return (
        f"{first['condition']}, people's answers on units: {counts} · margin by "
        f"{style.metric_name(first['backbone'])}, input scaled {first['input_scaling']}, sides: "
        f"{first['sides']}, pool: {first['pool']} · bars: 95 % of resamples of the units · "
        f"{style.weights_note(agreement.rename(columns={'backbone': 'model'}))}"
    )
