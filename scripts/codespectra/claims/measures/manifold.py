"""Rank correlations of the II with spread on the map (B fig. 6) and co-activation (B fig. 10).

Each interval is a bootstrap over directions; these share images, so that it is rather narrow.
"""

from collections.abc import Iterator

import pandas as pd

from codespectra.claims.measures.tables import Tables, by_scope
from codespectra.claims.scope import Scope
from codespectra.statistics.evidence import Evidence, rank_correlation

# The values of `stage`, in words.
STAGES = {"pre": "before ReLU", "post": "after ReLU"}


def stage_names(coactivation: pd.DataFrame) -> pd.Series:
    """The stage of each row in words: `output` where the layer doesn't end in a ReLU."""
    layer = [coactivation["model"], coactivation["layer"]]
    ends_in_relu = coactivation["stage"].eq("pre").groupby(layer).transform("any")
    return coactivation["stage"].map(STAGES).where(ends_in_relu, "output")


def spread_and_index(tables: Tables) -> Iterator[Evidence]:
    """Rank correlation of a direction's II with the spread of its images on the map.

    The map's own metric built it, so that its II is partly the same number; the other metrics tell
    more.
    """
    keys = ["layer", "method", "metric"]
    for scope, units in by_scope(tables.manifold_units, keys, tables.trained):
        own = units["metric"].iloc[0] == units["map_metric"].iloc[0]
        where = scope.at(built_in="built in: the map's own metric" if own else "")
        yield _correlate(where, units, "spread", tables)


def coactivation_and_index(tables: Tables) -> Iterator[Evidence]:
    """Rank correlation of a unit's II with its activity's correlation to the other units'."""
    named = tables.coactivation.assign(stage=stage_names(tables.coactivation))
    for scope, units in by_scope(named, ["layer", "stage", "metric"], tables.trained):
        yield _correlate(scope, units, "coactivation", tables)


def _correlate(scope: Scope, units: pd.DataFrame, column: str, tables: Tables) -> Evidence:
    """Spearman's rho of II with a column over units."""
    values, ii = units[column].to_numpy(), units["ii"].to_numpy()
    return rank_correlation(scope, values, ii, **tables.resampling)
