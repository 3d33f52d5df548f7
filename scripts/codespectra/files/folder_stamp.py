"""A digest that changes with the files of a user's folder, without reading them."""

from pathlib import Path

from codespectra.files.folder_walk import files_below
from codespectra.files.json_files import content_digest


def folder_stamp(root: str | Path, pattern: str = "**/*") -> str:
    """Digest of the names, sizes and dates of the files below `root` that match a glob pattern.

    They are those that a reader of the folder sees. Contents aren't read: a folder may hold a
    million images. Another place has the same stamp only where the dates were kept too, so that
    equal stamps mean equal files. A folder that can't be read has the stamp of an empty one: its
    reader says what is wrong.
    """
    try:
        return files_stamp(root, files_below(root, pattern))
    except OSError:
        return files_stamp(root, [])


def files_stamp(root: str | Path, files: list[Path]) -> str:
    """Digest of the names, sizes and dates of those files below `root`."""
    found = [(path.relative_to(root).as_posix(), path.stat()) for path in files]
    return content_digest([(name, s.st_size, s.st_mtime_ns) for name, s in found])
