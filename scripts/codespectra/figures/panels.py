"""Parts of panels that several figures have: a measure against depth, a curve, rows of images."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer

from codespectra.figures import style
from codespectra.figures.seeds import draw_each

# Of the runs in one panel, in order.
MARKERS = "osD^v"


def draw_over_depth(
    panel: Axes, run: pd.DataFrame, column: str, index: int, *, shift: float = 0, **look: Any
) -> ErrorbarContainer:
    """A column of one run against depth, with bars from `column`_low to `column`_high.

    Of networks of several seeds the mean with the mean of their bars, and a thin line each.

    Args:
        panel: to draw in.
        run: a row a layer and network (`model`).
        column: to draw.
        index: of the run, which gives its marker.
        shift: to the right, in layers.
        look: of matplotlib's errorbar.
    """
    mean = run.groupby("depth")[[column, f"{column}_low", f"{column}_high"]].mean()
    middle, low, high = (mean[name].to_numpy() for name in mean)
    bars = panel.errorbar(
        mean.index + shift,
        middle,
        yerr=style.reaches(middle, low, high),
        marker=MARKERS[index % len(MARKERS)],
        **look,
    )
    shifted = run.assign(depth=run["depth"] + shift)
    draw_each(panel, shifted, "depth", column, color=bars.lines[0].get_color())
    return bars


def main_axes(curve: np.ndarray) -> np.ndarray:
    """A curve (n, 3) along its two main axes, (n, 2), scaled so that the largest is 1."""
    centred = curve - curve.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    flat = centred @ axes[:2].T
    return flat / np.abs(flat).max()


def draw_image_rows(panel: Axes, rows: list[list[np.ndarray]], labels: list[str]) -> None:
    """Draw equally long rows of uint8 images (H, W, 3), each with a label to its left."""
    framed = [np.concatenate([_framed(image) for image in row], axis=1) for row in rows]
    panel.imshow(np.concatenate(framed), interpolation="nearest")
    height = len(framed[0])
    panel.set_yticks([height * (index + 0.5) for index in range(len(rows))], labels)
    panel.set_xticks([])
    panel.tick_params(length=0)
    style.despine(panel, "left", "bottom")


def _framed(image: np.ndarray) -> np.ndarray:
    return np.pad(image, ((1, 1), (1, 1), (0, 0)), constant_values=255)
