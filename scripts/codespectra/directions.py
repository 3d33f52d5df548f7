"""Directions in a layer's activation space and every stimulus' response to them (B §3.2, app. A).

One orientation everywhere: a larger response is a stronger one.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from codespectra import store
from codespectra.errors import UserError
from codespectra.kmeans import kmeans_from_units, spherical_kmeans, unit_rows
from codespectra.ranking import strongest

# Directions whose responses are ranked at once.
BLOCK_DIRECTIONS = 64
# A response whose spread is below this share of its size is constant: the direction is dead.
DEAD_SPREAD = 1e-8

log = logging.getLogger("codespectra")


@dataclass(frozen=True)
class Directions:
    """Vectors (K, D) float32 and responses (N, K) float32.

    Those that are `two_sided` have no sign of their own: both are scored, and the better counts.
    """

    vectors: np.ndarray
    responses: np.ndarray
    two_sided: bool = False

    @property
    def dead(self) -> np.ndarray:
        """Which directions respond the same to every stimulus, (K,)."""
        return is_constant(self.responses.min(axis=0), self.responses.max(axis=0))

    def rare(self, m: int) -> np.ndarray:
        """Which live directions rise above their lowest response for fewer than m stimuli, (K,)."""
        above = (self.responses > self.responses.min(axis=0)).sum(axis=0)
        return (above < m) & ~self.dead


def is_constant(lowest: np.ndarray, highest: np.ndarray) -> np.ndarray:
    """Whether responses between these extremes are one and the same, any shape."""
    size = np.maximum(-lowest, highest)
    return highest - lowest <= DEAD_SPREAD * np.maximum(size, 1)


def write_directions(group: h5py.Group, found: Directions) -> None:
    """Keep them in a group of an open file."""
    group["vectors"], group["responses"] = found.vectors, found.responses
    group.attrs["two_sided"] = found.two_sided


def write_layers(
    data: str | Path,
    manifest: str | Path,
    layers: Iterable[tuple[str, Directions]],
    captured: dict[str, Any],
    **description: Any,
) -> None:
    """Write the directions of each layer, and a manifest that counts them.

    Args:
        data: ends in .h5.
        manifest: ends in .json.
        layers: name and directions of each; one at a time is held.
        captured: manifest of the activations.
        description: what else the manifest says: method, options.
    """
    counts, dead = {}, {}
    with store.create_hdf5(data) as file:
        for layer, found in layers:
            write_directions(file.create_group(layer), found)
            counts[layer], dead[layer] = len(found.vectors), int(found.dead.sum())
            log.info("%s: %d directions, %d dead", layer, counts[layer], dead[layer])
    content = {
        "file": Path(data).name,
        "sha256": store.file_digest(data),
        "counts": counts,
        "dead": dead,
        "activations_sha256": captured["sha256"],
        "weights": captured["weights"],
        "stimulus_count": captured["count"],
    }
    store.write_json(manifest, description | content)


def read_directions(group: h5py.Group) -> Directions:
    """What `write_directions` kept."""
    two_sided = bool(group.attrs["two_sided"])
    return Directions(group["vectors"][:], group["responses"][:], two_sided)


def read_methods(paths: dict[str, str], layers: Iterable[str]) -> dict[str, dict[str, Directions]]:
    """Directions by layer and method, from the files of the methods."""
    found: dict[str, dict[str, Directions]] = {layer: {} for layer in layers}
    for method, path in paths.items():
        with store.open_hdf5(path) as file:
            for layer, methods in found.items():
                methods[method] = read_directions(file[layer])
    return found


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
    for start in range(0, len(top), BLOCK_DIRECTIONS):
        block = responses[:, start : start + BLOCK_DIRECTIONS]
        top[start : start + BLOCK_DIRECTIONS] = strongest(np.ascontiguousarray(block.T), count)
    return top
