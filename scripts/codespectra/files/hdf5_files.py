"""HDF5, compared with the manifest (.json) beside it before it is believed."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import h5py

from codespectra.files.manifests import verify
from codespectra.files.regular_files import check_regular, reason
from codespectra.files.whole_files import atomic, damaged

SCHEMA_VERSION = 1
DIGESTED = 1 << 24  # bytes of a dataset that are read and hashed at a time


@contextmanager
def create_hdf5(path: str | Path) -> Iterator[h5py.File]:
    """Yield a new HDF5 file that gets its name when it is complete; same content, same bytes."""
    with atomic(path) as temporary, h5py.File(temporary, "w", track_order=False) as file:
        file.attrs["schema_version"] = SCHEMA_VERSION
        yield file


@contextmanager
def open_hdf5(path: str | Path) -> Iterator[h5py.File]:
    """Yield an HDF5 file of this project for reading.

    Its content is compared with its manifest (.json) beside it, once a process; without a manifest
    nothing is known of its content.

    Raises:
        UserError: the file is missing, no HDF5, damaged, or of another schema version.
    """
    path = Path(path)
    states = [_state(file) for file in (path, path.with_suffix(".json"))]
    if None not in states:
        _verify_hdf5(path, *states)
    try:
        file = _opened(path)
        found = " ".join(str(file.attrs.get("schema_version")).split())
    except Exception as error:
        raise damaged(path, f"not a readable HDF5 file ({reason(error)})") from error
    with file:
        if found != str(SCHEMA_VERSION):
            raise damaged(path, f"schema version {found:.40}, expected {SCHEMA_VERSION}")
        yield file


@cache
def _verify_hdf5(path: Path, *states: tuple[int, int]) -> None:
    """Verify a file; what passed isn't read again while it and its manifest are in these states."""
    verify(path, hdf5_digest)


def _state(path: Path) -> tuple[int, int] | None:
    """What a change of a file changes; None if it is missing."""
    if not path.exists():
        return None
    return path.stat().st_mtime_ns, path.stat().st_size


def hdf5_digest(path: str | Path, known: Mapping[str, str] | None = None) -> str:
    """Hexadecimal sha256 of what an HDF5 file says: names, attributes, types, shapes, numbers.

    How it is laid out doesn't count: chunks, or shards that a virtual data set gathers.

    Args:
        path: of the file.
        known: `rows_digest` of datasets whose numbers then aren't read, by their names.

    Raises:
        Exception: of nearly any kind, when the file is damaged.
    """
    known, digest = known or {}, hashlib.sha256()
    with _opened(path) as file:
        names = ["/"]
        file.visit(names.append)
        for name in sorted(names):
            item = file[name]
            attributes = {key: _said(item, key) for key in item.attrs if key != "REFERENCE_LIST"}
            is_dataset = isinstance(item, h5py.Dataset)
            content = [item.dtype.str, *item.shape] if is_dataset else []
            if name in known:
                content.append(known[name])
            elif is_dataset:
                content.append(rows_digest(item, len(item)).hexdigest())
            digest.update(json.dumps([name, attributes, content], sort_keys=True).encode())
    return digest.hexdigest()


def _said(item: h5py.HLObject, key: str) -> Any:
    """An attribute in plain numbers and text; of the scales of its axes, their names.

    Scales list the datasets that they are of, too, in a REFERENCE_LIST: that says nothing more.
    """
    value = item.attrs[key]
    if key == "DIMENSION_LIST":
        return [[_said(item.file[scale], "NAME") for scale in scales] for scales in value]
    plain = value.tolist() if hasattr(value, "tolist") else value
    return plain.decode("latin-1") if isinstance(plain, bytes) else plain


def rows_digest(dataset: h5py.Dataset, count: int) -> "hashlib._Hash":
    """sha256 of the numbers in the first `count` rows of a dataset; more rows can be added."""
    digest = hashlib.sha256()
    if dataset.size:
        step = max(1, DIGESTED * len(dataset) // dataset.nbytes)
        for start in range(0, count, step):
            digest.update(dataset[start : min(start + step, count)].data)
    return digest


def _opened(path: str | Path, is_shard: bool = False) -> h5py.File:
    """Open a file whose data lie in it, or in shards that hold theirs themselves.

    Raises:
        Exception: it is damaged, leads elsewhere, or says to hold more than it can.
    """
    path = Path(path)
    check_regular(path)
    file = h5py.File(path, "r")
    try:
        _check_links(file)
        datasets: list[h5py.Dataset] = []
        file.visititems(lambda _, item: _add_dataset(item, datasets))
        for dataset in datasets:
            if dataset.external:
                raise ValueError(f"{dataset.name} lies in {dataset.external[0][0]}")
        gathered = [dataset for dataset in datasets if dataset.is_virtual]
        if is_shard and gathered:
            raise ValueError(f"{gathered[0].name} of a shard is gathered from others")
        _check_room([d for d in datasets if not d.is_virtual], [path])
        _check_room(gathered, [_shard(path, name) for name in _shard_names(gathered)])
    except BaseException:
        file.close()
        raise
    return file


def _add_dataset(item: h5py.HLObject, datasets: list[h5py.Dataset]) -> None:
    if isinstance(item, h5py.Dataset):
        datasets.append(item)


def _check_links(file: h5py.File) -> None:
    """Refuse names that stand for an object of another file, or for another name."""
    others: list[bytes] = []

    def look(name: bytes, info: h5py.h5l.LinkInfo) -> None:
        if info.type != h5py.h5l.TYPE_HARD:
            others.append(name)

    file.id.links.visit(look, info=True)
    if others:
        raise ValueError(f"{others[0].decode(errors='replace')} is a link to somewhere else")


def _check_room(datasets: list[h5py.Dataset], files: list[Path]) -> None:
    """Refuse datasets that those files can't hold: a damaged shape could take years to read."""
    if sum(d.nbytes for d in datasets) > sum(file.stat().st_size for file in files):
        largest = max(datasets, key=lambda d: d.nbytes)
        raise ValueError(f"{largest.name} {largest.shape} is larger than the file")


def _shard_names(gathered: list[h5py.Dataset]) -> set[str]:
    return {source.file_name for dataset in gathered for source in dataset.virtual_sources()}


def _shard(path: Path, name: str) -> Path:
    """A shard of a gathered file, checked; where one is missing HDF5 would read zeros.

    It lies in the gathered file's folder or below it.
    """
    if Path(name).is_absolute() or ".." in Path(name).parts or name == ".":
        raise ValueError(f"its shard {name} lies in another folder")
    # Beside the name that the file was opened by, or beside the file that it links to.
    for beside in (path, path.resolve()):
        if (shard := beside.parent / name).exists():
            _opened(shard, is_shard=True).close()
            return shard
    raise FileNotFoundError(f"its shard {name} is missing")
