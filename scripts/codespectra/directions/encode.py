"""Responses of any activations to directions that were found before (methods §5).

The finders themselves respond by this (the autoencoder by torch): on the activations that
directions were found with it gives the stored responses, to float32's rounding, whatever batches
the rows come in.
"""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from codespectra.capture.rows import Rows
from codespectra.directions.directions import Directions, Encoder, read_encoder
from codespectra.directions.nonnegative import nonnegative_code
from codespectra.directions.read_out import read_out
from codespectra.errors import ArgumentError, nearest
from codespectra.files.hdf5_files import open_hdf5
from codespectra.statistics.arrays import rows_to_read

BLOCK_ROWS = 2048  # a block of rows and its responses stay in the cache


def encode(file: str | Path | h5py.Group, layer: str, activations: Any) -> np.ndarray:
    """Responses (N, K) float32 of a layer's activations (N, D) to the directions in a file.

    Equal to the stored responses on the activations that the directions were found with, to 1e-5 of
    the largest of them, and so in any batches.

    Args:
        file: of one method's directions in the results, or that file as it is open.
        layer: one of the file's.
        activations: rows of that layer, of new stimuli; an HDF5 dataset is read block by block.

    Raises:
        UserError: the file can't be read, has no such layer or keeps no encoder; the activations
            aren't finite numbers (N, D), with as many units as the layer has.
    """
    if isinstance(file, str | Path):
        with open_hdf5(file) as opened:
            return encode(opened, layer, activations)
    if layer not in file:
        raise ArgumentError(
            f"layer {layer!r} isn't in {file.file.filename}: {nearest(layer, file)}"
        )
    group = file[layer]
    if not isinstance(group, h5py.Group) or "vectors" not in group:
        raise ArgumentError(f"file {group.file.filename} holds no directions of {layer}")
    return respond(activations, group["vectors"][:], read_encoder(group))


def directions_of(
    activations: Rows, vectors: np.ndarray, encoder: Encoder, *, two_sided: bool = False
) -> Directions:
    """Directions (K, D) with the responses of the activations (N, D) that they were found with.

    Where these aren't an array, neither are the responses: they are found as they are read.
    """
    vectors = vectors.astype(np.float32, copy=False)
    held = isinstance(activations, np.ndarray)
    responses = (respond if held else ReadResponses)(activations, vectors, encoder)
    return Directions(vectors, responses, two_sided, encoder)


class ReadResponses:
    """Responses (N, K) of a dataset's rows, each time that they are read."""

    dtype = np.dtype(np.float32)

    def __init__(self, activations: Rows, vectors: np.ndarray, encoder: Encoder):
        """Take what `respond` takes."""
        self._activations, self._vectors, self._encoder = activations, vectors, encoder
        self.shape = (activations.shape[0], len(vectors))

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop, _ = rows.indices(self.shape[0])
        parts = [slice(x, min(x + BLOCK_ROWS, stop)) for x in range(start, stop, BLOCK_ROWS)]
        blocks = (self._activations[part] for part in parts)
        return np.concatenate([respond(x, self._vectors, self._encoder) for x in blocks])


def respond(activations: Any, vectors: np.ndarray, encoder: Encoder) -> np.ndarray:
    """Responses (N, K) float32 of activations (N, D), array or HDF5 dataset, to vectors (K, D).

    Raises:
        ArgumentError: the activations aren't finite numbers (N, D) of as many units.
    """
    activations, units = rows_to_read(activations, "activations"), vectors.shape[1]
    if activations.shape[1] != units:
        raise ArgumentError(
            f"activations has {activations.shape[1]} columns, but directions are of {units} units"
        )
    weights = vectors if encoder.weights is None else encoder.weights
    responses = np.empty((len(activations), len(vectors)), np.float32)
    for start in range(0, len(activations), BLOCK_ROWS):
        rows = _standardised(activations[start : start + BLOCK_ROWS], encoder)
        finite = np.isfinite(rows).all(axis=1)
        if not finite.all():  # of a dataset, which no door looks through
            row = start + int(finite.argmin())
            raise ArgumentError(f"activations: row {row} of {len(activations)} is not finite")
        responses[start : start + len(rows)] = _respond(rows, weights, encoder)
    return responses


def _standardised(rows: np.ndarray, encoder: Encoder) -> np.ndarray:
    """Rows minus the mean, over the scale; float32 at least."""
    if encoder.mean is not None:
        return (rows - encoder.mean) / encoder.scale
    if encoder.scale != 1:
        return (rows / np.float64(encoder.scale)).astype(np.float32)
    return rows.astype(np.promote_types(rows.dtype, np.float32), copy=False)


def _respond(rows: np.ndarray, weights: np.ndarray, encoder: Encoder) -> np.ndarray:
    if encoder.read_out == "relu":
        return np.maximum(read_out(rows, weights, "dot") + encoder.biases, 0)
    if encoder.read_out == "nonnegative":
        return nonnegative_code(rows, weights, encoder.sweeps, tolerance=0)[0]
    return read_out(rows, weights, encoder.read_out, shortest=encoder.shortest)
