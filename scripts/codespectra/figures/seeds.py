"""Networks that only their seeds tell apart, drawn together: a thin line each, thick their mean.

What they share is the column `base` of their tables.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

THIN = {"linewidth": 0.3, "alpha": 0.5}


def with_base(table: pd.DataFrame, cfg: Mapping[str, Any]) -> pd.DataFrame:
    """A copy of a table with the column `base`: what each `model` shares with its other seeds.

    Without other seeds it is the model itself. `bases` of the config names that of each network.
    """
    return table.assign(base=table["model"].replace(cfg.get("bases", {})))


def seeds_note(table: pd.DataFrame) -> str:
    """How networks of several seeds are drawn, for the small print; empty if there are none."""
    counts = table.groupby("base", sort=False)["model"].nunique()
    several = ", ".join(f"{base} {count}" for base, count in counts.items() if count > 1)
    return f" · networks of several seeds ({several}): thin, their mean thick" if several else ""


def draw_each(panel: Axes, networks: pd.DataFrame, x: str, y: str, **look: Any) -> pd.Series:
    """A thin line for each `model` of a table where there are several; their mean by `x`."""
    curves = list(networks.groupby("model", sort=False))
    for _, curve in curves if len(curves) > 1 else ():
        panel.plot(curve[x], curve[y], **THIN, **look)
    return networks.groupby(x)[y].mean()
