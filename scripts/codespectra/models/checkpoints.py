"""Checkpoints: state dicts that fit their architecture, each with a manifest beside it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from codespectra.files.manifests import file_digest, read_manifest, verify, write_manifest
from codespectra.models import architectures
from codespectra.models.own_preprocessing import preprocessing_of
from codespectra.models.state_dicts import load_weights, read_state_dict
from codespectra.models.tensor_files import save_tensors


def write_checkpoint(
    path: str | Path, network: nn.Module, description: dict[str, Any], metrics: dict[str, Any]
) -> None:
    """Write a state dict at `path`, and beside it the .json that tells what it is.

    Args:
        path: ends in .pt.
        network: its weights are written, on the CPU.
        description: architecture, classes, preprocessing and where the weights come from; what
            {from: model} means is written out.
        metrics: what is known of its quality.
    """
    path = Path(path)
    settings = preprocessing_of(description["architecture"], description["preprocessing"])
    description = description | {"preprocessing": settings}
    state = {name: value.detach().cpu() for name, value in network.state_dict().items()}
    save_tensors(path, state)
    count = sum(value.numel() for value in network.parameters())
    content = {"file": path.name, "sha256": file_digest(path), "metrics": metrics}
    content["parameters"] = count
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
