"""What experiments show of single directions: drawn trials, best partners, the map of images."""

from typing import Any

import numpy as np
import pandas as pd

from codespectra.atlas.measures import NEURONS, Tables
from codespectra.statistics.ranking import strongest
from codespectra.statistics.z_scores import standardised

Rows = list[dict[str, Any]]


def examples_of(
    tables: Tables, layer: str, method: str, responses: np.ndarray, m: int
) -> dict[str, Any]:
    """What the tables of a run show of a method's directions in a layer, K in all.

    Args:
        responses: of all stimuli, (N, K).
        m: images that the index counts.

    Returns:
        trials: of psychophysics, with the images of each; partners: by metric the unit (K,) that
            adds most to each, -1 where there is none, and the images (K, m) that excite the pair's
            sum most. What the tables lack is left out.
    """
    found: dict[str, Any] = {}
    if "trial" in tables:
        table = tables["trial"]
        found["trials"] = _trials(table[(table["layer"] == layer) & (table["method"] == method)])
    if method == NEURONS and "synergy_units" in tables:
        table = tables["synergy_units"]
        found["partners"] = _partners(table[table["layer"] == layer], responses, m)
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


def _partners(table: pd.DataFrame, responses: np.ndarray, m: int) -> dict[str, dict[str, Any]]:
    scores = np.ascontiguousarray(standardised(responses).T)
    found = {}
    for metric, rows in table.groupby("metric", sort=False):
        partners = rows.set_index("direction")["best_partner"]
        partners = partners.reindex(range(len(scores)), fill_value=-1).to_numpy(int)
        sums = strongest(scores + scores[partners], m)
        found[metric] = {"units": partners, "images": sums}
    return found


def _plain(rows: pd.DataFrame) -> Rows:
    """Rows as JSON has them: an empty number is null."""
    return rows.astype(object).where(rows.notna(), None).to_dict("records")
