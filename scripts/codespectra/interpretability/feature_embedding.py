"""Perceptual embeddings: how far apart images are in the layers of any network.

The distance is that of LPIPS (Zhang et al. 2018): features brought to unit length over channels,
their squared difference averaged over places and summed over layers. It is |e(x) - e(y)|^2 with
e(x) = concat_l sqrt(w_l / places_l) * f_l(x) / |f_l(x)|, so each image passes the network once and
every pair after that is arithmetic.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from codespectra.data.preprocessing import Preprocess
from codespectra.models.hooks import run_to_layers

EPSILON = 1e-10  # that lpips 0.1.4 adds to a norm


@dataclass(frozen=True)
class Tap:
    """A layer whose output is embedded: one part of the distance.

    Attributes:
        part: its name in tables.
        layer: module, call, depth, axes and prefix, as `layer_listing.Layer` has them.
        head: weight (C,) of each channel; None: all 1. Channels of weight 0 are dropped.
    """

    part: str
    layer: dict[str, Any]
    head: torch.Tensor | None = None

    def reduce(self, output: torch.Tensor) -> torch.Tensor:
        """Embedding (N, d) of an output, tokens before the patches left out."""
        letters = self.layer["axes"]
        features = output.float().movedim((letters.index("N"), letters.index("C")), (0, 1))
        features = features.reshape(*features.shape[:2], -1)
        if "T" in letters and features.shape[2] > 1:
            features = features[:, :, self.layer["prefix"] :]
        norm = features.square().sum(dim=1, keepdim=True).sqrt()
        unit, places = features / (norm + EPSILON), features.shape[2]
        if self.head is None:
            return (unit / places**0.5).flatten(1)
        weight = self.head.to(features.device)
        kept = weight > 0
        return (unit[:, kept] * (weight[kept] / places).sqrt().view(1, -1, 1)).flatten(1)


class Backbone:
    """A network, and the layers of it that are embedded."""

    def __init__(self, network: nn.Module, taps: list[Tap], preprocess: Preprocess):
        """Take a network, which is put into evaluation mode on the device of its preprocessing."""
        self.network = network.eval().to(preprocess.device, memory_format=torch.channels_last)
        self.taps, self.preprocess = taps, preprocess

    @torch.inference_mode()
    def embed(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Embeddings of uint8 images (N, H, W, 3): {part: (N, d)}, float32, in running order.

        Squared distances within one part are that layer's; over all parts they add up.
        """
        parts: dict[str, np.ndarray] = {}

        def keep(tap: Tap, rows: torch.Tensor) -> None:
            parts[tap.part] = rows.cpu().numpy()

        run_to_layers(self.network, self.preprocess(images), self.taps, keep)
        return parts


def network_backbone(
    network: nn.Module, layers: list[dict[str, Any]], preprocess: Preprocess
) -> Backbone:
    """A backbone of those layers of a network, all heads 1: never LPIPS."""
    return Backbone(network, [Tap(layer["name"], layer) for layer in layers], preprocess)
