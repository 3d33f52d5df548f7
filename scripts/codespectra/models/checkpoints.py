"""Checkpoints: state dicts that fit their architecture, each with a manifest beside it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from codespectra.errors import UserError
from codespectra.files.manifests import file_digest, read_manifest, verify, write_manifest
from codespectra.files.regular_files import check_regular, refusing
from codespectra.models import architectures
from codespectra.models.tensor_files import (
    check_tensors,
    check_types,
    check_values,
    read_tensors,
    save_tensors,
)

WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
PREFIXES = ("module.", "_orig_mod.")


def read_state_dict(path: str | Path, sha256: str | None = None) -> dict[str, torch.Tensor]:
    """Read a state dict from .pt, .pth or .safetensors; wrappers and prefixes are taken off.

    Raises:
        UserError: the file is missing, has another digest, needs more than tensors to unpickle,
            or holds no state dict.
    """
    path = Path(path)
    with refusing(path, "no such checkpoint file", "correct the model's path"):
        check_regular(path)
    if sha256 is not None and (found := file_digest(path)) != sha256:
        raise UserError(f"{path}: sha256 is {found}, expected {sha256}; fetch the file again")
    state = _unwrap(read_tensors(path))
    if not state or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise UserError(
            f"{path}: holds no state dict (a mapping of names to tensors, alone or under "
            f"{', '.join(WRAPPERS)}); save model.state_dict()"
        )
    check_tensors(state, path)
    return state


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
    """Load `state` into `network`, every key and shape matching, every value finite.

    Raises:
        UserError: lists the missing, unexpected and misshapen keys, or names a tensor of another
            type or with NaNs.
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
    check_types({name: value.dtype for name, value in state.items()}, own, source)
    # Finite as the network has it: a number may be too large for single precision.
    check_values({name: state[name].to(own[name].dtype) for name in own}, source)
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
    content = {"file": path.name, "sha256": file_digest(path), "metrics": metrics}
    write_manifest(path.with_suffix(".json"), description | content)


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
    description = read_manifest(manifest)
    path = manifest.with_name(description["file"])
    verify(path, file_digest)
    state = read_state_dict(path)
    network = architectures.build(description["architecture"], description["classes"])
    load_weights(network, state, path)
    return Checkpoint(network.eval(), description)
