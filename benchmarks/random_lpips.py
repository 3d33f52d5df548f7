"""The lpips package with a random trunk under the heads that it ships, and the same as ours."""

import lpips
import numpy as np
import torch
from lpips_peer import random_lpips, trunk_state

from codespectra.data import photographs
from codespectra.interpretability import lpips_embedding
from codespectra.interpretability.feature_embedding import Backbone
from codespectra.interpretability.similarity import Embedding

BATCH = 256  # config.yaml's


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


def both_sides() -> tuple[lpips.LPIPS, Backbone]:
    """The package's network, and the backbone of the same weights."""
    peer = random_lpips()
    return peer, lpips_embedding.alexnet_backbone(trunk_state(peer), torch.device("cpu"))


def embed(backbone: Backbone, images: np.ndarray, shown: np.ndarray) -> Embedding:
    """Those of the images whose indices are `shown`, embedded in batches."""
    starts = range(0, len(shown), BATCH)
    batches = [backbone.embed(images[shown[start : start + BATCH]]) for start in starts]
    tables = {part: np.concatenate([one[part] for one in batches]) for part in batches[0]}
    return Embedding("lpips", tables, shown)


@torch.inference_mode()
def lpips_of(
    peer: lpips.LPIPS, images: np.ndarray, pairs: np.ndarray, pairs_a_call: int
) -> np.ndarray:
    """The package's distances of pairs (2, P) of images, so many in each of its calls."""
    found = []
    for start in range(0, pairs.shape[1], pairs_a_call):
        first, second = (
            torch.from_numpy(images[rows]).permute(0, 3, 1, 2).contiguous() / 255
            for rows in pairs[:, start : start + pairs_a_call]
        )
        found.append(peer(first, second, normalize=True).flatten())
    return torch.cat(found).numpy()
