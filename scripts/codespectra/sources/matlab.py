"""MATLAB's .mat: version 7.3, which is HDF5, and those before it."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import h5py
import numpy as np

from codespectra.files.regular_files import check_regular, refusing, shown
from codespectra.sources.hdf5 import contents, dataset_rows, open_users_hdf5
from codespectra.sources.held import Held, Passed, too_large, why_not
from codespectra.sources.rows import WHOLE, FileRows, place
from codespectra.sources.source import Rows

TYPES = {"double": "f8", "single": "f4", "logical": "u1"} | {
    f"{sign}int{8 * size}": f"{sign or 'i'}{size}" for sign in ("u", "") for size in (1, 2, 4, 8)
}
WORDS = {"cell": "a cell array", "struct": "a struct", "char": "text", "sparse": "sparse"}
REMEDY = "save a full numeric matrix"
OWN = "#"  # MATLAB's own groups begin with it
MOST_BYTES = 1 << 32  # of a variable before version 7.3
HEAD, COMPRESSED, COMPLEX = 128, 15, 0x0800


@contextmanager
def open_mat(path: Path) -> Iterator[Held]:
    """The variables of a .mat, with axes in MATLAB's order.

    Before version 7.3 a variable is unpacked as a whole, one at a time.

    Raises:
        UserError: the file is damaged.
    """
    with refusing(path, "damaged, or no MATLAB file", WHOLE):
        check_regular(path)
        is_hdf5 = h5py.is_hdf5(path)
    with (_open_hdf5 if is_hdf5 else _open_version_5)(path) as held:
        yield held


@contextmanager
def _open_hdf5(path: Path) -> Iterator[Held]:
    with open_users_hdf5(path) as file:
        with refusing(path, "damaged, or no MATLAB file", WHOLE):
            held = Held()
            for key, found in contents(file).items():
                if key.startswith(OWN):
                    continue
                if isinstance(found, h5py.Dataset) and "MATLAB_sparse" in found.parent.attrs:
                    held.add(found.parent.name[1:], Passed("sparse", REMEDY))
                    continue
                refused = isinstance(found, h5py.Dataset) and _refused(found)
                held.add(key, refused or dataset_rows(path, key, found, held, turned=True))
        yield held


def _refused(dataset: h5py.Dataset) -> Passed | None:
    kind = dataset.attrs.get("MATLAB_class", b"double")
    kind = kind.decode(errors="replace") if isinstance(kind, bytes) else str(kind)
    if dataset.attrs.get("MATLAB_empty"):
        return Passed("empty", "write its numbers")
    if dataset.dtype.names == ("real", "imag"):
        return Passed("complex", "save its magnitude, or real and imaginary part")
    return None if kind in TYPES else Passed(WORDS.get(kind, f"of class {shown(kind)}"), REMEDY)


@contextmanager
def _open_version_5(path: Path) -> Iterator[Held]:
    from scipy.io import whosmat

    held, variables = Held(), _Variables(path)
    with refusing(path, "damaged, or no MATLAB file", WHOLE):
        listed = whosmat(path, appendmat=False)
        complex_ones = _complex_ones(path, len(listed))
    for (key, shape, kind), is_complex in zip(listed, complex_ones, strict=True):
        held.add(key, _variable(path, key, shape, kind, is_complex, variables))
    if held.arrays:
        held.remarks.append("before MATLAB 7.3 a variable is read into memory as a whole")
    yield held


def _variable(
    path: Path, key: str, shape: tuple, kind: str, is_complex: bool, variables: "_Variables"
) -> Rows | Passed:
    if kind not in TYPES:
        return Passed(WORDS.get(kind, f"of class {shown(kind)}"), REMEDY)
    dtype = np.dtype("c16" if is_complex else TYPES[kind])
    refused = why_not(shape, dtype) or too_large(shape, dtype, path.stat().st_size)
    if not refused and np.prod([float(size) for size in shape]) * dtype.itemsize > MOST_BYTES:
        refused = Passed(f"said to be {shape}, more than such a file can hold", "save with -v7.3")
    if refused:
        return refused
    return FileRows(place(path, key), shape, dtype, lambda a, b: variables.read(key)[a:b])


class _Variables:
    """Variables of a file, of which the last one read is kept."""

    def __init__(self, path: Path):
        self._path, self._key, self._array = path, None, None

    def read(self, key: str) -> np.ndarray:
        from scipy.io import loadmat

        if key != self._key:
            self._array = None
            found = loadmat(self._path, appendmat=False, mat_dtype=True, variable_names=[key])
            self._key, self._array = key, found[key]
        return self._array


def _complex_ones(path: Path, count: int) -> list[bool]:
    """Whether each variable is complex, which SciPy tells only after reading it (version 5)."""
    with path.open("rb") as file:
        head = file.read(HEAD)
        if not head.startswith(b"MATLAB"):  # version 4 has no such header
            return [False] * count
        order = "<" if head[126:128] == b"IM" else ">"
        return [_is_complex(file, order) for _ in range(count)]


def _is_complex(file: BinaryIO, order: str) -> bool:
    """Read the flags of the variable that begins here, and go to the next one.

    Source: MathWorks, MAT-File Format, level 5: tag, flags (a tag of 8 bytes, and then they).
    """
    kind, size = struct.unpack(f"{order}II", file.read(8))
    content = file.read(min(size, 256))
    file.seek(size - len(content), 1)
    if kind == COMPRESSED:
        content = zlib.decompressobj().decompress(content, 64)[8:]
    flags = struct.unpack(f"{order}I", content[8:12])[0]
    return bool(flags & COMPLEX)
