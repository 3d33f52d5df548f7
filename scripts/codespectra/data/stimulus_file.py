"""The images of a stimulus set's HDF5 file."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from codespectra.errors import UserError
from codespectra.files.hdf5_files import open_hdf5


def images_by_index(path: str | Path, indices: Iterable[int]) -> dict[int, np.ndarray]:
    """Some images of a stimulus file, uint8 (H, W, 3), by their distinct indices."""
    with open_stimuli(path) as file:
        return {int(index): file["images"][int(index)] for index in set(indices)}


@contextmanager
def open_stimuli(path: str | Path) -> Iterator[h5py.File]:
    """Yield a stimulus file for reading: images, and labels or position where there are any."""
    with open_hdf5(path) as file:
        if "images" not in file:
            raise UserError(f"{path}: holds no stimuli; delete it and rerun")
        yield file
