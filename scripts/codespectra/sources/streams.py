"""Rows of an array that is unpacked from its beginning to its end, never as a whole."""

import math
from collections.abc import Callable
from typing import IO, NamedTuple

import numpy as np

from codespectra.sources.rows import FileRows

STEP = 1 << 24  # bytes that are passed over at a time


class Laid(NamedTuple):
    """How an array lies in a stream; `bytes` come before it, `fortran`: first axis fastest."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype
    bytes: int


def streamed_rows(where: str, begin: Callable[[], IO[bytes]], laid: Laid) -> FileRows:
    """Rows of an array in a stream.

    Args:
        where: the file and the key, for messages.
        begin: gives the stream from its beginning.
        laid: how the array lies in it.
    """
    forward = _Forward(begin)
    size, others = laid.dtype.itemsize, math.prod(laid.shape[1:])

    def rows(start: int, stop: int) -> np.ndarray:
        numbers = forward.read(laid.bytes + start * others * size, (stop - start) * others * size)
        return np.frombuffer(numbers, laid.dtype).reshape(stop - start, *laid.shape[1:])

    def turned_rows(start: int, stop: int) -> np.ndarray:
        found = np.empty((others, stop - start), laid.dtype)
        for other in range(others):
            at = laid.bytes + (other * laid.shape[0] + start) * size
            found[other] = np.frombuffer(forward.read(at, (stop - start) * size), laid.dtype)
        return found.reshape(*laid.shape[:0:-1], stop - start).transpose()

    return FileRows(where, laid.shape, laid.dtype, turned_rows if laid.fortran else rows)


class _Forward:
    """Bytes of a stream at any place; what lies before the last ones needs a new beginning."""

    def __init__(self, begin: Callable[[], IO[bytes]]):
        self._begin, self._at = begin, 0
        self._stream: IO[bytes] | None = None

    def read(self, at: int, count: int) -> bytes:
        if self._stream is None or at < self._at:
            if self._stream is not None:
                self._stream.close()
            self._stream, self._at = self._begin(), 0
        while self._at < at:
            self._take(min(STEP, at - self._at))
        return self._take(count)

    def _take(self, count: int) -> bytes:
        found = self._stream.read(count)
        self._at += len(found)
        if len(found) < count:
            raise EOFError("the file ends before its numbers do")
        return found
