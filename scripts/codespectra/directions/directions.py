"""Directions in a layer's activation space and every stimulus' response to them (B §3.2, app. A).

One orientation everywhere: a larger response is a stronger one.
"""

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from codespectra.errors import ArgumentError, UserError
from codespectra.files.hdf5_files import create_hdf5, hdf5_digest, open_hdf5
from codespectra.files.manifests import write_manifest
from codespectra.files.named_axes import name_axes
from codespectra.statistics.arrays import numbers, rows_to_read
from codespectra.statistics.row_blocks import row_blocks

# A response is constant that varies by no more than this share of its size: float32 products of
# equal rows were up to 8e-7 apart, by their place in the product (16 to 8,192 units).
DEAD_SPREAD = 1e-6

# Of what a file of directions holds of a layer.
AXES = {
    "vectors": ("direction", "unit"),
    "responses": ("stimulus", "direction"),
    "mean": ("unit",),
    "weights": ("direction", "unit"),
    "biases": ("direction",),
}

log = logging.getLogger("codespectra")


@dataclass(frozen=True)
class Encoder:
    """How responses to directions follow from any activations (N, D) of the layer: `encode` does.

    Attributes:
        read_out: `dot`, `cosine` or `neg_distance` of `read_out`; `relu` of an autoencoder's
            encoder; `nonnegative`, NMF's code.
        mean: (D,) float64 that is subtracted from activations; None for nothing.
        scale: that they are then divided by.
        shortest: length that unit rows are made with, of `unit_rows`.
        weights: (K, D) that activations meet in place of the vectors; None for these.
        biases: (K,) that `relu` adds.
        sweeps: of coordinate descent from zero that make a `nonnegative` code.
    """

    read_out: str
    mean: np.ndarray | None = None
    scale: float = 1.0
    shortest: float = 0.0
    weights: np.ndarray | None = None
    biases: np.ndarray | None = None
    sweeps: int = 0


