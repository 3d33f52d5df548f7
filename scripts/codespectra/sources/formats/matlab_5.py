"""MATLAB files of level 5 (versions 5 to 7), of which full numeric matrices are read.

SciPy's reader kills the process at some damaged files, and reads whole files. Source: MathWorks,
MAT-File Format (2024), chapter 1: elements of a tag (type, bytes) and content; a variable's are
flags, dimensions, name and numbers by columns; packed ones are a zlib stream of one element.
"""

import io
import math
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from codespectra.files.regular_files import open_regular, refusing, shown
from codespectra.sources.held import Held, Passed, too_large, why_not
from codespectra.sources.rows import WHOLE, FileRows, place, plain_rows
from codespectra.sources.source import Rows

HEAD = 128  # bytes before the first variable
ORDERS = {b"IM": "<", b"MI": ">"}
MATRIX, PACKED = 14, 15  # types of elements
CLASSES = dict(enumerate(["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"], start=6))
STORED = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
WORDS = {1: "a cell array", 2: "a struct", 3: "an object", 4: "text", 5: "sparse"}
OPAQUE, COMPLEX = 17, 0x0800
BEGIN = 1 << 16  # bytes that dimensions and name fit into
PIECE = 1 << 16  # bytes that are unpacked at a time
MOST_AXES = 32


class Variable(NamedTuple):
    """One full numeric variable; its numbers begin `at` that byte of it, unpacked."""

    shape: tuple[int, ...]
    stored: np.dtype
    dtype: np.dtype
    at: int


@contextmanager
def open_matlab_5(path: Path) -> Iterator[Held]:
    """The variables of a file; packed ones are unpacked as a whole, one at a time.

    Raises:
        UserError: the file is damaged, or older.
    """
    with refusing(path, "damaged, or no MATLAB file of version 5 or later", WHOLE):
        file = open_regular(path)
    with file:
        held, kept = Held(), _Kept()
        with refusing(path, "damaged, or no MATLAB file of version 5 or later", WHOLE):
            order = ORDERS.get(file.read(HEAD)[126:128])
            if order is None:
                raise ValueError("of version 4 or no such file; save it with -v7.3")
            size = path.stat().st_size
            while (start := file.tell()) < size:
                kind, count = map(int, np.frombuffer(file.read(8), f"{order}u4"))
                if start + 8 + count > size:
                    raise EOFError("it ends within a variable")
                if kind in (MATRIX, PACKED):
                    begin = start if kind == MATRIX else start + 8
                    _add(path, file, order, kind == PACKED, begin, count, held, kept)
                file.seek(start + 8 + count)
        yield held


def _add(
    path: Path,
    file: BinaryIO,
    order: str,
    packed: bool,
    start: int,
    count: int,
    held: Held,
    kept: "_Kept",
) -> None:
    """Enter the variable whose element, or the stream of it, begins at `start`."""
    file.seek(start)
    content = file.read(BEGIN)
    content = zlib.decompressobj().decompress(content, BEGIN) if packed else content
    name, said = _described(io.BytesIO(content), order)
    found: Any = said
    if not name:
        return  # MATLAB's own, for functions
    where = place(path, name)
    if isinstance(found, Variable) and packed:
        found = _packed_rows(where, file, start, count, found, kept)
        held.remarks.append(f"{shown(name)}: packed, read into memory as a whole")
    elif isinstance(found, Variable):
        found = plain_rows(
            file, where, start + found.at, found.shape, found.stored, fortran=True
        ).converted(found.dtype)
    held.add(name, found)


def _described(content: BinaryIO, order: str) -> tuple[str, Variable | Passed]:
    """Name of a variable, and what it is, from the beginning of its element."""
    content.read(8)
    flags = int(_element(content, order)[0])
    if flags & 0xFF == OPAQUE:
        return _name(content, order), Passed("an object", "save a full matrix")
    shape = tuple(int(size) for size in _element(content, order))
    name = _name(content, order)
    if flags & 0xFF not in CLASSES:
        return name, Passed(WORDS.get(flags & 0xFF, "no matrix of numbers"), "save a full matrix")
    dtype = np.dtype(CLASSES[flags & 0xFF])
    if refused := why_not(shape, np.dtype("c16") if flags & COMPLEX else dtype):
        return name, refused
    if len(shape) > MOST_AXES or min(shape) < 0:
        raise ValueError(f"{shown(name)} is of shape {shape}")
    kind, count, at = _begun(content, order)
    stored = np.dtype(f"{order}{STORED[kind]}")
    if count != math.prod(shape) * stored.itemsize:
        raise ValueError(f"{shown(name)} is {shape} of {stored}, and has {count:,} bytes")
    return name, Variable(shape, stored, dtype, at)


def _name(content: BinaryIO, order: str) -> str:
    return _element(content, order).tobytes().decode("utf-8", errors="backslashreplace")


def _element(content: BinaryIO, order: str) -> np.ndarray:
    """The numbers of a small element, and the reader after it."""
    kind, count, at = _begun(content, order)
    numbers = np.frombuffer(content.read(count), f"{order}{STORED.get(kind, 'u1')}")
    # Elements begin at multiples of 8 bytes.
    content.seek(-(-(at + count) // 8) * 8)
    return numbers


def _begun(content: BinaryIO, order: str) -> tuple[int, int, int]:
    """Type of an element, its bytes, and where they begin; up to 4 lie within the tag itself."""
    first = int(np.frombuffer(content.read(4), f"{order}u4")[0])
    if first >> 16:
        return first & 0xFFFF, first >> 16, content.tell()
    count = int(np.frombuffer(content.read(4), f"{order}u4")[0])
    return first, count, content.tell()


def _packed_rows(
    where: str, file: BinaryIO, start: int, count: int, found: Variable, kept: "_Kept"
) -> Rows | Passed:
    if refused := too_large(found.shape, found.stored, count):
        return refused

    def unpacked() -> np.ndarray:
        numbers = np.empty(math.prod(found.shape), found.stored)
        _inflate(file, start, count, found.at, numbers.view(np.uint8).data)
        return numbers.reshape(found.shape, order="F")

    def read(first: int, stop: int) -> np.ndarray:
        return kept.array(start, unpacked)[first:stop].astype(found.dtype)

    return FileRows(where, found.shape, found.dtype, read)


def _inflate(file: BinaryIO, start: int, count: int, skipped: int, into: memoryview) -> None:
    """Unpack a stream of so many bytes, but for what is skipped; its sum is compared at its end."""
    stream, at = zlib.decompressobj(), -skipped
    file.seek(start)
    for begin in range(0, count, PIECE):
        content = stream.decompress(file.read(min(PIECE, count - begin)))
        target = into[max(0, at) :]
        wanted = content[max(0, -at) :][: len(target)]
        target[: len(wanted)] = wanted
        at += len(content)
        if at > len(into) + 8:  # more than what fills up the last 8 bytes
            raise ValueError("a variable has more numbers than it says")
    if at < len(into) or not stream.eof or stream.unused_data:
        raise EOFError("it ends within a variable")


class _Kept:
    """The array that was unpacked last."""

    def __init__(self) -> None:
        self._key: int | None = None
        self._array: np.ndarray | None = None

    def array(self, key: int, unpacked: Callable[[], np.ndarray]) -> np.ndarray:
        if key != self._key:
            self._key = self._array = None
            self._array = unpacked()
            self._key = key
        return self._array
