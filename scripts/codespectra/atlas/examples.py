"""What experiments show of single directions: a drawn trial, pairs of units, the map of images."""

from typing import Any

import numpy as np
import pandas as pd

from codespectra.atlas.measures import NEURONS, Tables

Rows = list[dict[str, Any]]


def examples_of(tables: Tables, layer: str, method: str, count: int) -> dict[str, Any]:
    """What the tables of a run show of a method's directions in a layer, K in all.

    Returns:
        trials: of psychophysics, with the images of each; partners: by metric the unit (K,) that
            adds most to each, -1 where there is none; pairs: the layer's best, with their images.
            What the tables lack is left out.
    """
    found: dict[str, Any] = {}
    if "trial" in tables:
        table = tables["trial"]
        found["trials"] = _trials(table[(table["layer"] == layer) & (table["method"] == method)])
    if method == NEURONS and "synergy_units" in tables:
        table = tables["synergy_units"]
        found["partners"] = _partners(table[table["layer"] == layer], count)
    if method == NEURONS and "synergy_images" in tables:
        table = tables["synergy_images"]
        found["pairs"] = _pairs(table[table["layer"] == layer])
    return found


def image_map(tables: Tables, layer: str) -> dict[str, Any] | None:
    """Images of a layer at their places on its map, and the metric that made it."""
    if "manifold_images" not in tables:
        return None
    rows = tables["manifold_images"]
    rows = rows[rows["layer"] == layer]
    columns = {name: rows[name].to_numpy() for name in ("image", "x", "y")}
    return {"metric": rows["map_metric"].iloc[0], **columns}


def _trials(table: pd.DataFrame) -> Rows:
    keys = ["metric", "direction", "difficulty"]
    shown = ["role", "image", "response", "rank", "chosen"]
    return [
        dict(zip(keys, key, strict=True)) | {"images": _plain(rows[shown])}
        for key, rows in table.groupby(keys, sort=False)
    ]


def _partners(table: pd.DataFrame, count: int) -> dict[str, np.ndarray]:
    return {
        metric: rows.set_index("direction")["best_partner"]
        .reindex(range(count), fill_value=-1)
        .to_numpy(int)
        for metric, rows in table.groupby("metric", sort=False)
    }


def _pairs(table: pd.DataFrame) -> Rows:
    keys = ["metric", "a", "b", "synergy"]
    return [
        dict(zip(keys, key, strict=True))
        | {"images": {role: list(own["image"]) for role, own in rows.groupby("role", sort=False)}}
        for key, rows in table.groupby(keys, sort=False)
    ]


def _plain(rows: pd.DataFrame) -> Rows:
    """Rows as JSON has them: an empty number is null."""
    return rows.astype(object).where(rows.notna(), None).to_dict("records")
