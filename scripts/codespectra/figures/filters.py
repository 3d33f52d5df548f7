"""Eigenvectors of layers' covariance as RGB filters of the input (A fig. 3 d)."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from codespectra.figures import style
from codespectra.files.hdf5_files import open_hdf5


def draw_filters(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """A row a run, layer and kind, a column a rank; grey is zero, each panel at its own scale.

    Args:
        inputs: filters (a row a panel; a missing scale leaves it empty), and data: a file a run in
            the same order, with pictures (ranks, H, W, 3) at `layer/kind`.
        cfg: study.
    """
    table = inputs["filters"]
    rows = list(table.groupby(["model", "stimuli", "layer", "kind"], sort=False))
    pictures = _read_pictures(table, inputs["data"])
    ranks = table["rank"].unique()
    figure, axes = plt.subplots(
        len(rows),
        len(ranks),
        figsize=(style.PAGE, 0.6 + 0.98 * len(rows)),
        squeeze=False,
    )
    for line, ((model, stimuli, layer, kind), panels), filters in zip(
        axes, rows, pictures, strict=True
    ):
        for panel, picture, told in zip(line, filters, panels.itertuples(), strict=True):
            _draw_filter(panel, picture, told)
        line[0].set_ylabel(
            f"{model} on {stimuli}\n{layer}\n{kind}", rotation=0, ha="right", va="center"
        )
    for panel, rank in zip(axes[0], ranks, strict=True):
        panel.set_title(f"component {rank}")
    sizes = table[["stimuli", "stimulus_count", "image_count"]].drop_duplicates()
    counts = ", ".join(
        f"{row.stimuli} n = {row.stimulus_count} (gradients: {row.image_count})"
        for row in sizes.itertuples()
    )
    style.credit(
        figure,
        f"{cfg['study']} · {counts} · {style.weights_note(table)}\n"
        "grey: zero; each panel at its own scale; number: mean spatial frequency in cycles a side, "
        "folded at the layer's own grid; empty: no such component",
    )
    return figure, table


def _read_pictures(table: pd.DataFrame, files: list[str]) -> list[np.ndarray]:
    pictures = []
    runs = table.groupby(["model", "stimuli"], sort=False)
    for (_, run), path in zip(runs, files, strict=True):
        with open_hdf5(path) as file:
            rows = run[["layer", "kind"]].drop_duplicates()
            pictures += [file[f"{row.layer}/{row.kind}"][:] for row in rows.itertuples()]
    return pictures


def _draw_filter(panel: Axes, picture: np.ndarray, told: Any) -> None:
    """One filter around grey, its spatial frequency below."""
    panel.set(xticks=[], yticks=[])
    for spine in panel.spines.values():
        spine.set_visible(False)
    if told.scale > 0:
        panel.imshow(0.5 + 0.5 * picture / told.scale, interpolation="nearest", vmin=0, vmax=1)
        panel.set_xlabel(f"{told.folded_frequency_cycles_per_side:.2g}", labelpad=1, fontsize=6)
