"""Rows of arrays in files, however they lie there."""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from typing import IO

import numpy as np

from codespectra.files.regular_files import refusing, shown
from codespectra.sources.source import Rows

WHOLE = "give a whole file"
Read = Callable[[int, int], np.ndarray]
Convert = Callable[[np.ndarray], np.ndarray]


class FileRows:
    """Rows of an array in a file, read when they are asked for.

    They are numbers in this machine's byte order; false and true become 0 and 1.
    """

    def __init__(
        self,
        where: str,
        shape: Sequence[int],
        dtype: np.dtype,
        read: Read,
        *,
        columns: Read | None = None,
        grain: int = 1,
    ):
        """Take what reads them.

        Args:
            where: the file and the key, for messages.
            shape: (N, ...).
            dtype: of what is read.
            read: gives rows start to stop.
            columns: gives columns start to stop, (N, stop - start), where that is quicker than
                reading all rows.
            grain: rows that are stored together.
        """
        self.where, self.shape = where, tuple(int(size) for size in shape)
        dtype = np.dtype(dtype)
        self.dtype = np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("=")
        self.grain = grain
        self._read, self._columns = read, columns

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop = bounds(rows, self.shape[0])
        return self._checked(self._read, start, stop, (stop - start, *self.shape[1:]))

    def columns(self, start: int, stop: int) -> np.ndarray:
        """Columns start to stop of a matrix (N, D), of all rows."""
        if self._columns is None:
            return all_columns(self, start, stop)
        return self._checked(self._columns, start, stop, (self.shape[0], stop - start))

    def _checked(self, read: Read, start: int, stop: int, shape: tuple[int, ...]) -> np.ndarray:
        if 0 in shape:
            return np.empty(shape, self.dtype)
        with refusing(self.where, f"rows {start} to {stop} can't be read", WHOLE):
            found = np.asarray(read(start, stop))
            if found.shape != shape:
                raise ValueError(f"shape {found.shape}, expected {shape}")
            found = np.ascontiguousarray(found, self.dtype)
            # A view may be of what is mapped, or of what the next reader gets too.
            return found.copy() if found.base is not None else found

    def converted(self, dtype: np.dtype, convert: Convert | None = None) -> "FileRows":
        """The same rows as numbers of another type, by a function where a cast won't do."""
        convert = convert or (lambda found: found.astype(dtype))
        return FileRows(
            self.where,
            self.shape,
            dtype,
            lambda start, stop: convert(self[start:stop]),
            columns=(lambda a, b: convert(self.columns(a, b))) if self._columns else None,
            grain=self.grain,
        )


class Transposed:
    """Rows of a matrix (D, N) whose stimuli are its columns."""

    def __init__(self, rows: Rows):
        """Take the matrix as it lies in its file.

        Raises:
            ValueError: it has another number of dimensions than two.
        """
        if len(rows.shape) != 2:
            raise ValueError(f"only a matrix can be transposed, found shape {rows.shape}")
        self._rows = rows
        self.shape, self.dtype = (rows.shape[1], rows.shape[0]), rows.dtype

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop = bounds(rows, self.shape[0])
        columns = getattr(self._rows, "columns", None)
        found = columns(start, stop) if columns else all_columns(self._rows, start, stop)
        return np.ascontiguousarray(found.T)


class Concatenated:
    """Rows of several arrays, one after another."""

    def __init__(self, parts: Sequence[Rows]):
        """Take arrays of one width and one type."""
        self._parts = parts
        self._starts = np.cumsum([0, *(part.shape[0] for part in parts)])
        self.shape = (int(self._starts[-1]), *parts[0].shape[1:])
        self.dtype = parts[0].dtype

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop = bounds(rows, self.shape[0])
        found = np.empty((stop - start, *self.shape[1:]), self.dtype)
        for first, part in zip(self._starts, self._parts, strict=False):
            begin, end = max(start, first), min(stop, first + part.shape[0])
            if begin < end:
                found[begin - start : end - start] = part[int(begin - first) : int(end - first)]
        return found


