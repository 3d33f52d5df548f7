"""Files that are whole or absent: atomic writes, content digests, checked HDF5, one writer each."""

import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codespectra.errors import UserError

if TYPE_CHECKING:
    import h5py
    import pandas as pd

SCHEMA_VERSION = 1
DIGESTED = 1 << 24  # bytes of a dataset that are read and hashed at a time

log = logging.getLogger("codespectra")


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; on success it becomes `path` in one step.

    The name holds the process id, so that an orphan of a killed run can't write into the file of
    the run that replaces it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        publish(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def publish(temporary: Path, path: Path) -> None:
    """Flush `temporary` to disk and give it its final name."""
    with temporary.open("rb") as handle:
        os.fsync(handle.fileno())
    temporary.replace(path)


def write_json(path: str | Path, content: dict[str, Any]) -> None:
    """Write sorted, indented JSON atomically; NaN is refused."""
    text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False)
    with atomic(path) as temporary:
        temporary.write_text(text + "\n")


def read_json(path: str | Path) -> dict[str, Any]:
    """Read a JSON object; a damaged file is named.

    Raises:
        UserError: `path` is missing or isn't JSON.
    """
    try:
        return json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: can't be read as JSON ({error}); delete it and rerun") from error


def write_csv(path: str | Path, table: "pd.DataFrame") -> None:
    """Write a tidy table atomically, nine significant digits."""
    with atomic(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.9g", lineterminator="\n")


def file_digest(path: str | Path) -> str:
    """Hexadecimal sha256 of a file's bytes."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def hdf5_digest(path: str | Path) -> str:
    """Hexadecimal sha256 of what an HDF5 file says: names, attributes, types, shapes, numbers.

    How it is laid out doesn't count: chunks, or shards that a virtual data set gathers.
    """
    import h5py

    digest = hashlib.sha256()
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
            shape = [item.dtype.str, *item.shape] if is_dataset else []
            digest.update(json.dumps([name, attributes, shape], sort_keys=True).encode())
            if is_dataset and item.size:
                step = max(1, DIGESTED * len(item) // item.nbytes)
                for start in range(0, len(item), step):
                    digest.update(item[start : start + step].data)
    return digest.hexdigest()


def content_digest(content: Any) -> str:
    """Hexadecimal sha256 of anything JSON can hold, independent of the order of keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@contextmanager
def create_hdf5(path: str | Path) -> Iterator["h5py.File"]:
    """Yield a new HDF5 file that gets its name when it is complete; same content, same bytes."""
    import h5py  # here: every start of snakemake imports this module

    with atomic(path) as temporary, h5py.File(temporary, "w", track_order=False) as file:
        file.attrs["schema_version"] = SCHEMA_VERSION
        yield file


@contextmanager
def open_hdf5(path: str | Path) -> Iterator["h5py.File"]:
    """Yield an HDF5 file of this project for reading.

    Raises:
        UserError: the file is missing, truncated, no HDF5, or of another schema version.
    """
    import h5py

    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise UserError(
            f"{path}: not a readable HDF5 file ({error}); delete it and rerun"
        ) from error
    with file:
        found = file.attrs.get("schema_version")
        if found != SCHEMA_VERSION:
            raise UserError(
                f"{path}: schema version {found}, expected {SCHEMA_VERSION}; delete it and rerun"
            )
        yield file


def is_finished(manifest: str | Path, identity: str) -> bool:
    """Whether `manifest` says that this very work is done: by an orphan that `only_writer` met.

    Snakemake removes a job's outputs before it starts, so nothing older can be found here.
    """
    manifest = Path(manifest)
    return manifest.exists() and read_json(manifest).get("identity") == identity


@contextmanager
def only_writer(path: str | Path) -> Iterator[None]:
    """Hold the lock of `path`, waiting for another process that still writes it.

    After a kill -9 of snakemake its jobs live on as orphans; the job that replaces one waits here,
    and then finds the orphan's finished work or goes on from where it died.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock_file = path.with_name(f".{path.name}.lock")
    with lock_file.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            owner = handle.read().strip() or "unknown"
            log.warning("%s: process %s still writes it (an orphan?); waiting for it", path, owner)
            fcntl.flock(handle, fcntl.LOCK_EX)
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield
