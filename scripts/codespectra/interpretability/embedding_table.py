"""A part of a file of embeddings: rows that are held, or read again some columns at a time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from codespectra.statistics.arrays import numbers
from codespectra.statistics.row_blocks import READ

# Numbers of a file's embeddings that are held whole, and of some columns of all rows: 1 GiB.
MOST_HELD = 1 << 28
MOST_CHUNKS = 1 << 12  # rows read at once: HDF5 takes some kilobytes for each chunk of a read


@dataclass(frozen=True)
class StoredTable:
    """Embeddings (N, d) that stay in their file."""

    path: Path
    part: str
    shape: tuple[int, int]

    def columns(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        """Some columns of the sorted, distinct rows at a time, as many whichever rows they are."""
        step = max(1, MOST_HELD // self.shape[0])
        # A chunk is a row; with no room to keep it whole, only what is wanted of it is read.
        with h5py.File(self.path, "r", rdcc_nbytes=0) as file:
            for start in range(0, self.shape[1], step):
                yield numbers(
                    read_rows(file[self.part], rows, slice(start, start + step)),
                    f"{self.path}: {self.part}",
                    "U, d",
                    empty=True,
                )


Table = np.ndarray | StoredTable
# From some columns of a table's rows, and places in these, numbers that add up over all columns.
Measure = Callable[..., np.ndarray]


def summed(table: Table, asked: Sequence[tuple[Measure, Sequence[np.ndarray]]]) -> list[np.ndarray]:
    """What measures of a table's rows give, in one reading.

    Args:
        table: rows (N, d).
        asked: measures, and the rows that each is given, arrays of any shape.
    """
    if isinstance(table, np.ndarray):
        return [measure(table, *rows) for measure, rows in asked]
    used = np.unique(np.concatenate([one.ravel() for _, rows in asked for one in rows]))
    placed = [(m, [np.searchsorted(used, one) for one in rows]) for m, rows in asked]
    found: list[np.ndarray] = []
    for block in table.columns(used):
        answers = [measure(block, *rows) for measure, rows in placed]
        found = [a + b for a, b in zip(found, answers, strict=True)] if found else answers
        del block  # before the next is read
    return found


def read_rows(dataset: h5py.Dataset, rows: np.ndarray, columns: slice = slice(None)) -> np.ndarray:
    """Those columns of sorted, distinct rows of a dataset that is chunked by rows."""
    width = len(range(*columns.indices(dataset.shape[1])))
    found = np.empty((len(rows), width), dtype=dataset.dtype)
    step = max(1, min(MOST_CHUNKS, READ // max(1, width)))
    for start in range(0, len(dataset), step):
        first, last = np.searchsorted(rows, (start, start + step))
        if 2 * (last - first) > min(step, len(dataset) - start):
            block = dataset[start : start + step, columns]
            found[first:last] = block[rows[first:last] - start]
        else:
            for place in range(first, last):
                dataset.read_direct(found, np.s_[int(rows[place]), columns], np.s_[place])
    return found
