"""HDF5, compared with the manifest (.json) beside it before it is believed."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import h5py

from codespectra.files.manifests import verify
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
        file = h5py.File(path, "r")
    except OSError as error:
        raise damaged(path, f"not a readable HDF5 file ({error})") from error
    with file:
        found = file.attrs.get("schema_version")
        if found != SCHEMA_VERSION:
            raise damaged(path, f"schema version {found}, expected {SCHEMA_VERSION}")
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
    known = known or {}
    digest, held = hashlib.sha256(), Path(path).stat().st_size
    with h5py.File(path) as file:
        names = ["/"]
        file.visit(names.append)
        for name in sorted(names):
            item = file[name]
            attributes = {
                key: value.tolist() if hasattr(value, "tolist") else value
                for key, value in item.attrs.items()
            }
            is_dataset = isinstance(item, h5py.Dataset)
            content = [item.dtype.str, *item.shape] if is_dataset else []
            if is_dataset and item.is_virtual:
                _check_shards(Path(path), item)
            # A damaged shape could take years to read.
            elif is_dataset and item.nbytes > held:
                raise ValueError(f"{name} {item.shape} is larger than the file")
            if name in known:
                content.append(known[name])
            elif is_dataset:
                content.append(rows_digest(item, len(item)).hexdigest())
            digest.update(json.dumps([name, attributes, content], sort_keys=True).encode())
    return digest.hexdigest()


def rows_digest(dataset: h5py.Dataset, count: int) -> "hashlib._Hash":
    """sha256 of the numbers in the first `count` rows of a dataset; more rows can be added."""
    digest = hashlib.sha256()
    if dataset.size:
        step = max(1, DIGESTED * len(dataset) // dataset.nbytes)
        for start in range(0, count, step):
            digest.update(dataset[start : min(start + step, count)].data)
    return digest


def _check_shards(path: Path, dataset: h5py.Dataset) -> None:
    """Refuse a gathered dataset without its shards: where one is missing HDF5 reads zeros."""
    for shard in {source.file_name for source in dataset.virtual_sources()}:
        # Beside the name that the file was opened by, or beside the file that it links to.
        if not any((name.parent / shard).exists() for name in (path, path.resolve())):
            raise FileNotFoundError(f"its shard {shard} is missing")