def bounds(rows: slice, count: int) -> tuple[int, int]:
    """Start and stop of a slice of `count` rows, as of a list.

    Raises:
        ValueError: its step isn't 1.
    """
    start, stop, step = rows.indices(count)
    if step != 1:
        raise ValueError(f"rows are read in their order, with step 1, not {step}")
    return start, max(start, stop)


def in_slabs(rows: Rows, numbers: int) -> Iterator[np.ndarray]:
    """All rows in order, about `numbers` numbers at a time, and always at least a row.

    Rows that are stored together come together where they fit.
    """
    step = max(1, numbers // max(1, math.prod(rows.shape[1:])))
    grain = getattr(rows, "grain", 1)
    step -= step % grain if step >= grain else 0
    for start in range(0, rows.shape[0], step):
        yield rows[start : start + step]


def rows_at(rows: Rows, indices: np.ndarray) -> np.ndarray:
    """Rows of any order, by as few slices as there are runs of neighbours."""
    order = np.argsort(indices)
    ascending = indices[order]
    starts = np.flatnonzero(np.diff(ascending, prepend=-2) != 1)
    ends = [*starts[1:], len(ascending)]
    runs = [rows[ascending[a] : ascending[b - 1] + 1] for a, b in zip(starts, ends, strict=True)]
    found = runs[0] if len(runs) == 1 else np.concatenate(runs)
    return found if (order[1:] > order[:-1]).all() else found[np.argsort(order)]


def all_columns(rows: Rows, start: int, stop: int) -> np.ndarray:
    """Columns start to stop of a matrix of which only rows can be read."""
    slabs = in_slabs(rows, 1 << 23)
    return np.concatenate([slab[:, start:stop] for slab in slabs])


def plain_rows(
    file: IO[bytes],
    where: str,
    offset: int,
    shape: tuple[int, ...],
    dtype: np.dtype,
    *,
    fortran: bool = False,
) -> FileRows:
    """Rows of an array whose numbers lie unpacked in a file that stays open.

    They are read rather than mapped: a mapped file that is cut off while it is read kills the
    process, and its pages count as memory.

    Args:
        file: that holds them.
        where: the file and the key, for messages.
        offset: bytes before the first number.
        shape: (N, ...).
        dtype: as stored.
        fortran: whether the first axis is the fastest.
    """

    def read(at: int, shape: tuple[int, ...]) -> np.ndarray:
        found = np.empty(shape, dtype)
        _fill(file, found.reshape(-1).view(np.uint8).data, offset + at * dtype.itemsize)
        return found

    def along_first(start: int, stop: int, size: int, others: int) -> np.ndarray:
        """(others, stop - start) of numbers that lie as (others, size)."""
        return np.stack([read(i * size + start, (stop - start,)) for i in range(others)])

    def rows(start: int, stop: int) -> np.ndarray:
        if not fortran:
            width = math.prod(shape[1:])
            return read(start * width, (stop - start, *shape[1:]))
        found = along_first(start, stop, shape[0], math.prod(shape[1:]))
        return found.reshape(*shape[:0:-1], stop - start).transpose()

    def columns(start: int, stop: int) -> np.ndarray:
        if fortran:
            return read(start * shape[0], (stop - start, shape[0])).T
        return along_first(start, stop, shape[1], shape[0])

    return FileRows(where, shape, dtype, rows, columns=columns if len(shape) == 2 else None)


def _fill(file: IO[bytes], view: memoryview, offset: int) -> None:
    while view:
        count = os.preadv(file.fileno(), [view], offset)
        if not count:
            raise EOFError("the file ends before its numbers do")
        view, offset = view[count:], offset + count


def place(path: object, key: str) -> str:
    """A file and a key in it, for messages."""
    return f"{shown(str(path))}: {shown(key)}"
