"""Responses of activations to directions: by projection, cosine, or distance (B eq. 6)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

BLOCK_ROWS = 2048  # a block of rows stays in the cache


def read_out(activations: np.ndarray, vectors: np.ndarray, how: str) -> np.ndarray:
    """Responses (N, K) of activations (N, D) to vectors (K, D).

    `dot` projects, `cosine` projects unit rows, `neg_distance` is minus the Euclidean distance of
    unit rows.
    """

    def respond(rows: NDArray) -> NDArray:
        products = rows @ vectors.T
        if how != "neg_distance":
            return products
        lengths = np.square(rows).sum(axis=1)[:, None] + np.square(vectors).sum(axis=1)
        return -np.sqrt(np.maximum(lengths - 2 * products, 0))

    return alike_for_equal(respond, activations if how == "dot" else unit_rows(activations))


def alike_for_equal(respond: Callable[[NDArray], NDArray], rows: NDArray) -> NDArray:
    """Responses (N, K) of rows (N, D), exactly alike where all rows are.

    A product's rounding depends on a row's place in it, and would pass for responses.
    """
    if (rows == rows[0]).all():
        return np.repeat(respond(rows[:1]), len(rows), axis=0)
    return respond(rows)


def unit_rows(rows: NDArray) -> NDArray[np.float32]:
    """Rows (N, D) brought to unit length; zero rows stay zero.

    Raises ValueError for rows that are not finite, with the first of them.
    """
    directions = np.empty(rows.shape, dtype=np.float32)
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS].astype(np.float64)
        lengths = np.linalg.norm(block, axis=1)
        if not np.isfinite(lengths).all():
            row = start + int(np.argmin(np.isfinite(lengths)))
            raise ValueError(f"row {row} of {len(rows)} is not finite")
        directions[start : start + BLOCK_ROWS] = normalised(block, lengths)
    return directions


def normalised(rows: NDArray[np.float64], lengths: NDArray[np.float64]) -> NDArray[np.float32]:
    return (rows / np.where(lengths > 0, lengths, 1)[:, None]).astype(np.float32)
