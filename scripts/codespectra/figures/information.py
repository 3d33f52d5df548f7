"""Information that layers of deep dropout networks keep of their input (A-supp fig. 1)."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from codespectra.figures import style
from codespectra.theory.retention import KINDS, TRAINED_WITH, TRAINED_WITHOUT, UNTRAINED, over_seeds

NAMES = {
    TRAINED_WITH: "trained with dropout",
    TRAINED_WITHOUT: "trained without",
    UNTRAINED: "untrained",
}


def draw_information(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Bits of the input against layer, a colour a kind, and the estimator on known information.

    Args:
        inputs: information (a row a kind, seed and layer), information_checks (a row a pair of
            Gaussians).
        cfg: study, information (the config of networks and estimator, for the small print).
    """
    table, checks, settings = (
        inputs["information"],
        inputs["information_checks"],
        cfg["information"],
    )
    figure, (left, right) = plt.subplots(1, 2, figsize=(style.PAGE, 2.7), width_ratios=(3, 2))
    _draw_layers(left, table)
    _draw_checks(right, checks)
    sns.despine(figure)
    style.credit(
        figure,
        f"{cfg['study']} · {settings['depth']} hidden layers of {settings['width']}, dropout "
        f"{settings['dropout']:g} on in all networks while measured, input N(0, I) in "
        f"{settings['inputs']} dimensions · n = {table['seed'].nunique()} seeds (thin), their "
        "median (thick) and Student's 95 % interval of the mean (shaded) · MINE, a lower bound: "
        f"width {settings['estimator_width']}, {settings['estimator_steps']} steps of "
        f"{settings['estimator_batch']} · {table['diverged'].sum()} of {len(table)} estimates "
        "diverged (left out)",
    )
    return figure, pd.concat([table.assign(panel="networks"), checks.assign(panel="check")])


def _draw_layers(panel: Axes, table: pd.DataFrame) -> None:
    means = over_seeds(table).groupby("kind")
    for kind, color, marker in zip(KINDS, sns.color_palette(), "osD", strict=False):
        for _, run in table[table["kind"] == kind].groupby("seed"):
            panel.plot(run["layer"], run["bits"], color=color, linewidth=0.4, alpha=0.7)
        summary = means.get_group(kind).sort_values("layer")
        panel.fill_between(
            summary["layer"], summary["low"], summary["high"], color=color, alpha=0.2, linewidth=0
        )
        panel.plot(
            summary["layer"],
            summary["median"],
            marker=marker,
            color=color,
            linewidth=1.4,
            label=NAMES[kind],
        )
    panel.axhline(0, color="0.5", linewidth=0.6, zorder=0)
    panel.set(
        xlabel="hidden layer",
        ylabel="information on the input (bits)",
        xticks=np.unique(table["layer"]),
    )
    panel.legend(frameon=False)


def _draw_checks(panel: Axes, checks: pd.DataFrame) -> None:
    exact = checks["true_bits"]
    panel.plot(exact, exact, "--", color="0.5", linewidth=0.8, label="exact")
    panel.plot(exact, checks["bits"], "o", color="black", label="MINE")
    panel.set(
        xlabel="exact information of Gaussians (bits)", ylabel="estimate (bits)", aspect="equal"
    )
    panel.legend(frameon=False)
