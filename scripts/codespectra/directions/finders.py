"""Finders of directions: spherical K-Means, and controls that look for no axis (B §3.2).

Each takes a layer's activations (N, D).
"""

import numpy as np

from codespectra.directions.directions import Directions
from codespectra.directions.kmeans import kmeans_from_units, spherical_kmeans
from codespectra.directions.read_out import read_out, unit_rows
from codespectra.errors import UserError


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


def kmeans_identity(activations: np.ndarray, *, readout: str) -> Directions:
    """Centroids of spherical K-Means that started as the units, as in paper B's code for K = D.

    Raises:
        UserError: there are fewer stimuli than units, those without activations left out.
    """
    try:
        centroids = kmeans_from_units(activations).centroids
    except ValueError as error:
        raise UserError(f"directions.methods.kmeans_identity: {error}") from error
    return Directions(centroids, read_out(activations, centroids, readout))


def random(activations: np.ndarray, *, k: int, seed: int) -> Directions:
    """Isotropic unit vectors; each sign such that its largest-magnitude response is positive."""
    width = activations.shape[1]
    vectors = np.random.default_rng(seed).standard_normal((k, width)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    responses = read_out(activations, vectors, "dot")
    largest = np.take_along_axis(responses, np.abs(responses).argmax(axis=0)[None], axis=0)[0]
    sign = np.where(largest < 0, -1, 1).astype(np.float32)
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
