"""Checkpoints: every form is read, and what is damaged or doesn't fit is listed."""

from pathlib import Path
from typing import Any

import pytest
import torch
from damage import PLACES, SETTINGS, flipped
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn
from torchvision import models as torchvision_models

from codespectra.errors import UserError
from codespectra.files.manifests import file_digest, read_manifest
from codespectra.models import architectures
from codespectra.models.checkpoints import load_checkpoint, write_checkpoint
from codespectra.models.state_dicts import load_weights, read_state_dict
from codespectra.models.tensor_files import save_tensors

ARCHITECTURE = {"name": "small_alexnet", "widths": [2, 3, 4, 3, 2]}
DESCRIPTION = {"architecture": ARCHITECTURE, "classes": 4, "preprocessing": {"side": None}}


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return architectures.build(ARCHITECTURE, 4)


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )


# Reading -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.pt", "a.pth", "a.safetensors"])
def test_round_trip(name: str, network: nn.Module, tmp_path: Path) -> None:
    save = save_file if name.endswith(".safetensors") else torch.save
    save(network.state_dict(), tmp_path / name)
    fresh = architectures.build(ARCHITECTURE, 4)
    assert not same(fresh.state_dict(), network.state_dict())
    load_weights(fresh, read_state_dict(tmp_path / name), name)
    assert same(fresh.state_dict(), network.state_dict())


WRAPPED = {
    "state_dict": lambda state: {"state_dict": state, "epoch": 3},
    "model": lambda state: {"model": state, "optimizer": {"lr": 0.1}},
    "nested": lambda state: {"state_dict": {"model": state}},
    "prefix": lambda state: {f"module.{name}": value for name, value in state.items()},
    "both prefixes": lambda state: {
        "net": {f"module._orig_mod.{name}": value for name, value in state.items()}
    },
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_wrappers_and_prefixes_are_taken_off(wrap: Any, network: nn.Module, tmp_path: Path) -> None:
    torch.save(wrap(network.state_dict()), tmp_path / "a.pt")
    assert same(read_state_dict(tmp_path / "a.pt"), network.state_dict())


def test_sha256_is_checked(network: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    torch.save(network.state_dict(), path)
    digest = file_digest(path)
    assert same(read_state_dict(path, digest), network.state_dict())
    with pytest.raises(UserError, match=f"sha256 is {digest}, expected {'0' * 64}"):
        read_state_dict(path, "0" * 64)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.pt: no such checkpoint file"):
        read_state_dict(tmp_path / "a.pt")


@pytest.mark.parametrize(
    "content", [{}, [torch.zeros(2)], torch.zeros(2), {"epoch": 3}, {"state_dict": {"lr": 0.1}}]
)
def test_other_content_is_no_state_dict(content: Any, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(UserError, match=r"a\.pt: holds no state dict"):
        read_state_dict(tmp_path / "a.pt")


# Fitting -----------------------------------------------------------------------------------------


def test_all_that_does_not_fit_is_listed(network: nn.Module) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = {name: value + 1 for name, value in before.items()}
    del state["features.0.bias"]
    state["fc.weight"] = torch.zeros(1)
    state["classifier.weight"] = torch.zeros(10, 2)
    with pytest.raises(UserError) as caught:
        load_weights(network, state, "a.pt")
    for told in (
        "a.pt: doesn't fit the architecture SmallAlexNet",
        "1 missing: features.0.bias",
        "1 unexpected: fc.weight",
        "1 of another shape: classifier.weight (10, 2) for (4, 2)",
    ):
        assert told in str(caught.value)
    assert same(network.state_dict(), before)


def test_long_lists_are_cut(network: nn.Module) -> None:
    with pytest.raises(UserError, match=r"12 missing: features\.0\.weight, .*, …; 1 unexpected"):
        load_weights(network, {"other": torch.zeros(1)}, "a.pt")


def test_pytorch_cifar10_has_the_published_layout() -> None:
    architecture = {"name": "pytorch_cifar10", "model": "resnet50"}
    with torch.device("meta"):
        ours = architectures.build(architecture, 10).state_dict()
        theirs = torchvision_models.resnet50(num_classes=10).state_dict()
    shapes = {name: tuple(value.shape) for name, value in ours.items()}
    expected = {name: tuple(value.shape) for name, value in theirs.items()}
    assert shapes == expected | {"conv1.weight": (64, 3, 3, 3)}
    assert shapes["fc.weight"] == (10, 2048)


# Writing -----------------------------------------------------------------------------------------


def test_same_weights_same_bytes(network: nn.Module, tmp_path: Path) -> None:
    names = ["first.pt", "first.pt", "second.pt"]
    written = []
    for name in names:
        write_checkpoint(tmp_path / name, network, DESCRIPTION, {"accuracy": 0.5})
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1] == written[2]
    manifests = [read_manifest(tmp_path / name.replace(".pt", ".json")) for name in names]
    assert [manifest["file"] for manifest in manifests] == names
    assert {manifest["sha256"] for manifest in manifests} == {file_digest(tmp_path / "first.pt")}


def test_written_checkpoint_is_rebuilt(network: nn.Module, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "a.pt", network.train(), DESCRIPTION, {"accuracy": 0.5})
    found = load_checkpoint(tmp_path / "a.json")
    assert same(found.network.state_dict(), network.state_dict())
    assert not found.network.training
    assert found.description["metrics"] == {"accuracy": 0.5}
    assert found.description["architecture"] == ARCHITECTURE


def test_checkpoint_changed_later_is_refused(network: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    write_checkpoint(path, network, DESCRIPTION, {})
    save_tensors(path, {k: v + 1 for k, v in network.state_dict().items()})
    with pytest.raises(UserError, match=r"a\.pt: damaged: its sha256 is .* says "):
        load_checkpoint(path.with_suffix(".json"))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    path = tmp_path_factory.mktemp("checkpoint") / "a.pt"
    write_checkpoint(path, architectures.build(ARCHITECTURE, 4), DESCRIPTION, {})
    return path, path.read_bytes()


@SETTINGS
@given(place=PLACES, bit=st.integers(0, 7), cut=st.booleans())
def test_a_damaged_checkpoint_is_refused(checkpoint, place, bit, cut) -> None:
    path, whole = checkpoint
    path.write_bytes(whole[: int(place * len(whole))] if cut else flipped(whole, place, bit))
    with pytest.raises(UserError) as error:
        load_checkpoint(path.with_suffix(".json"))
    said = str(error.value)
    assert said.startswith(f"{path}: damaged: ")
    assert said.endswith(f"; delete {path} and {path.with_suffix('.json')} and rerun")
