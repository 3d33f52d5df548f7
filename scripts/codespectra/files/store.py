"""Files that are whole or absent, and looked at before they are believed.

Written atomically; HDF5 and checkpoints are compared with the digest in
the manifest (.json) beside them. What is damaged is refused by name.
"""

import glob
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codespectra.errors import UserError, first_line
from codespectra.files import full_disk

# Every start of snakemake imports this module: the functions import what takes long.
if TYPE_CHECKING:
    import h5py
    import numpy as np
    import pandas as pd

SCHEMA_VERSION = 1
DIGESTED = 1 << 24  # bytes of a dataset that are read and hashed at a time
DESCRIBED = {".h5", ".pt"}  # files with a manifest beside them


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; on success it becomes `path` in one step.

    Raises:
        UserError: the disk is full; nothing is left of the file.
    """
    path = Path(path)
    with full_disk.told(path.parent), temporary_beside(path) as temporary:
        yield temporary
        publish(temporary, path)


@contextmanager
def temporary_beside(path: str | Path) -> Iterator[Path]:
    """Yield a name beside `path` for a file or folder, which is removed in the end.

    It holds machine and process, so that an orphan of a killed run can't write into the file of the
    run that replaces it. What processes killed on this machine have left there is removed too.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    begin = f".{path.name}.{os.uname().nodename}."
    for left in path.parent.glob(f"{glob.escape(begin)}*.tmp"):
        process = left.name.removeprefix(begin).removesuffix(".tmp")
        if process.isdecimal() and not _lives(int(process)):
            _remove(left)
    temporary = path.with_name(f"{begin}{os.getpid()}.tmp")
    try:
        yield temporary
    finally:
        _remove(temporary)


def _lives(process: int) -> bool:
    """Whether there is a process of that id."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


def _remove(path: Path) -> None:
    """Remove a file or a folder, if it is there; free a file's room though HDF5 holds it open."""
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        os.truncate(path, 0)
        path.unlink()


def publish(temporary: Path, path: Path) -> None:
    """Flush `temporary` to disk and give it its final name."""
    with temporary.open("rb") as handle:
        os.fsync(handle.fileno())
    temporary.replace(path)


def write_json(path: str | Path, content: dict[str, Any]) -> None:
    """Write sorted, indented JSON atomically; NaN is refused."""
    text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False)
    with atomic(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


class _Object(dict[str, Any]):
    """A JSON object that names its file when it lacks a key."""

    def __init__(self, content: dict[str, Any], path: str | Path):
        super().__init__(content)
        self.path = path

    def __missing__(self, key: str) -> Any:
        raise damaged(self.path, f"lacks {key!r}")


def read_json(path: str | Path) -> dict[str, Any]:
    """Read a JSON object; a damaged file is named.

    Raises:
        UserError: `path` is missing or holds no JSON object; later, a key is asked for that it
            lacks.
    """
    try:
        content = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise damaged(path, f"can't be read as JSON ({error})") from error
    if not isinstance(content, dict):
        raise damaged(path, f"holds a JSON {type(content).__name__}, expected an object")
    return _Object(content, path)


def write_csv(path: str | Path, table: "pd.DataFrame") -> None:
    """Write a tidy table atomically, nine significant digits."""
    with atomic(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.9g", lineterminator="\n")


def read_array(path: str | Path) -> "np.ndarray":
    """Read an array that `numpy.save` wrote.

    Raises:
        UserError: `path` is missing, cut off or holds no array.
    """
    import numpy as np

    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise damaged(path, f"damaged, or no array ({first_line(error)})") from error


def file_digest(path: str | Path) -> str:
    """Hexadecimal sha256 of a file's bytes."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def hdf5_digest(path: str | Path) -> str:
    """Hexadecimal sha256 of what an HDF5 file says: names, attributes, types, shapes, numbers.

    How it is laid out doesn't count: chunks, or shards that a virtual data set gathers.

    Raises:
        Exception: of nearly any kind, when the file is damaged.
    """
    import h5py

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
            shape = [item.dtype.str, *item.shape] if is_dataset else []
            if is_dataset and item.is_virtual:
                _check_shards(Path(path), item)
            # A damaged shape could take years to read.
            elif is_dataset and item.nbytes > held:
                raise ValueError(f"{name} {item.shape} is larger than the file")
            digest.update(json.dumps([name, attributes, shape], sort_keys=True).encode())
            if is_dataset and item.size:
                step = max(1, DIGESTED * len(item) // item.nbytes)
                for start in range(0, len(item), step):
                    digest.update(item[start : start + step].data)
    return digest.hexdigest()


def _check_shards(path: Path, dataset: "h5py.Dataset") -> None:
    """Refuse a gathered dataset without its shards: where one is missing HDF5 reads zeros."""
    for shard in {source.file_name for source in dataset.virtual_sources()}:
        # Beside the name that the file was opened by, or beside the file that it links to.
        if not any((name.parent / shard).exists() for name in (path, path.resolve())):
            raise FileNotFoundError(f"its shard {shard} is missing")


def content_digest(content: Any) -> str:
    """Hexadecimal sha256 of anything JSON can hold, independent of the order of keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@contextmanager
def create_hdf5(path: str | Path) -> Iterator["h5py.File"]:
    """Yield a new HDF5 file that gets its name when it is complete; same content, same bytes."""
    import h5py

    with atomic(path) as temporary, h5py.File(temporary, "w", track_order=False) as file:
        file.attrs["schema_version"] = SCHEMA_VERSION
        yield file


@contextmanager
def open_hdf5(path: str | Path) -> Iterator["h5py.File"]:
    """Yield an HDF5 file of this project for reading.

    Its content is compared with its manifest (.json) beside it, once a process; without a manifest
    nothing is known of its content.

    Raises:
        UserError: the file is missing, no HDF5, damaged, or of another schema version.
    """
    import h5py

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


def verify(path: str | Path, digest: Callable[[Path], str]) -> None:
    """Compare a file with the sha256 in the manifest (.json) beside it.

    Raises:
        UserError: they differ, or one of them can't be read; says what to delete.
    """
    path = Path(path)
    expected = read_json(path.with_suffix(".json"))["sha256"]
    try:
        found = digest(path)
    except Exception as error:  # HDF5 raises nearly anything at a damaged file.
        raise damaged(path, f"damaged: can't be read ({first_line(error)})") from error
    if found != expected:
        raise damaged(path, f"damaged: its sha256 is {found}, its manifest says {expected}")


def damaged(path: str | Path, found: str) -> UserError:
    """The error that names a damaged file of the workflow, what was found, and what to delete.

    A store goes with its manifest. Of a link, as into a cache that workflows share, the file behind
    it is named too: without the link alone the same file would come back.
    """
    path = Path(path)
    manifest = path.with_suffix(".json")
    files = [path, manifest] if path.suffix in DESCRIBED and manifest.exists() else [path]
    behind = [file.resolve() for file in files if file.is_symlink()]
    doomed = " and ".join(map(str, files + behind))
    return UserError(f"{path}: {found}; delete {doomed} and rerun")
