"""Arrays as `numpy.save` writes them."""

from pathlib import Path

import numpy as np

from codespectra.files.regular_files import open_regular, reason
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
        with open_regular(path) as file:
            return np.lib.format.read_array(file, allow_pickle=False)
    except Exception as error:  # A damaged shape needs more memory than there is.
        raise damaged(path, f"damaged, or no array ({reason(error)})") from error
