"""A network of timm or torchvision, with its weights, as an analysis takes it."""

from dataclasses import dataclass
from typing import Any

import torch

from codespectra.data.preprocessing import Preprocess
from codespectra.files.json_files import content_digest
from codespectra.files.manifests import file_digest
from codespectra.models.architectures import build
from codespectra.models.class_count import classes_of
from codespectra.models.layer_listing import inspect_layers
from codespectra.models.own_preprocessing import preprocessing_of
from codespectra.models.published_files import published_file
from codespectra.models.state_dicts import load_weights, read_state_dict


@dataclass(frozen=True)
class ZooSubject:
    """A network on its device, with its preprocessing and its layers in running order.

    `digest` is of all that its activations follow from, but code and images.
    """

    network: torch.nn.Module
    preprocess: Preprocess
    layers: list[dict[str, Any]]
    digest: str

    @property
    def parameters(self) -> int:
        """How many numbers were, or would be, learned."""
        return sum(value.numel() for value in self.network.parameters())


def open_zoo_network(
    architecture: dict[str, Any],
    weights: dict[str, Any],
    preprocessing: dict[str, Any],
    side: int,
    device: torch.device,
) -> ZooSubject:
    """Build a network and load its weights.

    Args:
        architecture: name (timm or torchvision) and model.
        weights: kind (random, hub or file), and seed or path.
        preprocessing: a config's section.
        side: pixels of the images.
        device: where it runs.

    Raises:
        UserError: its library has no such network, the weights can't be read or don't fit, or it
            can't take images of that side. A library's network may raise anything else.
    """
    if architecture["name"] == "torchvision" and weights["kind"] == "hub":
        architecture = architecture | {"published": "DEFAULT"}
    if weights["kind"] == "random":
        torch.manual_seed(weights["seed"])
        network, known = build(architecture, None), weights
    else:
        path = published_file(architecture) if weights["kind"] == "hub" else weights["path"]
        state = read_state_dict(path)
        network = build(architecture, classes_of(architecture, state))
        load_weights(network, state, path)
        known = {"sha256": file_digest(path)}
    network = network.eval().to(device, memory_format=torch.channels_last)
    settings = preprocessing_of(architecture, preprocessing)
    preprocess = Preprocess(settings, device)
    layers = [vars(layer) for layer in inspect_layers(network, preprocess.side or side)]
    return ZooSubject(network, preprocess, layers, content_digest([architecture, known, settings]))
