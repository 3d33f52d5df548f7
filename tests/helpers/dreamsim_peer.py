"""What the package dreamsim says of our weights: writes dreamsim_distances.json beside the tests.

In an environment of its own (`pip install dreamsim==0.2.1`), from the repository:
`PYTHONPATH=scripts:tests/helpers python tests/helpers/dreamsim_peer.py`. Its networks are made as
narrow as the weights. Of DINO it runs code that it fetches; here its own copy of that code.
"""

import json
import tempfile
from functools import partial
from pathlib import Path
from unittest import mock

import dreamsim.model
import torch
from dreamsim.feature_extraction import load_clip_as_dino, load_open_clip_as_dino
from dreamsim.feature_extraction.vision_transformer import VisionTransformer
from dreamsim_weights import DEPTH, IMAGES, WIDTH, write_weights
from PIL import Image

from codespectra.interpretability.dreamsim_files import DINO, VARIANTS

FILE = Path(__file__).parents[1] / "unit/interpretability/dreamsim_distances.json"


def narrow_vit(patch_size: int) -> VisionTransformer:
    """The package's ViT-B, but for its width."""
    norm = partial(torch.nn.LayerNorm, eps=1e-6)
    options = {"embed_dim": WIDTH, "depth": DEPTH, "num_heads": 12, "qkv_bias": True}
    return VisionTransformer(patch_size=patch_size, norm_layer=norm, **options)


def distances(variant: str, folder: Path) -> list[list[float]]:
    """The package's distance of each pair of images."""
    write_weights(folder, variant)
    create = dreamsim.model.ViTExtractor.create_model

    def create_model(name: str, load_dir: str) -> torch.nn.Module:
        if name != DINO.name:
            return create(name, load_dir)
        network = narrow_vit(DINO.patch)
        network.load_state_dict(torch.load(folder / DINO.file, weights_only=True))
        return network

    with (
        mock.patch.object(dreamsim.model.ViTExtractor, "create_model", create_model),
        mock.patch.object(load_clip_as_dino, "vit_base", narrow_vit),
        mock.patch.object(load_open_clip_as_dino, "vit_base", narrow_vit),
        mock.patch.object(dreamsim.model, "download_weights"),
    ):
        model, preprocess = dreamsim.model.dreamsim(
            device="cpu", cache_dir=str(folder), dreamsim_type=variant
        )
    shown = [preprocess(Image.fromarray(image)) for image in IMAGES]
    return [[round(float(model(one, other)), 6) for other in shown] for one in shown]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as root:
        found = {name: distances(name, Path(root) / name) for name in VARIANTS}
    FILE.write_text(json.dumps(found) + "\n")
