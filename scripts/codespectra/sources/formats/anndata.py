"""AnnData's .h5ad: X and its layers, observations in rows; read as the HDF5 that it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from codespectra.files.regular_files import refusing
from codespectra.sources.formats.hdf5 import contents, dataset_rows, open_users_hdf5
from codespectra.sources.held import Held, Passed, too_large, why_not
from codespectra.sources.labels import COLUMNS, enter, read_labels
from codespectra.sources.rows import WHOLE, FileRows, place
from codespectra.sources.source import Rows

MATRIX, LAYERS, OBSERVATIONS = "X", "layers", "obs"
PARTS = ("data", "indices", "indptr")  # of a CSR matrix


@contextmanager
def open_anndata(path: Path) -> Iterator[Held]:
    """X and `layers/NAME` of an .h5ad.

    Ids are `obs/stimulus_id` or else the index of `obs`, repeats `obs/repeat`.
    A sparse matrix that is compressed by rows (CSR) is filled up with zeros, some rows at a time.

    Raises:
        UserError: the file is damaged.
    """
    with open_users_hdf5(path) as file:
        with refusing(path, "damaged, or no AnnData", WHOLE):
            held, found = Held(), contents(file)
            for key in _matrices(file):
                if isinstance(file[key], h5py.Group):
                    held.add(key, _sparse_rows(path, key, file[key], found))
                else:
                    held.add(key, dataset_rows(path, key, file[key], held))
            _add_rest(found, held)
            _add_observations(file, found, held)
        yield held


def _matrices(file: h5py.File) -> list[str]:
    """Names of X and the layers, none of which is a link."""
    names = [f"{LAYERS}/{name}" for name in file[LAYERS]] if _is_own(file, LAYERS) else []
    return [name for name in (MATRIX, *names) if _is_own(file, name)]


def _is_own(file: h5py.File, name: str) -> bool:
    """Whether something is there, and lies in the file itself."""
    return isinstance(file.get(name, getlink=True), h5py.HardLink)


def _sparse_rows(path: Path, key: str, group: h5py.Group, found: dict) -> Rows | Passed:
    """Rows of a CSR matrix: data, indices and indptr, of the shape in its attributes."""
    from scipy.sparse import csr_matrix

    kind = group.attrs.get("encoding-type", group.attrs.get("h5sparse_format", "a group"))
    kind = kind.decode() if isinstance(kind, bytes) else str(kind)
    if not kind.startswith("csr"):
        words = "a sparse matrix by columns" if kind.startswith("csc") else f"of encoding {kind}"
        return Passed(words, "save it dense, or as scipy.sparse.csr_matrix")
    parts = [found.get(f"{key}/{name}") for name in PARTS]
    for name, part in zip(PARTS, parts, strict=True):
        if not isinstance(part, h5py.Dataset) or part.external or part.is_virtual:
            return Passed(f"sparse, and its {name} isn't in the file", "write it again")
        if refused := too_large(part.shape, part.dtype, part.id.get_storage_size()):
            return refused
    shape = tuple(int(size) for size in group.attrs.get("shape", group.attrs.get("h5sparse_shape")))
    data, indices, indptr = parts
    if refused := why_not(shape, data.dtype) or too_large(shape, data.dtype, data.nbytes):
        return refused
    ends = indptr[:]
    if len(shape) != 2 or ends.shape != (shape[0] + 1,):
        return Passed(f"sparse of shape {shape} with row ends {ends.shape}", "write it again")

    def read(start: int, stop: int) -> np.ndarray:
        first, last = int(ends[start]), int(ends[stop])
        within = (data[first:last], indices[first:last], ends[start : stop + 1] - first)
        rows = csr_matrix(within, shape=(stop - start, shape[1]))
        rows.check_format(full_check=True)
        return rows.toarray()

    return FileRows(place(path, key), shape, data.dtype, read)


def _add_rest(found: dict, held: Held) -> None:
    """What has rows too, and isn't activations: named whole, so that nothing is silent."""
    for name in sorted({key.split("/")[0] for key in found} - {MATRIX, LAYERS, OBSERVATIONS}):
        held.add(name, Passed("no matrix of observations by variables", "copy it to layers"))


def _add_observations(file: h5py.File, found: dict, held: Held) -> None:
    """Ids and repeats."""
    obs = file[OBSERVATIONS] if _is_own(file, OBSERVATIONS) else None
    if not isinstance(obs, h5py.Group):
        held.remarks.append("ids aren't read: obs isn't a group, as AnnData 0.7 and later write it")
        return
    index = obs.attrs.get("_index", "_index")
    index = index.decode() if isinstance(index, bytes) else str(index)
    held.ids = read_labels(obs, index, found)
    for name in COLUMNS:
        enter(held, name, read_labels(obs, name, found))
    if held.ids is None:
        held.remarks.append("ids aren't read: obs has no index of text or whole numbers")
