"""HDF5 of anybody's: nothing outside the file is read but what a virtual dataset is gathered from.

A dataset a layer, in groups or not.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from codespectra.errors import UserError
from codespectra.files.regular_files import check_regular, reason, refusing, shown
from codespectra.sources.held import Held, Passed, too_coarse, too_large, why_not
from codespectra.sources.labels import COLUMNS, enter, read_labels
from codespectra.sources.rows import WHOLE, FileRows, place
from codespectra.sources.source import Rows

CACHE = 1 << 26  # bytes of unpacked chunks that are kept


@contextmanager
def open_hdf5_source(path: Path) -> Iterator[Held]:
    """The datasets of an HDF5 file, by their paths in it; `stimulus_id` and `repeat` tell of rows.

    Raises:
        UserError: the file is damaged.
    """
    with open_users_hdf5(path) as file:
        with refusing(path, "damaged HDF5", WHOLE):
            held = Held()
            found = contents(file)
            for key, item in found.items():
                held.add(key, dataset_rows(path, key, item, held))
            for name in COLUMNS:
                enter(held, name, read_labels(file, name, found))
        yield held


@contextmanager
def open_users_hdf5(path: Path) -> Iterator[h5py.File]:
    """An HDF5 file, which may lead elsewhere.

    Raises:
        UserError: it is damaged.
    """
    with refusing(path, "damaged, or no HDF5", WHOLE):
        check_regular(path)
        file = h5py.File(path, "r", rdcc_nbytes=CACHE)
    with file:
        yield file


def contents(file: h5py.File) -> dict[str, h5py.Dataset | Passed]:
    """Every dataset of a file, and every link to elsewhere, which isn't followed."""
    found: dict[str, h5py.Dataset | Passed] = {}

    def add_dataset(key: str | bytes, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset):
            found[_as_text(key)] = item

    def add_link(key: bytes, info: h5py.h5l.LinkInfo) -> None:
        if info.type != h5py.h5l.TYPE_HARD:
            found[_as_text(key)] = Passed(
                f"a link to {_target(file, key)}", "name that, in its own file"
            )

    file.visititems(add_dataset)
    file.id.links.visit(add_link, info=True)
    return found


def _target(file: h5py.File, key: bytes) -> str:
    found = file.id.links.get_val(key)
    parts = found if isinstance(found, tuple) else (found,)
    return shown(" ".join(map(_as_text, parts)))


def _as_text(name: str | bytes) -> str:
    """A name, which needn't be UTF-8."""
    return name if isinstance(name, str) else name.decode(errors="backslashreplace")


def dataset_rows(
    path: Path, key: str, dataset: h5py.Dataset | Passed, held: Held, *, turned: bool = False
) -> Rows | Passed:
    """Rows of a dataset, or why it has none that can be read.

    Args:
        path: of the file.
        key: of the dataset in it.
        dataset: as `contents` gives it.
        held: gets a remark where not all is as it seems.
        turned: whether its axes are in reverse order.
    """
    if isinstance(dataset, Passed):
        return dataset
    try:
        shape, dtype = dataset.shape, dataset.dtype
    except TypeError:  # A kind of number that NumPy doesn't know.
        return Passed("of a type that NumPy doesn't have", "save it as float32")
    if shape is None:
        return Passed("empty", "write its numbers")
    shape = shape[::-1] if turned else shape
    refused = _named(dtype) or why_not(shape, dtype) or _unreachable(path, dataset, held)
    stored = dataset.id.get_storage_size()
    if not dataset.is_virtual:
        refused = refused or too_coarse(dataset.chunks, dtype) or too_large(shape, dtype, stored)
    if refused:
        return refused
    if missing := _never_written(dataset):
        held.remarks.append(
            f"{shown(key)}: {missing} never written, and read as {dataset.fillvalue}"
        )
    return _rows(place(path, key), dataset, turned)


