"""The files below a user's folder, for whoever reads them and whoever stamps them."""

import logging
import os
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

log = logging.getLogger("codespectra")


def files_below(root: str | Path, pattern: str = "**/*") -> list[Path]:
    """Regular files below a folder that match a glob pattern, sorted by folder and name.

    Linked folders are entered, but each folder once, whatever links lead to it. Names that begin
    with a dot are never seen; pipes and links to nothing are passed over with a warning.

    Args:
        root: the folder.
        pattern: as of `Path.glob`: `**` stands for any number of folders.

    Raises:
        OSError: a folder can't be read.
    """
    root = Path(root)
    found = matching(_walk(root), root, pattern)
    return sorted(found, key=lambda path: (str(path.parent), path.name))


def matching(paths: Iterable[Path], root: str | Path, pattern: str) -> list[Path]:
    """Those of some files below a folder that match a glob pattern."""
    wanted = PurePosixPath(pattern).parts
    return [path for path in paths if _fits(path.relative_to(root).parts, wanted)]


def _walk(root: Path) -> Iterator[Path]:
    seen: set[tuple[int, int]] = set()
    # A folder goes by its own name rather than by that of a link to it.
    folders, links = [root], []
    while folders or links:
        folder = folders.pop() if folders else links.pop(0)
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            path = folder / entry.name
            if entry.name.startswith("."):
                continue
            # What is no link is known without a look at it.
            seen_as = path if entry.is_symlink() else entry
            if seen_as.is_dir():
                (links if entry.is_symlink() else folders).append(path)
            elif seen_as.is_file():
                yield path
            else:
                log.warning("%s: passed over, since it is no regular file", path)


def _fits(names: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    if not wanted:
        return not names
    if wanted[0] == "**":
        rest = wanted[1:]
        return any(_fits(names[start:], rest) for start in range(len(names) + 1))
    return bool(names) and fnmatchcase(names[0], wanted[0]) and _fits(names[1:], wanted[1:])
