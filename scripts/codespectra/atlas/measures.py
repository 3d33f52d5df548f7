"""Numbers of every direction, from the tables of scores and of the interpretability study."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from codespectra.experiments.further_options import NAMES
from codespectra.interpretability.parts import ALL

# States of a direction, by their numbers in shards.
STATES = ["live", "rare", "dead"]
NEURONS = "neurons"
# Of a direction's place in the spectrum.
PLACES = ["variance_share", "ranks_1_10", "ranks_11_50", "ranks_51_200", "mean_rank"]

Tables = dict[str, pd.DataFrame]


def index_columns(scores: pd.DataFrame, count: int) -> dict[str, Any]:
    """States of a method's directions in one layer, and by metric their II with its interval.

    Args:
        scores: rows of `scores` of the layer and method.
        count: of the directions, K.
    """
    scores = scores[scores["part"] == ALL]
    states = scores.drop_duplicates("direction").set_index("direction")["state"]
    columns = {"state": states.map(STATES.index).reindex(range(count)).to_numpy(np.uint8)}
    return columns | {
        "scores": {
            metric: {name: _by_direction(rows, name, count) for name in ("ii", "low", "high")}
            | {"sign": _by_direction(rows, "sign", count).astype(np.int8)}
            for metric, rows in scores.groupby("metric", sort=False)
        }
    }


def part_columns(scores: pd.DataFrame, count: int) -> dict[str, Any]:
    """By metric of several parts, such as a backbone's layers: their names, and II (K, parts)."""
    return {
        metric: {
            "names": list(rows["part"].unique()),
            "ii": rows.pivot(index="direction", columns="part", values="ii")
            .reindex(range(count))[rows["part"].unique()]
            .to_numpy(np.float64),
        }
        for metric, rows in scores[scores["part"] != ALL].groupby("metric", sort=False)
    }


def place_columns(tables: Tables, layer: str, method: str, count: int) -> dict[str, Any]:
    """Of a method's directions in one layer: their places in the spectrum, and on the map."""
    rows = tables["places"]
    rows = rows[(rows["layer"] == layer) & (rows["method"] == method)]
    places = {name: _by_direction(rows, name, count) for name in PLACES}
    return {"places": places, "map": {name: _by_direction(rows, name, count) for name in "xy"}}


def _by_direction(rows: pd.DataFrame, column: str, count: int) -> np.ndarray:
    return rows.set_index("direction")[column].reindex(range(count)).to_numpy(np.float64)


def other_measures(tables: Tables, layer: str, method: str, count: int) -> dict[str, np.ndarray]:
    """More numbers of the same directions (K,) by their names; nan where there is none."""
    found = {}
    for name, rows, column in _measures(tables, method):
        own = rows[rows["layer"] == layer]
        if len(own):
            found[name] = _by_direction(own, column, count)
    return found


def _measures(tables: Tables, method: str) -> Iterator[tuple[str, pd.DataFrame, str]]:
    """Name of each measure, its rows, and the column that holds it."""
    if "psychophysics" in tables:
        table = tables["psychophysics"]
        table = table[table["method"] == method]
        for (metric, difficulty), rows in table.groupby(["metric", "difficulty"], sort=False):
            yield f"accuracy ({metric}, difficulty {difficulty:g})", rows, "accuracy"
    if "further" in tables:
        table = tables["further"]
        table = table[table["method"] == method]
        for (metric, score), rows in table.groupby(["metric", "score"], sort=False):
            yield f"{NAMES.get(score, score)} ({metric})", rows, "value"
    if "manifold_units" in tables:
        table = tables["manifold_units"]
        table = table[table["method"] == method].drop_duplicates(["layer", "direction"])
        yield "spread on the map", table, "spread"
    if method == NEURONS and "coactivation" in tables:
        for stage, rows in tables["coactivation"].groupby("stage", sort=False):
            rows = rows.drop_duplicates(["layer", "direction"])
            yield f"co-activation ({stage} ReLU)", rows, "coactivation"
    if method == NEURONS and "synergy_units" in tables:
        for metric, rows in tables["synergy_units"].groupby("metric", sort=False):
            yield f"best synergy ({metric})", rows, "best_synergy"
