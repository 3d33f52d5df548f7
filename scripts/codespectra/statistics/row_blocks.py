"""Rows (N, D) a block at a time: of a dataset those that are read, of an array all of them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

READ = 1 << 23  # numbers that are read at a time: 32 MB of float32


def row_blocks(rows: Any) -> Iterator[tuple[slice, np.ndarray]]:
    """Which rows, and the rows: of an array, which is held anyway, all."""
    count, width = rows.shape
    step = count if isinstance(rows, np.ndarray) else max(1, READ // max(1, width))
    for start in range(0, count, step):
        part = slice(start, min(start + step, count))
        yield part, rows[part]


def rows_at(rows: Any, places: np.ndarray) -> np.ndarray:
    """Rows (n, D) at these places (n,), in any order; a dataset is read once, block by block."""
    if isinstance(rows, np.ndarray):
        return rows[places]
    order = np.argsort(places, kind="stable")
    ascending = places[order]
    found = np.empty((len(places), rows.shape[1]), rows.dtype)
    step = max(1, READ // rows.shape[1])
    for start in range(0, rows.shape[0], step):
        own = slice(*np.searchsorted(ascending, (start, start + step)))
        if own.start < own.stop:
            found[order[own]] = rows[start : start + step][ascending[own] - start]
    return found


def column_blocks(rows: Any, columns: np.ndarray) -> Iterator[np.ndarray]:
    """Some of these columns (k,), which ascend, of all rows at a time: (N, some), one at least."""
    step = max(1, 4 * READ // rows.shape[0])
    if not len(columns):
        yield rows[:, :0]
    for start in range(0, len(columns), step):
        own = columns[start : start + step]
        yield rows[:, own[0] : own[-1] + 1][:, own - own[0]]
