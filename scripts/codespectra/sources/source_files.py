"""Which files activations are read from, for whoever stamps them."""

from pathlib import Path

from codespectra.errors import UserError
from codespectra.files.regular_files import reason, shown
from codespectra.sources.folders import files_inside
from codespectra.sources.formats.hdf5 import gathered_files


def source_files(path: Path) -> list[Path]:
    """The files that activations in a file or folder are read from, sorted.

    Raises:
        UserError: it isn't there, or a folder leads elsewhere.
    """
    try:
        if path.is_dir():
            return [path / name for name in files_inside(path)]
        path.stat()
    except OSError as error:
        raise UserError(f"{shown(path)}: not readable ({reason(error)}); check the path") from error
    names = path.parent / "file_names.txt"  # which thingsvision writes beside its features
    beside = [names] if path.name.startswith("features") and names.exists() else []
    return [path, *beside, *gathered_files(path)]
