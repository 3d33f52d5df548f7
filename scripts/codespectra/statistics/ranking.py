"""The largest values of many long rows, exactly, ties to the lowest index."""

from math import isqrt

import numpy as np

from codespectra.errors import ArgumentError
from codespectra.statistics.arrays import numbers

# Directions whose responses are ranked at once, in a copy: 13 MB for 50,000 stimuli.
BLOCK_DIRECTIONS = 64


def strongest(values: np.ndarray, count: int) -> np.ndarray:
    """Indices of the `count` largest values of each row, largest first.

    Equal values are ordered by index, as by a stable sort; -0.0 equals 0.0. Only the `count` groups
    of neighbours with the largest maxima are looked into, the first of equal groups: whatever lies
    in another group is outranked by the first maximum of each of these, since groups are intervals.

    Args:
        values: (R, N) floats, fastest if rows are contiguous.
        count: from 1 to N.

    Returns:
        (R, count) int64.

    Raises:
        ArgumentError: `count` is out of range, or a value is nan.
    """
    values = numbers(values, "values", "R, N", finite=False, empty=True)
    width = values.shape[1]
    if not 1 <= count <= width:
        raise ArgumentError(f"count = {count} must be in 1..{width}, the values of a row")
    size = isqrt(width // count)  # about as many groups as values in those looked into
    starts = np.arange(0, width, size)
    maxima = np.maximum.reduceat(values, starts, axis=1)
    if np.isnan(maxima).any():
        raise ArgumentError("values must not be nan: they have no order")
    groups = _largest(maxima, count)
    places = (starts[groups][:, :, None] + np.arange(size)).reshape(len(values), count * size)
    inside = np.take_along_axis(values, np.minimum(places, width - 1), axis=1)
    inside[places >= width] = -np.inf  # the last group may be shorter
    best = _largest(inside, count)
    order = np.argsort(-np.take_along_axis(inside, best, axis=1), axis=1, kind="stable")
    return np.take_along_axis(places, np.take_along_axis(best, order, axis=1), axis=1)


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """Indices of the `count` largest values of each row, in ascending order (R, count)."""
    threshold = np.partition(values, -count, axis=1)[:, -count, None]
    above, equal = values > threshold, values == threshold
    missing = count - above.sum(axis=1, keepdims=True)
    chosen = above | (equal & (equal.cumsum(axis=1) <= missing))
    return np.nonzero(chosen)[1].reshape(len(values), count)


def top_stimuli(responses: np.ndarray, count: int) -> np.ndarray:
    """Rows of the `count` largest responses of each direction, (K, count), strongest first.

    Ties go to the lowest row.
    """
    responses = numbers(responses, "responses", "N, K", empty=True)
    top = np.empty((responses.shape[1], count), dtype=np.int64)
    for start in range(0, len(top), BLOCK_DIRECTIONS):
        block = responses[:, start : start + BLOCK_DIRECTIONS]
        top[start : start + BLOCK_DIRECTIONS] = strongest(np.ascontiguousarray(block.T), count)
    return top
