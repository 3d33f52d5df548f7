"""Open a network for the analysis of a stimulus set: weights, preprocessing, layers."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from codespectra.data.preprocessing import Preprocess
from codespectra.files.manifests import read_manifest
from codespectra.jobs.device import resolve_device
from codespectra.models.checkpoints import load_checkpoint
from codespectra.models.layer_listing import count_outputs, inspect_layers


@dataclass(frozen=True)
class Subject:
    """A network on its device, with its preprocessing and its layers in running order."""

    network: nn.Module
    preprocess: Preprocess
    layers: list[dict[str, Any]]
    outputs: int | None  # numbers of its own output, if that is a vector
    description: dict[str, Any]  # the checkpoint's manifest


def open_subject(checkpoint_manifest: str, stimuli_manifest: str, device: str) -> Subject:
    """Load the network of one manifest, with its layers at the image size of the set of another.

    Args:
        checkpoint_manifest, stimuli_manifest: end in .json.
        device: auto, cpu or cuda.

    Raises:
        UserError: a file can't be read, or there is no such device.
    """
    where = resolve_device(device)
    checkpoint = load_checkpoint(checkpoint_manifest)
    network = checkpoint.network.to(where, memory_format=torch.channels_last)
    preprocess = Preprocess(checkpoint.description["preprocessing"], where)
    side = preprocess.side or read_manifest(stimuli_manifest)["side"]
    layers = [vars(layer) for layer in inspect_layers(network, side)]
    outputs = count_outputs(network, side)
    return Subject(network, preprocess, layers, outputs, checkpoint.description)
