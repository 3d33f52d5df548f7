"""Exponents against the size of networks, which paper A's discussion asks for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from codespectra.figures import style
from codespectra.figures.seeds import with_base
from codespectra.files.manifests import read_manifest
from codespectra.statistics.intervals import normal_interval


def draw_size(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Mean and largest exponent of each run's layers against the network's number of parameters.

    Args:
        inputs: exponents, bootstrap; checkpoints: a manifest a model.
        cfg: study.
    """
    exponents = with_base(inputs["exponents"], cfg)
    sizes = {Path(path).stem: read_manifest(path)["parameters"] for path in inputs["checkpoints"]}
    table = pd.DataFrame(_rows(exponents, inputs["bootstrap"], sizes))
    figure, panel = plt.subplots(figsize=(style.COLUMN, 2.6))
    for (statistic, stimuli), runs in table.groupby(["statistic", "stimuli"], sort=False):
        reach = style.reaches(runs["alpha"], runs["low"], runs["high"])
        look = {"fmt": "o", "elinewidth": 0.8, "label": f"{statistic}, {stimuli}"}
        panel.errorbar(runs["parameters"] / 1e6, runs["alpha"], yerr=reach, **look)
    named = table[table["statistic"] == table["statistic"].iloc[0]]
    for (base, _stimuli), runs in named.groupby(["base", "stimuli"], sort=False):
        where = {"xytext": (3, 0), "textcoords": "offset points", "va": "center"}
        place = runs["parameters"].iloc[0] / 1e6, runs["alpha"].mean()
        panel.annotate(base, place, fontsize=6, **where)
    panel.axhline(-1, linestyle="--", color="0.5", linewidth=0.8)
    panel.set(xlabel="parameters (millions)", ylabel="power-law exponent α")
    panel.margins(x=0.15)
    panel.legend(frameon=False)
    style.despine(panel)
    notes = cfg["study"], style.stimuli_note(exponents), "bars: 95 % intervals, layers together"
    style.credit(figure, f"{' · '.join(notes)}\n{style.weights_note(exponents)}")
    return figure, table


def _rows(
    exponents: pd.DataFrame, bootstrap: pd.DataFrame, sizes: dict[str, int]
) -> Iterator[dict[str, Any]]:
    for (model, stimuli), run in exponents.groupby(["model", "stimuli"], sort=False):
        drawn = bootstrap[(bootstrap["model"] == model) & (bootstrap["stimuli"] == stimuli)]
        draws = drawn.pivot(index="draw", columns="depth", values="alpha").to_numpy()
        where = run.iloc[0][["base", "model", "weights", "stimuli", "reduction"]].to_dict()
        where |= {"parameters": sizes[model], "layers": len(run)}
        for statistic, of in (("mean over depth", np.mean), ("largest", np.max)):
            alpha = float(of(run["alpha"].to_numpy()))
            low, high = normal_interval(alpha, of(draws, axis=1))
            yield where | {"statistic": statistic, "alpha": alpha, "low": low, "high": high}
