"""HDF5: what is damaged, or isn't what its manifest says, is refused by name."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from damage import PLACES, SETTINGS, flipped, refused
from hypothesis import given
from hypothesis import strategies as st

from codespectra.errors import UserError
from codespectra.files import hdf5_files
from codespectra.files.hdf5_files import create_hdf5, hdf5_digest, open_hdf5
from codespectra.files.manifests import write_manifest
from codespectra.files.named_axes import name_axes


def write_file(path: Path) -> bytes:
    """A file with its manifest; returns its bytes."""
    with create_hdf5(path) as file:
        rows = np.random.default_rng(0).random((60, 16), np.float32)
        for name in ("images", "layers/conv"):
            dataset = file.create_dataset(name, data=rows, chunks=(16, 16))
            dataset.attrs["type"] = "ReLU"
            name_axes(dataset, ("row", "unit"), file)
        file["labels"] = np.arange(60)
    write_manifest(path.with_suffix(".json"), {"sha256": hdf5_digest(path)})
    return path.read_bytes()


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    path = tmp_path_factory.mktemp("stored") / "a.h5"
    return path, write_file(path)


def everything(path: Path) -> dict[str, bytes]:
    with open_hdf5(path) as file:
        return {name: file[name][:].tobytes() for name in ("images", "layers/conv", "labels")}


@SETTINGS
@given(place=PLACES, bit=st.integers(0, 7))
def test_a_flipped_bit_of_hdf5_is_refused_or_means_nothing(stored, place: float, bit: int) -> None:
    path, whole = stored
    path.write_bytes(whole)
    expected = everything(path)
    path.write_bytes(flipped(whole, place, bit))
    assert refused(path, everything) or everything(path) == expected


def test_every_flip_in_the_numbers_is_seen(stored) -> None:
    path, whole = stored
    start = whole.index(np.arange(60).tobytes())
    for byte in range(start, start + 480, 7):
        changed = bytearray(whole)
        changed[byte] ^= 1
        path.write_bytes(changed)
        assert refused(path, everything)


@SETTINGS
@given(place=PLACES)
def test_hdf5_that_is_cut_off_is_refused(stored, place: float) -> None:
    path, whole = stored
    path.write_bytes(whole[: int(place * len(whole))])
    assert refused(path, everything)


def test_names_of_axes_are_what_a_file_says_and_their_places_are_not(
    tmp_path: Path,
) -> None:
    """Scales may be written before the datasets or after them, but not by another name."""
    digests = {}
    for case, name in [("after", "unit"), ("before", "unit"), ("other", "neuron"), ("none", "")]:
        path = tmp_path / f"{case}.h5"
        with create_hdf5(path) as file:
            if case == "before":
                file["unit"] = np.arange(4, dtype=np.int32)
                file["unit"].make_scale("unit")
            file["a"] = np.arange(4.0)
            if name:
                name_axes(file["a"], (name,), file)
        digests[case] = hdf5_digest(path)
    assert digests["before"] == digests["after"]
    assert len({*digests.values()}) == 3


def test_the_file_of_another_run_is_refused_with_both_files_named(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write_file(path)
    with create_hdf5(path) as file:
        file["labels"] = np.arange(3)
    both = f"delete {path} and {path.with_suffix('.json')} and rerun"
    with pytest.raises(UserError, match=rf"a\.h5: damaged: its sha256 is .*; {both}"):
        everything(path)


def test_the_file_behind_a_link_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    real, path = tmp_path / "cache/entry", tmp_path / "a.h5"
    whole = write_file(path)
    path.unlink()
    real.write_bytes(whole[:-9])
    path.symlink_to(real)
    with pytest.raises(UserError, match=rf"delete {path} and .*a\.json and {real} and rerun"):
        everything(path)


def test_what_was_verified_is_read_again_only_when_it_changes(tmp_path: Path, monkeypatch) -> None:
    path, digests = tmp_path / "a.h5", []
    whole = write_file(path)
    digest = hdf5_digest
    monkeypatch.setattr(
        hdf5_files, "hdf5_digest", lambda file: digests.append(file) or digest(file)
    )
    everything(path), everything(path)
    assert digests == [path]
    path.write_bytes(whole[:-9])
    assert refused(path, everything)
    assert digests == [path, path]


def test_a_shape_that_the_file_cannot_hold_is_not_read(tmp_path: Path) -> None:
    """A damaged shape of 2^50 rows would be read for years."""
    path = tmp_path / "a.h5"
    write_file(path)
    with create_hdf5(path) as file:
        file.create_dataset("images", (1 << 50, 1), np.uint8, chunks=(64, 1))
    with pytest.raises(UserError, match="larger than the file"):
        everything(path)


def test_unreadable_hdf5_is_named(tmp_path):
    path = tmp_path / "a.h5"
    with create_hdf5(path) as file:
        file["x"] = np.arange(10_000)
        assert not path.exists()
    with open_hdf5(path) as file:
        assert file["x"][5] == 5
    whole = path.read_bytes()
    path.write_bytes(whole[:-5000])
    assert_refused(path, "not a readable HDF5 file")
    path.write_text("no HDF5 at all")
    assert_refused(path, "not a readable HDF5 file")
    path.unlink()
    assert_refused(path, "not a readable HDF5 file")
    path.write_bytes(whole)
    with h5py.File(path, "r+") as file:
        file.attrs["schema_version"] = 2
    assert_refused(path, "schema version 2, expected 1")
    with h5py.File(path, "r+") as file:
        del file.attrs["schema_version"]
    assert_refused(path, "schema version None, expected 1")


def assert_refused(path: Path, why: str) -> None:
    with pytest.raises(UserError) as refusal, open_hdf5(path):
        pass
    assert str(refusal.value).startswith(f"{path}: {why}")
    assert str(refusal.value).endswith(f"; delete {path} and rerun")
