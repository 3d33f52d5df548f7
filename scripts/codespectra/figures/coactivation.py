"""II against how much a unit is active with the others, before and after its ReLU (B fig. 10 C)."""

import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from codespectra.claims.measures.manifold import STAGES
from codespectra.figures import style
from codespectra.figures.manifold import draw_index_against


def draw_coactivation(
    table: pd.DataFrame, study: str, metric: str, resampling: dict[str, int]
) -> Figure:
    """A row a layer, a column a stage; empty where a layer has no ReLU of its own.

    Args:
        table: layer, stage, direction, coactivation, metric, ii.
        study: the study's name.
        metric: whose II the dots show.
        resampling: resamples and seed of the intervals.
    """
    layers = table["layer"].unique()
    figure, axes = plt.subplots(
        len(layers),
        len(STAGES),
        figsize=(style.PAGE, 0.6 + 2.2 * len(layers)),
        sharex=True,
        squeeze=False,
    )
    for row, layer in zip(axes, layers, strict=True):
        for panel, (stage, name) in zip(row, STAGES.items(), strict=True):
            units = table[(table["layer"] == layer) & (table["stage"] == stage)]
            if units.empty:
                panel.set_visible(False)
                continue
            title = f"{layer}, {name}"
            draw_index_against(panel, title, units, "coactivation", metric, resampling)
            panel.set_xlabel("correlation with the mean of the other units")
            panel.tick_params(labelbottom=True)
    sns.despine(figure)
    first = table.iloc[0]
    live = table.dropna(subset="ii").drop_duplicates(["layer", "stage", "direction"])
    sizes = live.groupby(["layer", "stage"], sort=False).size()
    units = ", ".join(f"{layer} {STAGES[stage]} {n}" for (layer, stage), n in sizes.items())
    style.credit(
        figure,
        f"{study} · {first['model']} on {first['stimuli']}, n = {first['stimulus_count']}, "
        f"M = {first['m']} · {style.weights_note(table)} · live units: {units} · II of units by "
        "the stage's own responses · ρ: Spearman, 95 % bootstrap interval over units",
    )
    return figure
