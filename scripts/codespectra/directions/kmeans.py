"""Spherical K-Means: clusters of directions, by the cosine.

Rows and centroids have unit length; a row belongs to the centroid of the largest cosine, and a
centroid is the direction of its rows' sum (Dhillon & Modha 2001). Paper B, appendix A, names the
cosine; its code runs Euclidean K-Means on unit rows and leaves centroids shorter than one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from codespectra.capture.rows import Rows
from codespectra.directions import on_gpu
from codespectra.directions.read_out import normalised, unit_rows
from codespectra.errors import ArgumentError
from codespectra.statistics.arrays import rows_to_read, whole_number
from codespectra.statistics.row_blocks import row_blocks, rows_at

if TYPE_CHECKING:
    import torch

BLOCK_ROWS = 2048  # a block of rows and its cosines stay in the cache
MOST_HELD = 1 << 28  # numbers of unit rows that are held: 1 GiB
MAX_ITERATIONS = 300  # scikit-learn's default


@dataclass(frozen=True)
class Clustering:
    """Clusters of N rows in D dimensions."""

    centroids: NDArray[np.float32]  # (K, D), of unit length
    labels: NDArray[np.int32]  # (N,), the centroid of the largest cosine, ties to the lowest
    objective: float  # mean cosine of a row to its centroid
    history: tuple[float, ...]  # the objective at the start and after each iteration
    iterations: int
    converged: bool  # the last iteration changed no label


def spherical_kmeans(
    rows: NDArray,
    k: int,
    *,
    starts: int = 3,
    max_iterations: int = MAX_ITERATIONS,
    seed: int = 0,
    start_rows: int = 30,
    device: torch.device | None = None,
) -> Clustering:
    """Cluster rows (N, D) into k directions: the best of `starts` by mean cosine.

    Each start is greedy k-means++ on `start_rows` * k random rows: nearly as good as on all, and
    a start on all would cost more than 20 iterations. A zero row stays zero: its cosine is 0.
    On a `device`, a GPU, torch computes in place of NumPy.

    Raises ArgumentError for rows that are not finite, and unless 1 <= k <= the non-zero rows.
    """
    directions = _directions(rows)
    nonzero = _nonzero_rows(directions, k)
    starts = whole_number(starts, "starts")
    fits = []
    for rng in np.random.default_rng(seed).spawn(starts):
        sample = rng.choice(nonzero, min(start_rows * k, len(nonzero)), replace=False)
        centroids = _plus_plus(rows_at(directions, sample), k, rng, device)
        fits.append(lloyd(directions, centroids, max_iterations, device))
    return max(fits, key=lambda fit: fit.objective)


def kmeans_from_units(rows: NDArray, device: torch.device | None = None) -> Clustering:
    """Cluster rows (N, D) into D directions, started from the D unit vectors.

    Raises ArgumentError for rows that are not finite, and for fewer than D that aren't zero.
    """
    directions = _directions(rows)
    width = directions.shape[1]
    _nonzero_rows(directions, width)
    return lloyd(directions, np.eye(width, dtype=np.float32), MAX_ITERATIONS, device)


class UnitRows:
    """Rows (N, D) brought to unit length each time that they are read: too many to be held."""

    dtype = np.dtype(np.float32)

    def __init__(self, rows: Rows):
        """Take the rows of any length."""
        self._rows, self.shape = rows, rows.shape

    def __getitem__(self, part: slice) -> NDArray[np.float32]:
        return unit_rows(self._rows[part])


Directions = NDArray[np.float32] | UnitRows


def _directions(rows: Any) -> Directions:
    """Unit rows, held where they are few enough."""
    rows = rows_to_read(rows, "rows")
    return unit_rows(rows) if rows.shape[0] * rows.shape[1] <= MOST_HELD else UnitRows(rows)


def _nonzero(directions: Directions) -> NDArray[np.int64]:
    """Indices of the rows that aren't zero."""
    found = [rows.any(axis=1) for _, rows in row_blocks(directions)]
    return np.flatnonzero(np.concatenate(found))


