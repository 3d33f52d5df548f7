"""Arrays: one whose header tells of more than the file holds is refused before it is allocated."""

from pathlib import Path

import numpy as np
import pytest
from damage import refused

from codespectra.files.array_files import read_array, write_array
from codespectra.files.notes import write_note


@pytest.mark.parametrize("array", [np.arange(20.0), np.float32([[1], [2]]), np.zeros((0, 3))])
def test_arrays_are_read_as_they_were_written(tmp_path: Path, array: np.ndarray) -> None:
    write_array(tmp_path / "a.npy", array)
    found = read_array(tmp_path / "a.npy")
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype


@pytest.mark.parametrize("shape", [f"({10**13},)", f"({10**30},)", f"({10**9}, {10**9})", "(-3,)"])
def test_a_shape_that_the_file_cannot_hold_is_refused(tmp_path: Path, shape: str) -> None:
    path = tmp_path / "a.npy"
    write_array(path, np.arange(20.0))
    magic, rest = path.read_bytes()[:10], path.read_bytes()[10:]
    header = rest[:118].replace(b"(20,)", shape.encode()).rstrip().ljust(117) + b"\n"
    path.write_bytes(magic + header + rest[118:])
    write_note(path, path)
    assert refused(path, read_array)


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.array([{}]), allow_pickle=True)
    write_note(path, path)
    assert refused(path, read_array)
