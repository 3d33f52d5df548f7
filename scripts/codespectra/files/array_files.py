"""Arrays as `numpy.save` writes them."""

from pathlib import Path

import numpy as np

from codespectra.errors import first_line
from codespectra.files.whole_files import atomic, damaged


def write_array(path: str | Path, array: np.ndarray) -> None:
    """Write an array atomically."""
    with atomic(path) as temporary, temporary.open("wb") as handle:
        np.save(handle, array)


def read_array(path: str | Path) -> np.ndarray:
    """Read an array that `write_array` wrote.

    Raises:
        UserError: `path` is missing, cut off or holds no array.
    """
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise damaged(path, f"damaged, or no array ({first_line(error)})") from error
