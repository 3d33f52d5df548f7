"""Files of tensors: every form is read, none is trusted."""

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from damage import PLACES, SETTINGS, flipped
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from codespectra.errors import UserError
from codespectra.models.tensor_files import read_tensors

TENSORS = {"conv.weight": torch.arange(54.0).reshape(2, 3, 3, 3), "fc.bias": torch.arange(4.0)}


class Malicious:
    """Runs code when unpickled: creates a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple:
        return open, (str(self.path), "w")


@pytest.mark.parametrize("name", ["a.pt", "a.pth"])
@pytest.mark.parametrize("plain", [False, True], ids=["torch.save", "pickle"])
def test_code_in_a_pickle_is_refused_and_not_run(name: str, plain: bool, tmp_path: Path) -> None:
    path, made = tmp_path / name, tmp_path / "made"
    content = {"weight": Malicious(made)}
    raw = pickle.dumps(content, protocol=2)
    if plain:
        path.write_bytes(raw)
    else:
        torch.save(content, path)
    with pytest.raises(UserError, match=rf"{name}: refused: .* may run code .*GLOBAL io\.open"):
        read_tensors(path)
    assert not made.exists()
    pickle.loads(raw)
    assert made.exists(), "the pickle is harmless: this test shows nothing"


def zipped(state: dict[str, torch.Tensor], path: Path) -> bytes:
    torch.save(state, path)
    return path.read_bytes()


def legacy(state: dict[str, torch.Tensor], path: Path) -> bytes:
    torch.save(state, path, _use_new_zipfile_serialization=False)
    return path.read_bytes()


def safe(state: dict[str, torch.Tensor], path: Path) -> bytes:
    save_file(state, path)
    return path.read_bytes()


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.9])
@pytest.mark.parametrize(
    "name, write", [("a.pt", zipped), ("a.pth", legacy), ("a.safetensors", safe)]
)
def test_truncated_file_is_named(name: str, write: Any, share: float, tmp_path: Path) -> None:
    whole = write(TENSORS, tmp_path / name)
    (tmp_path / name).write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(
        UserError, match=f"{name}: (damaged or no checkpoint|refused: no checkpoint)"
    ):
        read_tensors(tmp_path / name)


@pytest.mark.parametrize("name", ["a.pt", "a.pth", "a.safetensors"])
@pytest.mark.parametrize(
    "text", ["<html>Not found</html>", "version https://git-lfs.github.com", "0 weights", "(a)"]
)
def test_text_is_no_checkpoint(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=f"{name}: .*no checkpoint"):
        read_tensors(tmp_path / name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tensors")


@SETTINGS
@given(place=PLACES, bit=st.integers(0, 7))
def test_a_flipped_bit_of_a_pt_is_refused_or_means_nothing(folder, place, bit) -> None:
    path = folder / "a.pt"
    path.write_bytes(flipped(zipped(TENSORS, path), place, bit))
    try:
        found = read_tensors(path)
    except UserError as error:
        assert str(error).startswith(f"{path}: ")
    else:
        assert found.keys() == TENSORS.keys()
        assert all(torch.equal(found[name], TENSORS[name]) for name in found)
