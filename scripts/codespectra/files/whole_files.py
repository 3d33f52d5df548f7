"""Files that are whole or absent: written beside their name first, and refused when damaged."""

import glob
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from codespectra.errors import UserError
from codespectra.files import full_disk
from codespectra.files.plain_files import open_plain

DESCRIBED = {".h5", ".pt"}  # files with a manifest beside them


@contextmanager
def atomic(path: str | Path, mode: int = 0o666) -> Iterator[Path]:
    """Yield a new, empty file beside `path`; on success it becomes `path` in one step.

    Raises:
        UserError: the disk is full; nothing is left of the file.
    """
    path = Path(path)
    with full_disk.told(path.parent), temporary_beside(path) as temporary:
        new = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        os.close(os.open(temporary, new, mode))
        yield temporary
        publish(temporary, path)


@contextmanager
def temporary_beside(path: str | Path) -> Iterator[Path]:
    """Yield a name beside `path` for a file or folder, which is removed in the end.

    Nobody can guess it, and plant a link there. It holds machine and process: what processes killed
    on this machine have left there is removed too.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    begin = f".{path.name}.{os.uname().nodename}."
    for left in path.parent.glob(f"{glob.escape(begin)}*.tmp"):
        process = left.name.removeprefix(begin).split(".")[0]
        if process.isdecimal() and not _lives(int(process)):
            _remove(left)
    temporary = path.with_name(f"{begin}{os.getpid()}.{secrets.token_hex(8)}.tmp")
    try:
        yield temporary
    finally:
        _empty(temporary)
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
    """Remove a file, a folder, or a link itself, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _empty(path: Path) -> None:
    """Free a file's room though HDF5 holds it open."""
    with suppress(FileNotFoundError, UserError):
        file = open_plain(path, os.O_WRONLY)
        os.ftruncate(file, 0)
        os.close(file)


def publish(temporary: Path, path: Path) -> None:
    """Flush `temporary` to disk and give it its final name."""
    file = open_plain(temporary, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
    temporary.replace(path)


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
