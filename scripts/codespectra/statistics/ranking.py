"""The largest values of many long rows, exactly, ties to the lowest index."""

from collections.abc import Sequence
from math import isqrt
from typing import Any

import numpy as np

from codespectra.errors import ArgumentError, UserError
from codespectra.statistics.arrays import numbers, rows_to_read
from codespectra.statistics.row_blocks import row_blocks

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


def top_stimuli(
    responses: Any, count: int, *, columns: np.ndarray | None = None, sign: int = 1
) -> np.ndarray:
    """Rows of the `count` largest responses of each direction, (K, count), strongest first.

    Ties go to the lowest row.

    Args:
        responses: (N, K); a dataset is read block by block.
        count: from 1 to N.
        columns: which of the directions; None for all.
        sign: -1 for the smallest responses, the lowest first.
    """
    responses = rows_to_read(responses, "responses", "N, K", empty=True)
    if not 1 <= count <= responses.shape[0]:
        raise ArgumentError(f"count = {count} must be in 1..{responses.shape[0]}, the stimuli")
    directions = responses.shape[1] if columns is None else len(columns)
    top, values = np.empty((directions, 0), np.int64), np.empty((directions, 0))
    for part, rows in row_blocks(responses):
        top, values = _merged(top, values, rows, columns, count, sign, part.start)
    return top


def _merged(
    top: np.ndarray,
    values: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray | None,
    count: int,
    sign: int,
    first: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The strongest so far and their values, (K, L) each, once further rows are looked at."""
    directions, known = top.shape
    length = min(count, known + len(rows))
    found = np.empty((directions, length), np.int64), np.empty((directions, length), rows.dtype)
    for start in range(0, directions, BLOCK_DIRECTIONS):
        own = slice(start, start + BLOCK_DIRECTIONS)
        block = np.ascontiguousarray(rows[:, own if columns is None else columns[own]].T)
        if sign < 0:
            block = -block
        if known:  # which comes first, as its rows do, so that ties stay with the lowest
            block = np.concatenate([values[own], block], axis=1)
        best = strongest(block, length)
        found[1][own] = np.take_along_axis(block, best, axis=1)
        found[0][own] = best - known + first
        if known:
            earlier = np.take_along_axis(top[own], np.minimum(best, known - 1), axis=1)
            found[0][own] = np.where(best < known, earlier, found[0][own])
    return found


def strongest_inside(
    responses: Any,
    held: np.ndarray,
    m: int,
    *,
    columns: np.ndarray | None = None,
    signs: Sequence[int] = (1,),
) -> tuple[np.ndarray, np.ndarray]:
    """The m strongest stimuli of each direction within each subsample, ties to the lowest index.

    Args:
        responses: (N, K); a dataset is read block by block.
        held: which stimuli each subsample holds, (S, N).
        m: how many.
        columns: which of the directions; None for all.
        signs: of `top_stimuli`; with two of them a direction comes twice.

    Returns:
        Stimuli by strength (K, L), as many as any subsample needs, and the places in them of each
        one's strongest (S, K, m).

    Raises:
        UserError: a subsample has fewer than m.
    """
    count = held.shape[1]
    fewest = int(held.sum(axis=1).min(initial=count))
    if fewest < m:
        raise UserError(
            f"m: {m} is more than the {fewest} stimuli of a subsample, on "
            f"which intervals rest; lower it or take a set of at least {3 * m // 2}"
        )

    def lists_of(length: int) -> np.ndarray:
        """As many of the strongest stimuli."""
        found = [top_stimuli(responses, length, columns=columns, sign=sign) for sign in signs]
        return np.concatenate(found)

    length = min(8 * m, count) if len(held) else m
    lists = lists_of(length)
    while any((inside[lists].sum(axis=-1) < m).any() for inside in held):
        length = min(2 * length, count)
        lists = lists_of(length)
    places = np.empty((len(held), len(lists), m), np.min_scalar_type(length))
    for found, inside in zip(places, held, strict=True):
        found[:] = np.argsort(~inside[lists], axis=-1, kind="stable")[:, :m]
    return lists[:, : max(m, int(places.max(initial=0)) + 1)], places
