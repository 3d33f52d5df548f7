"""A digest that changes with files of a user's, without reading them."""

from collections.abc import Iterable
from pathlib import Path

from codespectra.files.json_files import content_digest


def date_stamp(paths: Iterable[Path], root: Path) -> str:
    """Digest of the names from `root` on, sizes and dates of files; links are followed.

    Contents aren't read: there may be a million images. Another place has the same stamp only where
    the dates were kept too, so that equal stamps mean equal files.

    Raises:
        OSError: one of them can't be looked at.
    """
    found = [(str(path).removeprefix(f"{root}/"), path.stat()) for path in paths]
    return content_digest([(name, s.st_size, s.st_mtime_ns) for name, s in found])
