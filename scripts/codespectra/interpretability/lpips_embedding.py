"""Perceptual embeddings: LPIPS as a squared Euclidean distance (B §2.2).

LPIPS(x, y) = |e(x) - e(y)|^2 with e(x) = concat_l sqrt(w_l / (H_l W_l)) * f_l(x) / |f_l(x)|, so
each image passes the trunk once and every pair after that is arithmetic (Zhang et al. 2018).
Channels whose weight is exactly zero are dropped, which loses nothing.
"""

from importlib import resources
from typing import Any

import numpy as np
import torch
from torch import nn

from codespectra.data.preprocessing import Preprocess
from codespectra.errors import UserError
from codespectra.models.tensor_files import read_tensors

# lpips 0.1.4: its normalise step, in units of [0, 1] pixels: ((2x - 1) - shift) / scale.
LPIPS_MEAN = tuple((1 + shift) / 2 for shift in (-0.030, -0.088, -0.188))
LPIPS_STD = tuple(scale / 2 for scale in (0.458, 0.448, 0.450))
EPSILON = 1e-10  # that lpips 0.1.4 adds to a norm


def lpips_heads() -> list[torch.Tensor]:
    """Weights (C,) of the five AlexNet heads that ship inside the lpips package."""
    with resources.as_file(resources.files("lpips") / "weights/v0.1/alex.pth") as path:
        state = read_tensors(path)
    return [state[f"lin{layer}.model.1.weight"].flatten() for layer in range(5)]


class Backbone:
    """A trunk with five ReLU maps and a head weight for each channel of each map."""

    def __init__(
        self, trunk: nn.Sequential, heads: list[torch.Tensor] | None, preprocess: Preprocess
    ):
        """Take an AlexNet-like `features`; `heads` None means all ones (uncalibrated)."""
        taps = [index for index, module in enumerate(trunk) if isinstance(module, nn.ReLU)]
        # What follows the last tap is not needed, and AlexNet's last pool can't take 32 pixels.
        used = trunk[: taps[-1] + 1]
        self.trunk = used.eval().to(preprocess.device, memory_format=torch.channels_last)
        self.preprocess = preprocess
        self.taps = {index: f"relu{count}" for count, index in enumerate(taps, start=1)}
        if heads is not None and len(heads) != len(taps):
            raise ValueError(f"{len(heads)} heads for a trunk of {len(taps)} ReLUs")
        self.heads = heads

    @torch.inference_mode()
    def embed(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Embeddings of uint8 images (N, H, W, 3): {relu1: (N, d_1), …}, float32.

        Squared distances within one layer are that layer's LPIPS; over all layers they add up.
        """
        hidden, parts = self.preprocess(images), {}
        for index, module in enumerate(self.trunk):
            hidden = module(hidden)
            if index in self.taps:
                part = self._embedding(hidden, len(parts))
                parts[self.taps[index]] = part.flatten(1).cpu().numpy()
        return parts

    def _embedding(self, features: torch.Tensor, layer: int) -> torch.Tensor:
        norm = features.square().sum(dim=1, keepdim=True).sqrt()
        unit = features / (norm + EPSILON)
        area = features.shape[2] * features.shape[3]
        if self.heads is None:
            return unit / area**0.5
        weight = self.heads[layer].to(features.device)
        kept = weight > 0
        return unit[:, kept] * (weight[kept] / area).sqrt().view(1, -1, 1, 1)


def backbone_of(
    kind: str, network: nn.Module, preprocessing: dict[str, Any], device: torch.device
) -> Backbone:
    """The backbone that a network is: `inhouse` with heads of 1, any other kind LPIPS' AlexNet.

    Args:
        kind: of the config's section.
        network: has `features`.
        preprocessing: of an inhouse network.
        device: where it runs.
    """
    if kind == "inhouse":
        return Backbone(network.features, None, Preprocess(preprocessing, device))
    return alexnet_backbone(network.state_dict(), device)


def alexnet_backbone(state: dict[str, torch.Tensor], device: torch.device) -> Backbone:
    """LPIPS' AlexNet with the shipped heads, from a state dict of torchvision's AlexNet.

    Raises:
        UserError: the state dict is no AlexNet's.
    """
    # Seconds to import, which an inhouse backbone needn't pay.
    from torchvision.models import alexnet

    trunk = alexnet(weights=None).features
    own = {name.removeprefix("features."): value for name, value in state.items()}
    missing = [name for name in trunk.state_dict() if name not in own]
    if missing:
        raise UserError(f"no AlexNet weights: features.{missing[0]} is missing; give torchvision's")
    trunk.load_state_dict({name: own[name] for name in trunk.state_dict()})
    return Backbone(trunk, lpips_heads(), lpips_preprocess(device))


def lpips_preprocess(device: torch.device) -> Preprocess:
    """The input scaling of the lpips package for images in [0, 255]."""
    settings: dict[str, Any] = {"side": None, "mean": LPIPS_MEAN, "std": LPIPS_STD}
    return Preprocess(settings, device)
