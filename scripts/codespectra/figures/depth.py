"""A measure of each layer against depth, one line a run."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer

# Of the runs in one panel, in order.
MARKERS = "osD^v"


def draw_over_depth(
    panel: Axes, run: pd.DataFrame, column: str, index: int, *, shift: float = 0, **look: Any
) -> ErrorbarContainer:
    """A column of one run against depth, with bars from `column`_low to `column`_high.

    Args:
        panel: to draw in.
        run: a row a layer.
        column: to draw.
        index: of the run, which gives its marker.
        shift: to the right, in layers.
        look: of matplotlib's errorbar.
    """
    reach = [run[column] - run[f"{column}_low"], run[f"{column}_high"] - run[column]]
    # Means of skewed draws may lie beyond their quantiles.
    return panel.errorbar(
        run["depth"] + shift,
        run[column],
        yerr=np.array(reach).clip(min=0),
        marker=MARKERS[index % len(MARKERS)],
        **look,
    )
