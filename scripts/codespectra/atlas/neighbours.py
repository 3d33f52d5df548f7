"""Which directions of a layer are alike: by their responses, and by the images they share."""

import numpy as np
from scipy.sparse import csr_array

from codespectra.directions.directions import Directions

NEAREST = 6
# Units of whose weights a direction's vector is mostly made.
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
    scaled = {name: _standardised(found.responses) for name, found in methods.items()}
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


def loadings(found: Directions) -> Near:
    """Units of the highest absolute weight in each vector, (K, 8), and these weights."""
    count = min(LOADED, found.vectors.shape[1])
    units = np.argsort(-np.abs(found.vectors), axis=1, kind="stable")[:, :count]
    return {"units": units, "weights": np.take_along_axis(found.vectors, units, axis=1)}


def _standardised(responses: np.ndarray) -> np.ndarray:
    """Mean 0 and spread 1; constant ones are 0."""
    spread = responses.std(axis=0)
    centred = responses - responses.mean(axis=0)
    return np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)


def _incidence(images: np.ndarray, count: int) -> csr_array:
    """Which images each direction has, (K, N)."""
    width = images.shape[1]
    starts = np.arange(0, images.size + 1, width)
    return csr_array((np.ones(images.size), images.ravel(), starts), (len(images), count))


def _highest(tables: dict[str, np.ndarray], methods: list[str]) -> Near:
    """Of tables (K, K') by method the entries highest in absolute value, over all of them."""
    best: list[np.ndarray] = []
    for name, values in tables.items():
        count = min(NEAREST, values.shape[1])
        columns = np.argsort(-np.abs(values), axis=1, kind="stable")[:, :count]
        kept = np.take_along_axis(values, columns, axis=1)
        best.append(np.stack([np.full_like(columns, methods.index(name)), columns, kept]))
    if not best:
        return {}
    found = np.concatenate(best, axis=2)
    order = np.argsort(-np.abs(found[2]), axis=1, kind="stable")[:, :NEAREST]
    method, direction, value = (np.take_along_axis(part, order, axis=1) for part in found)
    return {"method": method.astype(int), "direction": direction.astype(int), "value": value}
