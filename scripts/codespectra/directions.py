"""Directions in a layer's activation space and every stimulus' response to them (B §3.2, app. A).

One orientation everywhere: a larger response is a stronger one.
"""

from dataclasses import dataclass

import numpy as np

from codespectra.errors import UserError
from codespectra.kmeans import spherical_kmeans, unit_rows

# A response whose spread is below this share of its size is constant: the direction is dead.
DEAD_SPREAD = 1e-8


@dataclass(frozen=True)
class Directions:
    """Vectors (K, D) float32 and responses (N, K) float32."""

    vectors: np.ndarray
    responses: np.ndarray

    @property
    def dead(self) -> np.ndarray:
        """Which directions respond the same to every stimulus, (K,)."""
        size = np.abs(self.responses).max(axis=0)
        return np.ptp(self.responses, axis=0) <= DEAD_SPREAD * np.maximum(size, 1)


def neurons(activations: np.ndarray) -> Directions:
    """The basis: each unit with its own activation (N, D)."""
    return Directions(np.eye(activations.shape[1], dtype=np.float32), activations)


def kmeans(activations: np.ndarray, *, k: int, starts: int, readout: str, seed: int) -> Directions:
    """Centroids of spherical K-Means, read out by `cosine`, `dot` or `neg_distance` (B eq. 6).

    Raises:
        UserError: k is larger than the number of stimuli whose activations aren't all zero.
    """
    try:
        centroids = spherical_kmeans(activations, k, starts=starts, seed=seed).centroids
    except ValueError as error:
        raise UserError(f"directions.methods.kmeans: {error}") from error
    return Directions(centroids, read_out(activations, centroids, readout))


def random(activations: np.ndarray, *, k: int, seed: int) -> Directions:
    """Isotropic unit vectors; each sign such that its largest-magnitude response is positive."""
    width = activations.shape[1]
    vectors = np.random.default_rng(seed).standard_normal((k, width)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    responses = read_out(activations, vectors, "dot")
    strongest = np.take_along_axis(responses, np.abs(responses).argmax(axis=0)[None], axis=0)[0]
    sign = np.where(strongest < 0, -1, 1).astype(np.float32)
    return Directions(vectors * sign[:, None], responses * sign)


def exemplar(activations: np.ndarray, *, k: int, seed: int) -> Directions:
    """Cosine to the activations of k stimuli drawn without replacement: no axis is found at all.

    Raises:
        UserError: k is larger than the number of stimuli.
    """
    if k > len(activations):
        raise UserError(
            f"directions.methods.exemplar.k: {k} is more than {len(activations)} stimuli; lower it"
        )
    chosen = np.random.default_rng(seed).choice(len(activations), size=k, replace=False)
    vectors = unit_rows(activations[np.sort(chosen)])
    return Directions(vectors, read_out(activations, vectors, "cosine"))


def read_out(activations: np.ndarray, vectors: np.ndarray, how: str) -> np.ndarray:
    """Responses (N, K) of activations (N, D) to vectors (K, D).

    `dot` projects, `cosine` projects unit rows, `neg_distance` is minus the Euclidean distance of
    unit rows.
    """
    rows = activations if how == "dot" else unit_rows(activations)
    products = rows @ vectors.T
    if how != "neg_distance":
        return products
    lengths = np.square(rows).sum(axis=1)[:, None] + np.square(vectors).sum(axis=1)
    return -np.sqrt(np.maximum(lengths - 2 * products, 0))


def top_stimuli(responses: np.ndarray, count: int) -> np.ndarray:
    """Rows of the `count` largest responses of each direction, (K, count), strongest first.

    Ties go to the lowest row.
    """
    top = np.empty((responses.shape[1], count), dtype=np.int64)
    for index, column in enumerate(responses.T):
        threshold = np.partition(column, -count)[-count]
        candidates = np.flatnonzero(column >= threshold)
        order = np.argsort(-column[candidates], kind="stable")
        top[index] = candidates[order[:count]]
    return top
