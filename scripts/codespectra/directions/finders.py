"""Finders of directions: spherical K-Means, and controls that look for no axis (B §3.2).

Each takes a layer's activations (N, D), array or HDF5 dataset, which is read block by block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from codespectra.capture.rows import Rows
from codespectra.directions.directions import Directions, Encoder
from codespectra.directions.encode import directions_of
from codespectra.directions.kmeans import kmeans_from_units, spherical_kmeans
from codespectra.directions.read_out import unit_rows
from codespectra.errors import ArgumentError
from codespectra.statistics.arrays import one_of, rows_to_read, whole_number
from codespectra.statistics.row_blocks import row_blocks, rows_at

if TYPE_CHECKING:
    import torch


def kmeans(
    activations: Rows,
    *,
    k: int,
    starts: int,
    readout: str,
    seed: int,
    device: torch.device | None = None,
) -> Directions:
    """Centroids of spherical K-Means, read out by `cosine`, `dot` or `neg_distance` (B eq. 6).

    They are found on a device if one is given.

    Raises:
        ArgumentError: k is larger than the number of stimuli whose activations aren't all zero.
    """
    activations, readout = rows_to_read(activations, "activations"), _read_out(readout)
    found = spherical_kmeans(activations, k, starts=starts, seed=seed, device=device)
    return directions_of(activations, found.centroids, Encoder(readout))


def kmeans_identity(
    activations: np.ndarray, *, readout: str, device: torch.device | None = None
) -> Directions:
    """Centroids of spherical K-Means that started as the units, as in paper B's code for K = D.

    Raises:
        ArgumentError: there are fewer stimuli than units, those without activations left out.
    """
    activations, readout = rows_to_read(activations, "activations"), _read_out(readout)
    found = kmeans_from_units(activations, device)
    return directions_of(activations, found.centroids, Encoder(readout))


def random(activations: np.ndarray, *, k: int, seed: int) -> Directions:
    """Isotropic unit vectors; each sign such that its largest-magnitude response is positive."""
    activations = rows_to_read(activations, "activations")
    k, width = whole_number(k, "k"), activations.shape[1]
    vectors = np.random.default_rng(seed).standard_normal((k, width)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = directions_of(activations, vectors, Encoder("dot"))
    largest = np.zeros(k, np.float32)
    for _, rows in row_blocks(found.responses):
        own = np.take_along_axis(rows, np.abs(rows).argmax(axis=0)[None], axis=0)[0]
        largest = np.where(np.abs(own) > np.abs(largest), own, largest)
    sign = np.where(largest < 0, -1, 1).astype(np.float32)
    return directions_of(activations, vectors * sign[:, None], Encoder("dot"))


def exemplar(activations: np.ndarray, *, k: int, seed: int) -> Directions:
    """Cosine to the activations of k stimuli drawn without replacement: no axis is found at all.

    Raises:
        ArgumentError: k is larger than the number of stimuli.
    """
    activations = rows_to_read(activations, "activations")
    k = at_most_stimuli(k, activations)
    chosen = np.random.default_rng(seed).choice(activations.shape[0], size=k, replace=False)
    vectors = unit_rows(rows_at(activations, np.sort(chosen)))
    return directions_of(activations, vectors, Encoder("cosine"))


def at_most_stimuli(k: int, activations: np.ndarray) -> int:
    """A number of directions that no more than N stimuli allow.

    Raises:
        ArgumentError: k is more than the number of stimuli.
    """
    if whole_number(k, "k") > (count := activations.shape[0]):
        raise ArgumentError(f"k: {k} is more than {count} stimuli; lower it")
    return int(k)


def _read_out(how: str) -> str:
    return one_of(how, "readout", ("cosine", "dot", "neg_distance"))
