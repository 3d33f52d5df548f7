"""Damaged files: whatever is cut off or flipped is refused by name, or reads as it was."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from codespectra.errors import UserError
from codespectra.files import store
from codespectra.files.csv_tables import read_csv
from codespectra.models import architectures
from codespectra.models.checkpoints import load_checkpoint, read_state_dict, write_checkpoint

# Few places of a file matter: the same ones every time.
SETTINGS = settings(max_examples=100, deadline=None, derandomize=True, database=None)
PLACES = st.floats(0, 1, exclude_max=True)


def flipped(content: bytes, place: float, bit: int) -> bytes:
    """The content with one bit turned over, at a share of its length."""
    changed = bytearray(content)
    changed[int(place * len(content))] ^= 1 << bit
    return bytes(changed)


def refused(path: Path, reader: Any) -> bool:
    """Whether a reader refuses a file; it must name it and what to delete."""
    try:
        reader(path)
    except UserError as error:
        assert str(error).startswith(f"{path}: ")
        assert "\n" not in str(error)
        assert "; delete " in str(error) and str(error).endswith(" and rerun")
        return True
    return False


# HDF5 --------------------------------------------------------------------------------------------


def write_store(path: Path) -> bytes:
    """A store with its manifest; returns its bytes."""
    with store.create_hdf5(path) as file:
        rows = np.random.default_rng(0).random((60, 16), np.float32)
        for name in ("images", "layers/conv"):
            dataset = file.create_dataset(name, data=rows, chunks=(16, 16))
            dataset.attrs["type"] = "ReLU"
        file["labels"] = np.arange(60)
    store.write_json(path.with_suffix(".json"), {"sha256": store.hdf5_digest(path)})
    return path.read_bytes()


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    path = tmp_path_factory.mktemp("stored") / "a.h5"
    return path, write_store(path)


def everything(path: Path) -> dict[str, bytes]:
    with store.open_hdf5(path) as file:
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


def test_hdf5_that_is_missing_or_of_another_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with pytest.raises(UserError, match=rf"^{path}: not a readable HDF5 file.*; delete {path} and"):
        everything(path)
    with h5py.File(path, "w") as file:
        file.attrs["schema_version"] = 2
    with pytest.raises(UserError, match=r"schema version 2, expected 1; delete .* and rerun"):
        everything(path)


def test_the_store_of_another_run_is_refused_with_both_files_named(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write_store(path)
    with store.create_hdf5(path) as file:
        file["labels"] = np.arange(3)
    both = f"delete {path} and {path.with_suffix('.json')} and rerun"
    with pytest.raises(UserError, match=rf"a\.h5: damaged: its sha256 is .*; {both}"):
        everything(path)


def test_the_file_behind_a_link_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    real, path = tmp_path / "cache/entry", tmp_path / "a.h5"
    whole = write_store(path)
    path.unlink()
    real.write_bytes(whole[:-9])
    path.symlink_to(real)
    with pytest.raises(UserError, match=rf"delete {path} and .*a\.json and {real} and rerun"):
        everything(path)


def test_what_was_verified_is_read_again_only_when_it_changes(tmp_path: Path, monkeypatch) -> None:
    path, digests = tmp_path / "a.h5", []
    whole = write_store(path)
    digest = store.hdf5_digest
    monkeypatch.setattr(store, "hdf5_digest", lambda file: digests.append(file) or digest(file))
    everything(path), everything(path)
    assert digests == [path]
    path.write_bytes(whole[:-9])
    assert refused(path, everything)
    assert digests == [path, path]


def test_a_shape_that_the_file_cannot_hold_is_not_read(tmp_path: Path) -> None:
    """A damaged shape of 2^50 rows would be read for years."""
    path = tmp_path / "a.h5"
    write_store(path)
    with store.create_hdf5(path) as file:
        file.create_dataset("images", (1 << 50, 1), np.uint8, chunks=(64, 1))
    with pytest.raises(UserError, match="larger than the file"):
        everything(path)


# Manifests ---------------------------------------------------------------------------------------


@SETTINGS
@given(place=PLACES)
def test_json_that_is_cut_off_is_refused(stored, place: float) -> None:
    path = stored[0].with_name("b.json")
    store.write_json(path, {"sha256": "0f", "datasets": [{"key": "a", "width": 3}]})
    whole = path.read_text().rstrip("\n")
    path.write_text(whole[: int(place * len(whole))])
    assert refused(path, store.read_json)


@pytest.mark.parametrize("content", [b"[1, 2]", b"null", b"\xff\xfe", b"<html>"])
def test_json_of_another_form_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(content)
    assert refused(tmp_path / "a.json", store.read_json)


def test_a_key_that_a_manifest_lacks_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    store.write_json(path, {"count": 3})
    manifest = store.read_json(path)
    assert manifest["count"] == 3 and manifest.get("side") is None and manifest == {"count": 3}
    with pytest.raises(UserError, match=rf"a\.json: lacks 'side'; delete {path} and rerun"):
        manifest["side"]


# Tables ------------------------------------------------------------------------------------------


def write_table(path: Path) -> bytes:
    """Exponents of four layers, one of which has none."""
    table = pd.DataFrame(
        {
            "model": "a",
            "weights": "train",
            "stimuli": "test",
            "layer": ["conv1", "layer1.0.relu:0", 'a "b", c', "fc"],
            "depth": [1, 2, 3, 4],
            "alpha": [-0.951234567, -1.5, np.nan, -2],
            "alpha_low": [-1.25, -1.75, np.nan, -2.5],
            "alpha_high": [-0.75, -1.25, np.nan, -1.5],
            "stimulus_count": 60,
        }
    )
    store.write_csv(path, table)
    return path.read_bytes()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    path = tmp_path_factory.mktemp("table") / "exponents.csv"
    return path, write_table(path)


def exponents(path: Path) -> pd.DataFrame:
    return read_csv(path, "exponents")


@SETTINGS
@given(place=PLACES)
def test_a_table_that_is_cut_off_is_refused(table, place: float) -> None:
    path, whole = table
    cut = whole[: int(place * len(whole))]
    path.write_bytes(cut)
    # Cut off after a whole row it is a shorter table, which nothing in it tells.
    assert refused(path, exponents) or cut.endswith(b"\n")


@SETTINGS
@given(place=PLACES, bit=st.integers(0, 7))
def test_a_flipped_bit_of_a_table_leaves_rows_columns_and_numbers(table, place, bit) -> None:
    path, whole = table
    path.write_bytes(whole)
    expected = exponents(path)
    path.write_bytes(flipped(whole, place, bit))
    if not refused(path, exponents):
        found = exponents(path)
        assert found.shape == expected.shape
        assert list(found.columns) == list(expected.columns)
        for name in ("depth", "alpha", "alpha_low", "alpha_high", "stimulus_count"):
            assert pd.api.types.is_numeric_dtype(found[name])


FOREIGN = {
    "": "damaged, or no table of exponents",
    "a,b\n1,2\n": "lacks the columns model, weights, stimuli, layer, depth",
    "a,b\n1,2\n3\n": "row 3 has 1 fields, the header 2",
    "a,b\n1,2\n3,4": "its last line isn't ended",
    "a,b\n1,2,3\n": "row 2 has 3 fields, the header 2",
}


@pytest.mark.parametrize("text", FOREIGN)
def test_a_foreign_table_is_refused_with_what_is_wrong(text: str, tmp_path: Path) -> None:
    path = tmp_path / "exponents.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=FOREIGN[text]):
        exponents(path)
    assert refused(path, exponents)


def test_a_number_that_is_none_is_shown_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "exponents.csv"
    whole = write_table(path)
    path.write_bytes(whole.replace(b"-1.75", b"-1n75"))
    with pytest.raises(UserError, match="alpha_low is '-1n75' in row 3"):
        exponents(path)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path / "exponents.csv", exponents)


@SETTINGS
@given(place=PLACES)
def test_an_array_that_is_cut_off_is_refused(stored, place: float) -> None:
    path = stored[0].with_name("c.npy")
    np.save(path, np.arange(20.0))
    whole = path.read_bytes()
    assert store.read_array(path)[7] == 7
    path.write_bytes(whole[: int(place * len(whole))])
    assert refused(path, store.read_array)


# Checkpoints -------------------------------------------------------------------------------------

ARCHITECTURE = {"name": "small_alexnet", "widths": [2, 3, 4, 3, 2]}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    path = tmp_path_factory.mktemp("checkpoint") / "a.pt"
    description = {"architecture": ARCHITECTURE, "classes": 4}
    write_checkpoint(path, architectures.build(ARCHITECTURE, 4), description, {})
    return path, path.read_bytes()


@SETTINGS
@given(place=PLACES, bit=st.integers(0, 7), cut=st.booleans())
def test_a_damaged_checkpoint_of_ours_is_refused(checkpoint, place, bit, cut) -> None:
    path, whole = checkpoint
    path.write_bytes(whole[: int(place * len(whole))] if cut else flipped(whole, place, bit))
    with pytest.raises(UserError) as error:
        load_checkpoint(path.with_suffix(".json"))
    said = str(error.value)
    assert said.startswith(f"{path}: damaged: ")
    assert said.endswith(f"; delete {path} and {path.with_suffix('.json')} and rerun")


@SETTINGS
@given(place=PLACES, bit=st.integers(0, 7))
def test_a_flipped_bit_of_a_users_pt_is_refused_or_means_nothing(checkpoint, place, bit) -> None:
    path, whole = checkpoint[0].with_name("users.pt"), checkpoint[1]
    path.write_bytes(whole)
    expected = read_state_dict(path)
    path.write_bytes(flipped(whole, place, bit))
    try:
        found = read_state_dict(path)
    except UserError as error:
        assert str(error).startswith(f"{path}: ")
    else:
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], expected[name]) for name in found)
