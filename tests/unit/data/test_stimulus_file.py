"""The file of a stimulus set: only its own kind is opened."""

from pathlib import Path

import numpy as np
import pytest

from codespectra.data.stimulus_file import blocks, images_by_index, open_stimuli
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


@pytest.mark.parametrize(("least", "step"), [(1, 256), (128, 256), (256, 256), (300, 512)])
@pytest.mark.parametrize("count", [1, 256, 700, 1024])
def test_blocks_stay_when_a_set_grows(least: int, step: int, count: int) -> None:
    """The last one but for when it is whole."""
    prefixes = [f"first {step}" for step in range(256, 2049, 256)]
    small = {"count": count, "sha256": "small", "prefixes_sha256": prefixes[: count // 256]}
    large = {"count": 2048, "sha256": "large", "prefixes_sha256": prefixes}
    found, grown = blocks(small, least), blocks(large, least)
    assert [image for block in found for image in block] == [*range(count)]
    assert {len(block) for block in [*found][:-1]} <= {step}
    whole = {block: digest for block, digest in found.items() if block.stop % step == 0}
    assert whole.items() <= grown.items()
    assert {*found.values()} - {*whole.values()} <= {"small"}