def _nonzero_rows(directions: Directions, k: int) -> NDArray[np.int64]:
    """Indices of the rows that aren't zero; ArgumentError unless 1 <= k <= their number."""
    nonzero = _nonzero(directions)
    if not (isinstance(k, Integral) and 1 <= k <= len(nonzero)):
        count = directions.shape[0]
        raise ArgumentError(f"k = {k} must be in 1..{len(nonzero)}, the non-zero of {count} rows")
    return nonzero


def lloyd(
    directions: Directions,
    centroids: NDArray[np.float32],
    max_iterations: int,
    device: torch.device | None = None,
) -> Clustering:
    """Iterate from unit centroids (K, D) on `unit_rows` (N, D) until no label changes."""
    if device is None:
        assign = partial(_assign, directions)
    else:
        assign = partial(on_gpu.assign, on_gpu.placed(directions, device), device=device)
    labels, cosines, sums = assign(centroids)
    history = [float(cosines.mean(dtype=np.float64))]
    converged = False
    while not converged and len(history) <= max_iterations:
        centroids = _centroids(sums, directions, cosines)
        previous = labels
        labels, cosines, sums = assign(centroids)
        history.append(float(cosines.mean(dtype=np.float64)))
        converged = np.array_equal(labels, previous)
    return Clustering(centroids, labels, history[-1], tuple(history), len(history) - 1, converged)


def _assign(
    directions: Directions, centroids: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float64]]:
    """Labels (N,), cosines (N,) to the own centroid, and the sums (K, D) of each one's rows."""
    count = directions.shape[0]
    labels, cosines = np.empty(count, dtype=np.int32), np.empty(count, dtype=np.float32)
    sums = np.zeros(centroids.shape)
    for start in range(0, count, BLOCK_ROWS):
        block = directions[start : start + BLOCK_ROWS]
        scores = block @ centroids.T
        nearest = scores.argmax(axis=1)
        labels[start : start + len(block)] = nearest
        cosines[start : start + len(block)] = np.take_along_axis(scores, nearest[:, None], 1)[:, 0]
        members = csc_array(
            (np.ones(len(block), dtype=np.float32), nearest, np.arange(len(block) + 1)),
            shape=(len(centroids), len(block)),
        )
        sums += members @ block
    return labels, cosines, sums


def _centroids(
    sums: NDArray[np.float64], directions: Directions, cosines: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Directions of the sums; a cluster without one gets one of the rows that fit worst."""
    lengths = np.linalg.norm(sums, axis=1)
    centroids = normalised(sums, lengths)
    empty = np.flatnonzero(lengths == 0)
    if len(empty):
        nonzero = _nonzero(directions)
        worst_first = nonzero[np.argsort(cosines[nonzero], kind="stable")]
        centroids[empty] = rows_at(directions, worst_first[: len(empty)])
    return centroids


def _plus_plus(
    directions: NDArray[np.float32], k: int, rng: np.random.Generator, device: torch.device | None
) -> NDArray[np.float32]:
    """Greedy k-means++: each next row is the best of a few drawn by distance to the chosen ones."""
    trials = 2 + int(np.log(k))
    rows = directions if device is None else on_gpu.placed(directions, device)
    apart = _distances if device is None else on_gpu.distances
    chosen = [int(rng.integers(len(directions)))]
    distances = apart(rows[chosen], rows)[0]
    for _ in range(k - 1):
        reach = np.cumsum(distances, dtype=np.float64)
        drawn = np.searchsorted(reach, rng.random(trials) * reach[-1], side="right")
        drawn = drawn.clip(max=len(directions) - 1)  # all rows chosen already: reach[-1] is 0
        closer = np.minimum(apart(rows[drawn], rows), distances)
        best = int(closer.sum(axis=1).argmin())
        chosen.append(int(drawn[best]))
        distances = closer[best]
    return directions[chosen]


def _distances(
    centres: NDArray[np.float32], directions: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Half the squared distances (centres, rows) of unit rows."""
    cosines = np.ascontiguousarray((directions @ centres.T).T)  # twice as fast as the other order
    return np.maximum(1 - cosines, 0)
