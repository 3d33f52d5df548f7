"""The file of a stimulus set: only its own kind is opened."""

from pathlib import Path

import numpy as np
import pytest

from codespectra.data.stimulus_file import images_by_index, open_stimuli
from codespectra.errors import UserError
from codespectra.files.hdf5_files import create_hdf5


def test_other_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.h5"
    with create_hdf5(path) as file:
        file["activations"] = np.zeros(3)
    with pytest.raises(UserError, match="holds no stimuli"), open_stimuli(path):
        pass


def test_images_are_found_by_index(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    images = np.random.default_rng(0).integers(0, 256, (9, 4, 4, 3)).astype(np.uint8)
    with create_hdf5(path) as file:
        file["images"] = images
    found = images_by_index(path, np.array([7, 2, 7]))
    assert found.keys() == {2, 7}
    assert all(np.array_equal(found[index], images[index]) for index in found)
