"""Which reductions made rows of numbers of the activations that tables are of."""

from collections.abc import Mapping
from typing import Any

import pandas as pd


def reductions_in_words(tables: Mapping[str, Any]) -> str:
    """`stride`, or `stride (exponents), none (action)`; empty where no table is of activations.

    Args:
        tables: by kind; what is no table, or has no column `reduction`, is passed over, and so is
            a row without one.
    """
    kinds: dict[str, str] = {}
    for kind, table in tables.items():
        if isinstance(table, pd.DataFrame) and "reduction" in table:
            for reduction in filter(None, table["reduction"].unique()):
                kinds.setdefault(reduction, kind)
    if len(kinds) == 1:
        return next(iter(kinds))
    return ", ".join(f"{reduction} ({kind})" for reduction, kind in kinds.items())
