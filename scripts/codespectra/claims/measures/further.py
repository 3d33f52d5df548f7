"""How further scores agree with the index, and whether K-Means' gain holds by them (our own)."""

from collections.abc import Iterator

import pandas as pd

from codespectra.claims.measures.tables import Measure, Tables, by_scope
from codespectra.experiments.further_options import MIS, MONOSEMANTICITY
from codespectra.interpretability.parts import ALL
from codespectra.statistics.evidence import (
    Evidence,
    Moments,
    cohens_d,
    compare_groups,
    rank_correlation,
)

DIRECTION = ["model", "stimuli", "layer", "method", "metric", "direction"]


def index_and(score: str) -> Measure:
    """Measure: rank correlation of the II and a score over a layer's units, by the same metric.

    Its interval is a bootstrap over units; these share images, so that it is rather narrow.
    """

    def measure(tables: Tables) -> Iterator[Evidence]:
        own = tables.further[tables.further["score"] == score]
        index = tables.scores[tables.scores["part"] == ALL]
        both = own.merge(index[[*DIRECTION, "ii"]], on=DIRECTION, validate="one_to_one")
        units = both[both["method"] == "neurons"]
        for scope, rows in by_scope(units, ["layer", "metric"], tables.trained):
            values = rows["ii"].to_numpy(), rows["value"].to_numpy()
            yield rank_correlation(scope, *values, **tables.resampling)

    return measure


def kmeans_over_neurons(tables: Tables) -> Iterator[Evidence]:
    """MIS and monosemanticity of each K-Means against neurons', by metrics that have both.

    Variances over directions and over images, by groups of them, add up.
    """
    keys = ["layer", "metric", "score"]
    embedded = tables.further.loc[tables.further["score"] == MONOSEMANTICITY, "metric"].unique()
    asked = tables.further["score"].isin((MIS, MONOSEMANTICITY))
    chosen = tables.further[asked & tables.further["metric"].isin(embedded)]
    draws = dict(iter(tables.further_resampled.groupby(["model", "stimuli", *keys])))
    for scope, rows in by_scope(chosen, keys, tables.trained):
        moments = draws[tuple(rows[["model", "stimuli", *keys]].iloc[0])]
        values = {name: own["value"].to_numpy() for name, own in rows.groupby("method", sort=False)}
        for name in values:
            if name.split("-")[0] == "kmeans":
                pair = name, "neurons"
                yield compare_groups(
                    scope.at(compared=f"{name} against neurons"),
                    *(values[method] for method in pair),
                    image_draws=cohens_d(*(_moments(moments, method) for method in pair)),
                    image_groups=int(rows["image_groups"].iloc[0]),
                    **tables.resampling,
                )


def _moments(draws: pd.DataFrame, method: str) -> Moments:
    """Of a method's live directions on each subsample of the images."""
    own = draws[draws["method"] == method].sort_values("draw")
    return Moments(own["mean"].to_numpy(), own["variance"].to_numpy(), own["count"].iloc[0])
