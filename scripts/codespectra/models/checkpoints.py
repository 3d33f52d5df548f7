"""Checkpoints: state dicts read without pickle's powers, checked against their architecture."""

import io
import pickle
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from codespectra.errors import UserError, first_line
from codespectra.files import store
from codespectra.models import architectures

WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
PREFIXES = ("module.", "_orig_mod.")


def read_state_dict(path: str | Path, sha256: str | None = None) -> dict[str, torch.Tensor]:
    """Read a state dict from .pt, .pth or .safetensors; wrappers and prefixes are taken off.

    Raises:
        UserError: the file is missing, has another digest, needs more than tensors to unpickle,
            or holds no state dict.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such checkpoint file; correct the model's path")
    if sha256 is not None and (found := store.file_digest(path)) != sha256:
        raise UserError(f"{path}: sha256 is {found}, expected {sha256}; fetch the file again")
    state = _unwrap(read_tensors(path))
    if not state or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise UserError(
            f"{path}: holds no state dict (a mapping of names to tensors, alone or under "
            f"{', '.join(WRAPPERS)}); save model.state_dict()"
        )
    return state


def read_tensors(path: Path, device: str | torch.device = "cpu") -> Any:
    """What a .pt, .pth or .safetensors holds, with its tensors on a device.

    Raises:
        UserError: the file is damaged, no checkpoint, or needs more than tensors to unpickle.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path, str(device))
        _check_sums(path)
        return torch.load(path, map_location=device, weights_only=True)
    except pickle.UnpicklingError as error:
        # The rest of torch's message advises to unpickle the file all the same.
        reason = re.search(r"Unsupported operand \d+|GLOBAL \S+|$", str(error))[0]
        raise UserError(
            f"{path}: refused: no checkpoint, or one that may run code when unpickled, since it "
            f"holds more than tensors ({reason}); save model.state_dict(), or safetensors"
        ) from error
    except Exception as error:  # Unpickling a damaged file raises nearly anything.
        raise UserError(
            f"{path}: damaged or no checkpoint ({first_line(error)}); fetch or make it again"
        ) from error


def _check_sums(path: Path) -> None:
    """Compare a zip's members with their CRC-32, which torch.load passes over."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as file:
            if damaged := file.testzip():
                raise ValueError(f"CRC-32 of {damaged}")


def _unwrap(content: Any) -> dict[str, Any]:
    for key in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict):
        return {}
    for prefix in PREFIXES:
        if content and all(str(name).startswith(prefix) for name in content):
            content = {name.removeprefix(prefix): value for name, value in content.items()}
    return content


def load_weights(network: nn.Module, state: dict[str, torch.Tensor], source: str | Path) -> None:
    """Load `state` into `network`, every key and shape matching.

    Raises:
        UserError: lists the missing, unexpected and misshapen keys.
    """
    own = network.state_dict()
    problems = {
        "missing": [name for name in own if name not in state],
        "unexpected": [name for name in state if name not in own],
        "of another shape": [
            f"{name} {tuple(state[name].shape)} for {tuple(own[name].shape)}"
            for name in own
            if name in state and state[name].shape != own[name].shape
        ],
    }
    if any(problems.values()):
        listed = "; ".join(
            f"{len(names)} {what}: {', '.join(names[:8])}{', …' if len(names) > 8 else ''}"
            for what, names in problems.items()
            if names
        )
        raise UserError(
            f"{source}: doesn't fit the architecture {type(network).__name__}: {listed}; "
            "correct the model's architecture or classes"
        )
    network.load_state_dict(state)


def write_checkpoint(
    path: str | Path, network: nn.Module, description: dict[str, Any], metrics: dict[str, Any]
) -> None:
    """Write a state dict at `path`, and beside it the .json that tells what it is.

    Args:
        path: ends in .pt.
        network: its weights are written, on the CPU.
        description: architecture, classes, preprocessing and where the weights come from.
        metrics: what is known of its quality.
    """
    path = Path(path)
    state = {name: value.detach().cpu() for name, value in network.state_dict().items()}
    save_tensors(path, state)
    content = {"file": path.name, "sha256": store.file_digest(path), "metrics": metrics}
    store.write_json(path.with_suffix(".json"), description | content)


def save_tensors(path: str | Path, content: Any) -> None:
    """torch.save, atomically and without the file's name inside: same content, same bytes."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with store.atomic(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


@dataclass(frozen=True)
class Checkpoint:
    """A network of the workflow with its weights, and its .json."""

    network: nn.Module
    description: dict[str, Any]


def load_checkpoint(manifest: str | Path) -> Checkpoint:
    """Rebuild a network from the .json and .pt that `write_checkpoint` wrote.

    Raises:
        UserError: either file is damaged or they don't belong together.
    """
    manifest = Path(manifest)
    description = store.read_json(manifest)
    path = manifest.with_name(description["file"])
    store.verify(path, store.file_digest)
    state = read_state_dict(path)
    network = architectures.build(description["architecture"], description["classes"])
    load_weights(network, state, path)
    return Checkpoint(network.eval(), description)
