"""MATLAB's .mat: version 7.3, which is HDF5, and versions 5 to 7."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from codespectra.files.regular_files import check_regular, refusing, shown
from codespectra.sources.formats.hdf5 import contents, dataset_rows, open_users_hdf5
from codespectra.sources.formats.matlab_5 import open_matlab_5
from codespectra.sources.held import Held, Passed
from codespectra.sources.rows import WHOLE

CLASSES = {"double", "single", "logical"} | {
    f"{s}int{n}" for s in ("u", "") for n in (8, 16, 32, 64)
}
WORDS = {"cell": "a cell array", "struct": "a struct", "char": "text"}
REMEDY = "save a full numeric matrix"
OWN = "#"  # MATLAB's own groups begin with it


@contextmanager
def open_mat(path: Path) -> Iterator[Held]:
    """The variables of a .mat, with axes in MATLAB's order.

    Raises:
        UserError: the file is damaged.
    """
    with refusing(path, "damaged, or no MATLAB file", WHOLE):
        check_regular(path)
        is_hdf5 = h5py.is_hdf5(path)
    with (_open_hdf5 if is_hdf5 else open_matlab_5)(path) as held:
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
                refused = _refused(found) if isinstance(found, h5py.Dataset) else None
                held.add(key, refused or dataset_rows(path, key, found, held, turned=True))
        yield held


def _refused(dataset: h5py.Dataset) -> Passed | None:
    """Why a variable isn't a full matrix of numbers."""
    kind = dataset.attrs.get("MATLAB_class", b"double")
    kind = kind.decode(errors="replace") if isinstance(kind, bytes) else str(kind)
    if dataset.attrs.get("MATLAB_empty"):
        return Passed("empty", "write its numbers")
    if dataset.dtype.names == ("real", "imag"):
        return Passed("complex", "save its magnitude, or real and imaginary part")
    return None if kind in CLASSES else Passed(WORDS.get(kind, f"of class {shown(kind)}"), REMEDY)
