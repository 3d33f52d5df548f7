"""Activations as analyses read them: an array or an HDF5 dataset, slab by slab."""

import math
from typing import TypeAlias

import h5py
import numpy as np

from codespectra.errors import ArgumentError

Rows: TypeAlias = np.ndarray | h5py.Dataset

SLAB = 2**23  # numbers read at a time: 32 MB of float32
LEAST_EXPONENT = -126  # of two, in float32


def binary_scale(rows: Rows) -> float:
    """The power of two next below the largest magnitude in rows (N, D).

    Divided by it, numbers keep all their digits, and their squares neither overflow nor vanish in
    float32.

    Raises:
        ArgumentError: a number isn't finite.
    """
    step = max(1, SLAB // rows.shape[1])
    slabs = (rows[start : start + step] for start in range(0, len(rows), step))
    largest = np.max([np.abs(slab).max() for slab in slabs])
    if not np.isfinite(largest):
        raise ArgumentError(f"rows of shape {rows.shape} hold infs or nans")
    return 2.0 ** max(math.frexp(largest)[1] - 1, LEAST_EXPONENT)


class ScaledRows:
    """Rows (N, D) that are divided by a scale as they are read; float16 becomes float32."""

    def __init__(self, rows: Rows, scale: float):
        """Take an array or dataset and its `binary_scale`."""
        self._rows, self._scale = rows, np.float32(scale)

    def __getattr__(self, name: str) -> object:
        return getattr(self._rows, name)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, key: slice | tuple[slice, slice]) -> np.ndarray:
        return self._rows[key] / self._scale


class TokenRows:
    """Rows (N * T, D), one a token, of a dataset (N, T * D) with T tokens of each stimulus."""

    def __init__(self, dataset: Rows, tokens: int):
        """Take the dataset, and how many tokens a stimulus has."""
        self._dataset, self._tokens = dataset, tokens
        self.shape = (len(dataset) * tokens, dataset.shape[1] // tokens)
        self.dtype = dataset.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: slice | tuple[slice, slice]) -> np.ndarray:
        taken, columns = key if isinstance(key, tuple) else (key, slice(None))
        start, stop, _ = taken.indices(len(self))
        first, last = start // self._tokens, -(-stop // self._tokens)
        found = self._dataset[first:last].reshape(-1, self.shape[1])
        return found[start - first * self._tokens : stop - first * self._tokens, columns]