@dataclass(frozen=True)
class Directions:
    """K directions of a layer and the responses of N stimuli to each.

    Vectors are (K, D) and responses (N, K), float32, or an HDF5 dataset, or what else has a shape
    and slices, so that too many needn't be held. Those that are `two_sided` have no sign of
    their own: both are scored, and the better counts. `encoder` says how to find the responses of
    other stimuli.
    """

    vectors: np.ndarray
    responses: np.ndarray | h5py.Dataset
    two_sided: bool = False
    encoder: Encoder | None = None

    def __post_init__(self) -> None:
        """Take tensors, data frames and lists as well.

        Raises:
            ArgumentError: vectors or responses aren't finite numbers (K, D) and (N, K).
        """
        vectors = numbers(self.vectors, "vectors", "K, D")
        responses = rows_to_read(self.responses, "responses", "N, K")
        if len(vectors) != responses.shape[1]:
            raise ArgumentError(
                f"responses has {responses.shape[1]} columns, but there are {len(vectors)} vectors"
            )
        object.__setattr__(self, "vectors", vectors)
        object.__setattr__(self, "responses", responses)

    @cached_property
    def extremes(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest response to each direction, (K,) both."""
        ends = [(x.min(axis=0), x.max(axis=0)) for _, x in row_blocks(self.responses)]
        lowest, highest = zip(*ends, strict=True)
        return np.min(lowest, axis=0), np.max(highest, axis=0)

    @property
    def dead(self) -> np.ndarray:
        """Which directions respond the same to every stimulus, (K,)."""
        return is_constant(*self.extremes)

    def rare(self, m: int) -> np.ndarray:
        """Which live directions rise above their lowest response for fewer than m stimuli, (K,)."""
        lowest = self.extremes[0]
        above = sum((rows > lowest).sum(axis=0) for _, rows in row_blocks(self.responses))
        return (above < m) & ~self.dead


def is_constant(lowest: np.ndarray, highest: np.ndarray) -> np.ndarray:
    """Whether responses between these extremes (any shape) are equal but for float32's rounding."""
    return highest - lowest <= DEAD_SPREAD * np.maximum(-lowest, highest)


def write_directions(group: h5py.Group, found: Directions) -> None:
    """Write directions to a group of an open HDF5 file, their responses block by block."""
    group["vectors"] = found.vectors
    responses = group.create_dataset("responses", found.responses.shape, np.float32)
    for part, rows in row_blocks(found.responses):
        responses[part] = rows
    for name in ("vectors", "responses"):
        name_axes(group[name], AXES[name], group)
    group.attrs["two_sided"] = found.two_sided
    if found.encoder is not None:
        _write_encoder(group.create_group("encoder"), found.encoder)


def _write_encoder(group: h5py.Group, encoder: Encoder) -> None:
    """Write its arrays as datasets, where it has them, and the rest as attributes."""
    layer = group.parent
    for field in fields(encoder):
        value = getattr(encoder, field.name)
        if isinstance(value, np.ndarray):
            group[field.name] = value
            name_axes(group[field.name], AXES[field.name], layer)
        elif value is not None:
            group.attrs[field.name] = value


def read_encoder(group: h5py.Group) -> Encoder:
    """Read the encoder of a layer that `write_directions` wrote with its directions.

    Raises:
        UserError: the file is of a version that kept none.
    """
    if "encoder" not in group:
        raise UserError(
            f"{group.file.filename}: keeps no encoder of {group.name}; it was made by an older "
            "version of codespectra: find its directions again"
        )
    stored = group["encoder"]
    arrays = {name: array[:] for name, array in stored.items()}
    return Encoder(**dict(stored.attrs) | arrays)


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
    counts, dead, digests = {}, {}, {}
    with create_hdf5(data) as file:
        for layer, found in layers:
            write_directions(file.create_group(layer), found)
            found = replace(found, responses=file[layer]["responses"])  # as they are read
            counts[layer], dead[layer] = len(found.vectors), int(found.dead.sum())
            digests[layer] = digest_of(found)
            log.info("%s: %d directions, %d dead", layer, counts[layer], dead[layer])
            del found  # before the next layer's are found
    content = {
        "file": Path(data).name,
        "sha256": hdf5_digest(data),
        "counts": counts,
        "dead": dead,
        "digests": digests,
        "activations_sha256": captured["sha256"],
        "weights": captured["weights"],
        "stimulus_count": captured["count"],
    }
    write_manifest(manifest, description | content)


def digest_of(found: Directions) -> str:
    """Hexadecimal sha256 of directions: of all that what follows from a layer's can read."""
    told = {field.name: getattr(found, field.name) for field in fields(found)}
    told |= (vars(found.encoder) if found.encoder else {}) | {"encoder": None}
    digest = hashlib.sha256()
    for name, value in told.items():
        if value is not None:
            whole = value if name == "responses" else np.ascontiguousarray(value)
            digest.update(f"{name} {whole.dtype.str} {np.shape(value)} ".encode())
            for block in (x for _, x in row_blocks(value)) if name == "responses" else [whole]:
                digest.update(np.ascontiguousarray(block).data if block.size else b"")
    return digest.hexdigest()


def read_directions(group: h5py.Group) -> Directions:
    """Read the directions that `write_directions` wrote; responses when they are asked for."""
    two_sided = bool(group.attrs["two_sided"])
    encoder = read_encoder(group) if "encoder" in group else None
    return Directions(group["vectors"][:], group["responses"], two_sided, encoder)


def held(found: Directions) -> Directions:
    """The same with all responses as an array."""
    return replace(found, responses=found.responses[:])


@contextmanager
def opened_layer(path: str | Path, layer: str) -> Iterator[Directions]:
    """Directions of one layer of an open file, whose responses are read block by block."""
    with open_hdf5(path) as file:
        yield read_directions(file[layer])


@contextmanager
def opened_methods(paths: Mapping[str, str], layer: str) -> Iterator[dict[str, Directions]]:
    """Directions of one layer by method, of open files likewise."""
    with ExitStack() as stack:
        yield {x: stack.enter_context(opened_layer(path, layer)) for x, path in paths.items()}


def read_layer(path: str | Path, layer: str) -> Directions:
    """Directions of one layer, from a file that `write_layers` wrote."""
    with opened_layer(path, layer) as found:
        return held(found)


def read_methods(paths: dict[str, str], layers: Iterable[str]) -> dict[str, dict[str, Directions]]:
    """Directions by layer and method, from the files of the methods."""
    found: dict[str, dict[str, Directions]] = {layer: {} for layer in layers}
    for method, path in paths.items():
        with open_hdf5(path) as file:
            for layer, methods in found.items():
                methods[method] = held(read_directions(file[layer]))
    return found


def neurons(activations: np.ndarray | h5py.Dataset) -> Directions:
    """The basis: each unit with its own activation (N, D)."""
    activations = rows_to_read(activations, "activations")
    if isinstance(activations, np.ndarray):
        activations = activations.astype(np.float32, copy=False)
    basis = np.eye(activations.shape[1], dtype=np.float32)
    return Directions(basis, activations, encoder=Encoder("dot"))
