"""The lpips package with a random trunk under the heads that it ships, and the same as ours."""

import sys
import warnings
from pathlib import Path

import lpips
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from codespectra.data import photographs
from codespectra.interpretability import lpips_embedding


def crops(per_class: int, count: int) -> np.ndarray:
    """`count` crops of photographs, 32 pixels wide, in random order."""
    images, _ = photographs.random_crops(
        split="train",
        per_class=per_class,
        side=32,
        crops=(32, 48),
        block=96,
        test_share=0.2,
        seed=0,
    )
    return images[np.random.default_rng(0).permutation(len(images))[:count]]


def both_sides() -> tuple[lpips.LPIPS, lpips_embedding.Backbone]:
    """The package's network, and the backbone of the same weights."""
    torch.manual_seed(0)
    with warnings.catch_warnings(action="ignore"):  # torchvision's, of lpips' old arguments
        peer = lpips.LPIPS(net="alex", pnet_rand=True, pretrained=True, verbose=False)
    slices = peer.net.state_dict().items()
    state = {f"features.{name.partition('.')[2]}": value for name, value in slices}
    return peer, lpips_embedding.alexnet_backbone(state, torch.device("cpu"))
