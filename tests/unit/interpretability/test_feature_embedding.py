"""Distances in the layers of any network: a plain double loop, and lpips with heads of 1."""

from itertools import combinations

import numpy as np
import pytest
import timm
import torch
import torchvision
from lpips_peer import random_lpips, trunk_state
from PIL import Image

from codespectra.data.preprocessing import Preprocess
from codespectra.interpretability.feature_embedding import Backbone, network_backbone
from codespectra.models.layer_listing import inspect_layers
from codespectra.models.layer_selection import select_layers

PLAIN = {"side": None, "mean": [0.5] * 3, "std": [0.25] * 3}
IMAGES = np.random.default_rng(0).integers(256, size=(4, 70, 70, 3), dtype=np.uint8)


def backbone_of(network, selectors, settings=PLAIN) -> Backbone:
    preprocess = Preprocess(settings, torch.device("cpu"))
    side = preprocess.side or IMAGES.shape[1]
    layers = select_layers(selectors, [vars(layer) for layer in inspect_layers(network, side)])
    return network_backbone(network, layers, preprocess)


def at_places(output: np.ndarray, kind: str) -> np.ndarray:
    """(images, places, channels) of an output, tokens before the patches left out."""
    count = len(output)
    if kind == "channels first":
        return output.reshape(count, output.shape[1], -1).transpose(0, 2, 1)
    if kind == "tokens":
        return output[:, 1:]
    return output.reshape(count, -1, output.shape[-1])


def definition(first: np.ndarray, second: np.ndarray) -> float:
    total = 0.0
    for one, other in zip(first.astype(float), second.astype(float), strict=True):
        difference = one / np.sqrt((one**2).sum()) - other / np.sqrt((other**2).sum())
        total += (difference**2).sum()
    return total / len(first)


NETWORKS = {
    "torchvision, channels first": ("channels first", "resnet18", ["relu", "layer2.0.conv1"]),
    "torchvision, channels last": ("channels last", "swin_t", ["features.1.0.mlp.0"]),
    "timm, tokens": ("tokens", "test_vit", ["blocks.0", "blocks.1.mlp"]),
    "torchvision, a vector": ("vector", "resnet18", ["fc"]),
}


@pytest.mark.parametrize(("kind", "model", "layers"), NETWORKS.values(), ids=NETWORKS)
@torch.no_grad()
def test_distances_are_those_of_the_definition(kind, model, layers):
    """On images of another side than the network sees, from a plain hook and a double loop."""
    torch.manual_seed(0)
    build = timm.create_model if kind == "tokens" else torchvision.models.get_model
    network, side = build(model).eval(), 160 if kind == "tokens" else 64
    found = backbone_of(network, layers, PLAIN | {"side": side}).embed(IMAGES)
    assert list(found) == layers
    pixels = [np.asarray(Image.fromarray(x).resize((side, side), 2)) for x in IMAGES]
    inputs = (torch.tensor(np.stack(pixels)).permute(0, 3, 1, 2) / 255 - 0.5) / 0.25
    for name in layers:
        seen = []
        handle = network.get_submodule(name).register_forward_hook(
            lambda module, given, output, seen=seen: seen.append(output.clone().numpy())
        )
        network(inputs)
        handle.remove()
        maps = at_places(seen[0], kind)
        for i, j in combinations(range(len(IMAGES)), 2):
            distance = np.square(found[name][i].astype(float) - found[name][j]).sum()
            np.testing.assert_allclose(distance, definition(maps[i], maps[j]), rtol=1e-4)


@torch.no_grad()
def test_alexnets_relus_give_what_lpips_does_with_heads_of_one():
    peer = random_lpips()
    for lin in peer.lins:
        lin.model[1].weight.fill_(1)
    network = torchvision.models.alexnet(weights=None)
    network.load_state_dict(trunk_state(peer), strict=False)
    shift, scale = (peer.scaling_layer.get_buffer(name).flatten() for name in ("shift", "scale"))
    settings = {"side": None, "mean": ((1 + shift) / 2).tolist(), "std": (scale / 2).tolist()}
    embedding = backbone_of(network, ["features.1", "features.[4-9]", "features.11"], settings)
    embedding.taps = [tap for tap in embedding.taps if tap.layer["type"] == "ReLU"]
    parts = embedding.embed(IMAGES)
    pixels = torch.tensor(IMAGES).permute(0, 3, 1, 2).contiguous() / 255
    for i, j in combinations(range(len(IMAGES)), 2):
        _, layers = peer(pixels[[i]], pixels[[j]], normalize=True, retPerLayer=True)
        assert len(parts) == len(layers) == 5
        for rows, theirs in zip(parts.values(), layers, strict=True):
            assert abs(np.square(rows[i] - rows[j]).sum() - theirs.item()) < 1e-6
