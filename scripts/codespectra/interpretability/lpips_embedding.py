"""LPIPS itself: the embedding of AlexNet with the heads of the lpips package (B §2.2)."""

from importlib import resources
from typing import Any

import torch
from torch import nn

from codespectra.data.preprocessing import Preprocess
from codespectra.errors import UserError
from codespectra.interpretability.feature_embedding import Backbone, Tap, network_backbone
from codespectra.models.tensor_files import read_tensors

# lpips 0.1.4: its normalise step, in units of [0, 1] pixels: ((2x - 1) - shift) / scale.
LPIPS_MEAN = tuple((1 + shift) / 2 for shift in (-0.030, -0.088, -0.188))
LPIPS_STD = tuple(scale / 2 for scale in (0.458, 0.448, 0.450))


def lpips_heads() -> list[torch.Tensor]:
    """Weights (C,) of the five AlexNet heads that ship inside the lpips package."""
    with resources.as_file(resources.files("lpips") / "weights/v0.1/alex.pth") as path:
        state = read_tensors(path)
    return [state[f"lin{layer}.model.1.weight"].flatten() for layer in range(5)]


def backbone_of(
    cfg: dict[str, Any], network: nn.Module, preprocessing: dict[str, Any], device: torch.device
) -> Backbone:
    """The backbone that a network is: `network` with heads of 1, any other kind LPIPS' AlexNet.

    Args:
        cfg: its kind, and the layers of a `network`.
        network: with its weights.
        preprocessing: of a `network`; LPIPS has its own.
        device: where it runs.
    """
    if cfg["kind"] == "network":
        return network_backbone(network, cfg["layers"], Preprocess(preprocessing, device))
    return alexnet_backbone(network.state_dict(), device)


def alexnet_backbone(state: dict[str, torch.Tensor], device: torch.device) -> Backbone:
    """LPIPS' AlexNet with the shipped heads, from a state dict of torchvision's AlexNet.

    Raises:
        UserError: the state dict is no AlexNet's.
    """
    # Seconds to import, which another backbone needn't pay.
    from torchvision.models import alexnet

    trunk = alexnet(weights=None).features
    own = {name.removeprefix("features."): value for name, value in state.items()}
    missing = [name for name in trunk.state_dict() if name not in own]
    if missing:
        raise UserError(f"no AlexNet weights: features.{missing[0]} is missing; give torchvision's")
    trunk.load_state_dict({name: own[name] for name in trunk.state_dict()})
    # The last pool, which is not needed, can't take 32 pixels.
    return Backbone(trunk, relu_taps(trunk, lpips_heads()), lpips_preprocess(device))


def relu_taps(trunk: nn.Sequential, heads: list[torch.Tensor]) -> list[Tap]:
    """The ReLUs of a sequence, each with its head."""
    at = [index for index, module in enumerate(trunk) if isinstance(module, nn.ReLU)]
    known = {"call": 0, "axes": "NCHW", "prefix": None}
    return [
        Tap(f"relu{count}", known | {"module": str(index), "depth": index}, head)
        for count, (index, head) in enumerate(zip(at, heads, strict=True), start=1)
    ]


def lpips_preprocess(device: torch.device) -> Preprocess:
    """The input scaling of the lpips package for images in [0, 255]."""
    settings: dict[str, Any] = {"side": None, "mean": LPIPS_MEAN, "std": LPIPS_STD}
    return Preprocess(settings, device)
