"""Arrays as `numpy.save` writes them."""

from pathlib import Path

import numpy as np

from codespectra.files.kept_results import Item, KeptResults
from codespectra.files.notes import check_noted, write_note
from codespectra.files.regular_files import check_regular, reason
from codespectra.files.whole_files import atomic, damaged


def write_array(path: str | Path, array: np.ndarray) -> None:
    """Write an array atomically, and its note."""
    with atomic(path) as temporary:
        with temporary.open("wb") as handle:
            np.save(handle, array)
        write_note(path, temporary)


def read_array(path: str | Path) -> np.ndarray:
    """Read an array that `write_array` wrote.

    Raises:
        UserError: `path` is missing, changed or cut off, or holds no array.
    """
    check_noted(path)
    try:
        check_regular(path)
        # Mapped, a shape larger than the file is refused; read, it would be allocated first.
        return np.array(np.load(path, mmap_mode="r", allow_pickle=False))
    except Exception as error:  # A damaged header may raise nearly anything.
        raise damaged(path, f"damaged, or no array ({reason(error)})") from error


def kept_rows(kept: KeptResults, name: str) -> dict[Item, np.ndarray]:
    """Of an output whose first axis is a job's items, the rows that can be taken."""
    if not kept.taken:
        return {}
    rows = np.load(kept.file(name), mmap_mode="r", allow_pickle=False)
    return {item: np.array(rows[kept.position(item)]) for item in kept.taken}
