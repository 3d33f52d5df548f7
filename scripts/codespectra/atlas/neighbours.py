"""Which directions of a layer are alike, by responses or images, and which units they are made of.

Places of methods are those among the methods of the layer.
"""

import numpy as np
from scipy.sparse import csr_array

from codespectra.atlas.measures import NEURONS
from codespectra.directions.directions import Directions
from codespectra.directions.read_out import unit_rows
from codespectra.statistics.z_scores import standardised

NEAREST = 6
# Units that a direction's vector is mostly made of, and directions that a unit loads on most.
LOADED = 8

Near = dict[str, np.ndarray]


def nearest(methods: dict[str, Directions], top: dict[str, np.ndarray]) -> dict[str, Near]:
    """Of each method's K directions, those nearest in the layer.

    Args:
        methods: all directions of the layer.
        top: their most exciting images (K, m), as many of each as the index counts.

    Returns:
        By method; `own`, `others` and `sharing` say which, (K, 6) each: `_method`, the place of its
        method in `methods`, `_direction`, and `_value`. `own` and `others` have the highest
        absolute correlation of responses within the method and outside it, `sharing` most exciting
        images in common. The value is 0 where nothing is near.
    """
    scaled = {name: standardised(found.responses) for name, found in methods.items()}
    count = len(next(iter(scaled.values())))
    shown = {name: _incidence(images, count) for name, images in top.items()}
    tables = {}
    for name in methods:
        correlations = {b: scaled[name].T @ other / count for b, other in scaled.items()}
        np.fill_diagonal(correlations[name], 0)
        shared = {b: (shown[name] @ other.T).toarray() for b, other in shown.items()}
        np.fill_diagonal(shared[name], 0)
        own = {name: correlations[name]}
        others = {b: values for b, values in correlations.items() if b != name}
        tables[name] = {
            f"{relation}_{part}": values
            for relation, table in (("own", own), ("others", others), ("sharing", shared))
            for part, values in _highest(table, [*methods]).items()
        }
        tables[name]["sharing_value"] = tables[name]["sharing_value"].astype(int)
    return tables


def loadings(methods: dict[str, Directions]) -> dict[str, Near]:
    """Weights of units in the vectors of a layer's directions, at unit length, both ways.

    Returns:
        By method; of `neurons`, the directions of other methods in which each unit (D,) has the
        highest absolute weight: loads_method, loads_direction, loads_value, (D, 8). Of any other,
        the units of highest absolute weight in each direction and these weights: units, weights,
        (K, 8).
    """
    vectors = {name: unit_rows(found.vectors) for name, found in methods.items()}
    units = vectors.pop(NEURONS, None)
    tables = {name: _units_of(found) for name, found in vectors.items()}
    if units is not None and vectors:
        best = _highest({name: own.T for name, own in vectors.items()}, [*methods], LOADED)
        tables[NEURONS] = {f"loads_{part}": values for part, values in best.items()}
    return tables


def _units_of(vectors: np.ndarray) -> Near:
    units = np.argsort(-np.abs(vectors), axis=1, kind="stable")[:, :LOADED]
    return {"units": units, "weights": np.take_along_axis(vectors, units, axis=1)}


def _incidence(images: np.ndarray, count: int) -> csr_array:
    """Which images each direction has, (K, N)."""
    width = images.shape[1]
    starts = np.arange(0, images.size + 1, width)
    return csr_array((np.ones(images.size), images.ravel(), starts), (len(images), count))


def _highest(tables: dict[str, np.ndarray], methods: list[str], most: int = NEAREST) -> Near:
    """Of tables (K, K') by method the entries highest in absolute value, over all of them."""
    best: list[np.ndarray] = []
    for name, values in tables.items():
        count = min(most, values.shape[1])
        columns = np.argsort(-np.abs(values), axis=1, kind="stable")[:, :count]
        kept = np.take_along_axis(values, columns, axis=1)
        best.append(np.stack([np.full_like(columns, methods.index(name)), columns, kept]))
    if not best:
        return {}
    found = np.concatenate(best, axis=2)
    order = np.argsort(-np.abs(found[2]), axis=1, kind="stable")[:, :most]
    method, direction, value = (np.take_along_axis(part, order, axis=1) for part in found)
    return {"method": method.astype(int), "direction": direction.astype(int), "value": value}
