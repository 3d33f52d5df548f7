"""Information that layers of deep dropout networks keep of their input (A-supp fig. 1)."""

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from codespectra.figures import style
from codespectra.theory.retention import (
    INFO_NCE,
    KINDS,
    MINE,
    NEAR_CEILING,
    TRAINED_WITH,
    TRAINED_WITHOUT,
    UNTRAINED,
    over_seeds,
)

NAMES = {
    TRAINED_WITH: "trained with dropout",
    TRAINED_WITHOUT: "trained without",
    UNTRAINED: "untrained",
}

CIRCLE = {"markersize": 6, "markeredgewidth": 0.6}


def draw_information(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Bits of the input against layer, a panel an estimator, and both on known information.

    Args:
        inputs: information (a row an estimator, kind, seed and layer), information_checks (a row
            an estimator and pair of Gaussians).
        cfg: study, information (the config of networks and estimator, for the small print).
    """
    table, checks, settings = (
        inputs["information"],
        inputs["information_checks"],
        cfg["information"],
    )
    figure, panels = plt.subplots(1, 3, figsize=(style.PAGE, 2.7))
    panels[1].sharey(panels[0])
    for panel, name in zip(panels, (MINE, INFO_NCE), strict=False):
        _draw_layers(panel, table[table["estimator"] == name])
        panel.set_title(name)
    panels[0].legend(frameon=False)
    _draw_checks(panels[2], checks)
    style.despine(figure)
    near = table.loc[table["estimator"] == INFO_NCE, "near_ceiling"].sum()
    style.credit(
        figure,
        f"{cfg['study']} · {settings['depth']} hidden layers of {settings['width']}, dropout "
        f"{settings['dropout']:g} on in all networks while measured, input N(0, I) in "
        f"{settings['inputs']} dimensions · n = {table['seed'].nunique()} seeds (thin), their "
        "median (thick) and Student's 95 % interval of the mean (shaded) · two lower bounds from "
        f"the same samples: width {settings['estimator_width']}, {settings['estimator_steps']} "
        f"steps of {settings['estimator_batch']}, half as many for InfoNCE, which is at most log2 "
        f"{settings['estimator_contrast']} bits (dotted): this binds above {NEAR_CEILING:.0%} of "
        f"it (circled: {near} of the networks' estimates) · "
        f"{table['diverged'].sum()} of {len(table)} estimates diverged (left out)",
    )
    return figure, pd.concat([table.assign(panel="networks"), checks.assign(panel="check")])


def _draw_layers(panel: Axes, table: pd.DataFrame) -> None:
    means = over_seeds(table).groupby("kind")
    for kind, color, marker in zip(KINDS, style.COLOURS, "osD", strict=False):
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
    _open_near_ceiling(panel, table, "layer")
    panel.axhline(0, color="0.5", linewidth=0.6, zorder=0)
    panel.set(
        xlabel="hidden layer",
        ylabel="information on the input (bits)",
        xticks=np.unique(table["layer"]),
    )


def _open_near_ceiling(panel: Axes, table: pd.DataFrame, x: str) -> None:
    """Mark the ceiling of an estimator that has one, and its estimates that are near it."""
    near = table[table["near_ceiling"]]
    panel.plot(near[x], near["bits"], "o", fillstyle="none", color="black", **CIRCLE)
    for ceiling in table["ceiling_bits"].dropna().unique():
        panel.axhline(ceiling, color="black", linestyle=":", linewidth=0.8)


def _draw_checks(panel: Axes, checks: pd.DataFrame) -> None:
    exact = checks["true_bits"]
    panel.plot(exact, exact, "--", color="0.5", linewidth=0.8, label="exact")
    for name, look in ((MINE, "o"), (INFO_NCE, "^")):
        own = checks[checks["estimator"] == name]
        panel.plot(own["true_bits"], own["bits"], look, label=name)
    _open_near_ceiling(panel, checks, "true_bits")
    panel.set(
        xlabel="exact information of Gaussians (bits)", ylabel="estimate (bits)", aspect="equal"
    )
    panel.legend(frameon=False)