def _never_written(dataset: h5py.Dataset) -> str:
    """Which chunks, or whether all numbers, are only said to be there."""
    if dataset.is_virtual:
        return ""
    if dataset.chunks is None:
        return "" if dataset.id.get_storage_size() else "its numbers were"
    pairs = zip(dataset.shape, dataset.chunks, strict=True)
    count = math.prod(-(-size // chunk) for size, chunk in pairs)
    written = dataset.id.get_num_chunks()
    return f"{count - written} of its {count} chunks were" if written < count else ""


def _rows(where: str, dataset: h5py.Dataset, turned: bool) -> FileRows:
    shape, grain = dataset.shape, (dataset.chunks or (1,))[0]
    rows, columns = (lambda a, b: dataset[a:b]), (lambda a, b: dataset[:, a:b])
    if turned:
        shape, grain = shape[::-1], (dataset.chunks or (1,))[-1]
        rows, columns = (lambda a, b: dataset[..., a:b].T), (lambda a, b: dataset[a:b].T)
    is_matrix = len(shape) == 2
    return FileRows(
        where, shape, dataset.dtype, rows, columns=columns if is_matrix else None, grain=grain
    )


def _named(dtype: np.dtype) -> Passed | None:
    """Words for what h5py calls an object, none of which is pickled."""
    if h5py.check_string_dtype(dtype):
        return Passed("text")
    if (base := h5py.check_vlen_dtype(dtype)) is not None:
        return Passed(f"rows of different lengths ({base})", "save a matrix")
    if h5py.check_ref_dtype(dtype):
        return Passed("references to other objects")
    return None


def _unreachable(path: Path, dataset: h5py.Dataset, held: Held) -> Passed | None:
    """Why a dataset's numbers can't or shouldn't be read."""
    layout = dataset.id.get_create_plist()
    for number in range(layout.get_nfilters()):
        code, _, _, name = layout.get_filter(number)
        if not h5py.h5z.filter_avail(code):
            found = f"packed by {shown(name.decode(errors='replace'))} (filter {code})"
            return Passed(f"{found}, which isn't installed", "write it again with gzip")
    if dataset.external:
        found = f"stored in another file, {shown(dataset.external[0][0])}"
        return Passed(found, "copy its numbers into the file")
    return _ungathered(path, dataset, held) if dataset.is_virtual else None


def gathered_files(path: Path) -> list[Path]:
    """Files that virtual datasets of a file are gathered from, sorted; none if it is no HDF5."""
    try:
        with open_users_hdf5(path) as file:
            found = [item for item in contents(file).values() if isinstance(item, h5py.Dataset)]
            sources = [s for item in found if item.is_virtual for s in item.virtual_sources()]
            parts = {_beside(path, source.file_name) for source in sources} - {None, path}
    except (UserError, OSError):
        return []
    return sorted(parts)


def _ungathered(path: Path, dataset: h5py.Dataset, held: Held) -> Passed | None:
    """Why a virtual dataset can't be gathered; where it is from becomes a remark."""
    sources = dataset.virtual_sources()
    try:
        files = {source.file_name: _gathered_from(path, source, dataset.file) for source in sources}
    except (OSError, ValueError, KeyError) as error:
        return Passed(f"virtual, and {reason(error)}", "copy its numbers into one dataset")
    covered = sum(source.vspace.get_select_npoints() for source in sources)
    if covered < dataset.size:
        missing = f"{dataset.size - covered:,} of its {dataset.size:,} numbers"
        return Passed(f"virtual, and {missing} are in no part", "copy its numbers into one dataset")
    names = ", ".join(sorted(shown(name) for name in files if name != "."))
    held.remarks.append(f"{shown(dataset.name[1:])}: gathered from {names or 'other datasets'}")
    return too_large(dataset.shape, dataset.dtype, sum(f.stat().st_size for f in files.values()))


def _gathered_from(path: Path, source: Any, own: h5py.File) -> Path:
    """The file of one part of a virtual dataset: beside it or below, and holding the part itself.

    Where one is missing HDF5 would read zeros.
    """
    name = source.file_name
    if name == ".":
        _check_part(own, source)
        return path
    if (found := _beside(path, name)) is None:
        raise FileNotFoundError(f"its part {shown(name)} is missing")
    if not found.resolve().is_relative_to(path.resolve().parent):
        raise ValueError(f"its part {shown(name)} lies in another folder")
    with open_users_hdf5(found) as file:
        _check_part(file, source)
    return found


def _beside(path: Path, name: str) -> Path | None:
    """A part of a file: beside the name that it was opened by, or beside the file behind that."""
    places = (beside.parent / name for beside in (path, path.resolve()))
    return next((file for file in places if file.is_file()), None) if name != "." else path


def _check_part(file: h5py.File, source: Any) -> None:
    part = contents(file).get(source.dset_name.strip("/"))
    where = f"{shown(source.dset_name)} of {shown(source.file_name)}"
    if not isinstance(part, h5py.Dataset) or part.is_virtual or part.external:
        raise ValueError(f"its part {where} holds no numbers itself")
    chosen = source.src_space
    if chosen.get_select_type() == h5py.h5s.SEL_ALL:
        is_small = part.size < source.vspace.get_select_npoints()
    else:
        ends = chosen.get_select_bounds()[1]
        is_small = len(ends) != part.ndim or np.any(np.array(ends) >= part.shape)
    if is_small:
        raise ValueError(f"its part {where} is of shape {part.shape}, too small")
