"""Folders of anybody's, nothing outside of which is read."""

import os
import stat
from pathlib import Path

from codespectra.files.regular_files import shown


def files_inside(root: Path) -> dict[str, int]:
    """Bytes of each file below a folder, by its path from there on, sorted.

    Raises:
        OSError: something there is neither a file nor a folder, or a link that leads outside.
    """
    found, folders, inside = {}, [root], root.resolve()
    while folders:
        for entry in os.scandir(folders.pop()):
            name = shown(os.path.relpath(entry.path, root))
            if entry.is_symlink():
                if not Path(entry.path).resolve().is_relative_to(inside):
                    raise OSError(f"{name} is a link to somewhere else; put the file there itself")
                if entry.is_dir():
                    raise OSError(f"{name} is a link to a folder; put the folder there itself")
            if entry.is_dir():
                folders.append(Path(entry.path))
            elif stat.S_ISREG(entry.stat().st_mode):
                found[os.path.relpath(entry.path, root)] = entry.stat().st_size
            else:
                raise OSError(f"{name} is neither a file nor a folder")
    return dict(sorted(found.items()))
