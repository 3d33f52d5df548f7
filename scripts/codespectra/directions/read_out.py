"""Responses of activations to directions: by projection, cosine, or distance (B eq. 6)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from codespectra.errors import ArgumentError

BLOCK_ROWS = 2048  # a block of rows stays in the cache


def read_out(
    activations: np.ndarray, vectors: np.ndarray, how: str, *, shortest: float = 0
) -> np.ndarray:
    """Responses (N, K) of activations (N, D) to vectors (K, D).

    `dot` projects, `cosine` projects unit rows, `neg_distance` is minus the Euclidean distance of
    unit rows, in float64: float32 keeps half the digits of a small one.

    Args:
        activations: rows of any length.
        vectors: as they are.
        how: one of the three.
        shortest: of `unit_rows`.
    """

    def respond(rows: NDArray) -> NDArray:
        if how != "neg_distance":
            return rows @ vectors.T
        exact, centres = rows.astype(np.float64), vectors.astype(np.float64)
        lengths = np.square(exact).sum(axis=1)[:, None] + np.square(centres).sum(axis=1)
        return -np.sqrt(np.maximum(lengths - 2 * exact @ centres.T, 0)).astype(rows.dtype)

    rows = activations if how == "dot" else unit_rows(activations, shortest)
    return alike_for_equal(respond, rows)


def alike_for_equal(respond: Callable[[NDArray], NDArray], rows: NDArray) -> NDArray:
    """Responses (N, K) of rows (N, D), exactly alike where all rows are.

    A product's rounding depends on a row's place in it, and would pass for responses.
    """
    if (rows == rows[0]).all():
        return np.repeat(respond(rows[:1]), len(rows), axis=0)
    return respond(rows)


def unit_rows(rows: NDArray, shortest: float = 0) -> NDArray[np.float32]:
    """Rows (N, D) brought to unit length; zero rows stay zero, those below `shortest` are divided
    by that.

    Raises ArgumentError for rows that are not finite, with the first of them.
    """
    directions = np.empty(rows.shape, dtype=np.float32)
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS].astype(np.float64)
        lengths = np.linalg.norm(block, axis=1)
        if not np.isfinite(lengths).all():
            row = start + int(np.argmin(np.isfinite(lengths)))
            raise ArgumentError(f"rows: row {row} of {len(rows)} is not finite")
        directions[start : start + BLOCK_ROWS] = normalised(block, np.maximum(lengths, shortest))
    return directions


def normalised(rows: NDArray[np.float64], lengths: NDArray[np.float64]) -> NDArray[np.float32]:
    return (rows / np.where(lengths > 0, lengths, 1)[:, None]).astype(np.float32)
