"""The axes of layers' outputs are those that the networks' own modules and words say."""

import pytest
import timm
import torch
import transformers
from torch import nn
from torchvision import models as torchvision_models

from codespectra.models.axes import Axes, FollowAxes, axes_of, mark
from codespectra.models.layer_listing import inspect_layers
from codespectra.models.reductions import refusal

# Widths of what has weights, by what the module itself calls them.
WIDTHS = ("out_channels", "num_features", "out_features")
VIT = {"hidden_size": 30, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 48}
VIT |= {"intermediate_size": 50, "patch_size": 8}
SWIN = {"image_size": 64, "patch_size": 4, "embed_dim": 18, "depths": [1, 1], "window_size": 4}
SWIN |= {"num_heads": [2, 2]}
CONVNEXT = {"hidden_sizes": [9, 10, 11, 13], "depths": [1, 1, 1, 1]}
# Model of transformers, its config, tokens before the patches (None: no tokens).
FAMILIES = {
    "ViT": (VIT, 1),
    "DeiT": (VIT, 2),
    "Dinov2": (VIT, 1),
    "Dinov2WithRegisters": (VIT | {"num_register_tokens": 3}, 4),
    "DINOv3ViT": (VIT | {"num_register_tokens": 4, "hidden_size": 32}, 5),
    "CLIPVision": (VIT, 1),
    "SiglipVision": (VIT, 0),
    "Beit": (VIT, 1),
    "Swin": (SWIN, 0),
    "ConvNext": (CONVNEXT, None),
    "ResNet": ({"embedding_size": 9, "hidden_sizes": [11, 13], "depths": [1, 1]}, None),
}
TIMM = {
    "vit_tiny_patch16_224": 224,
    "deit_tiny_distilled_patch16_224": 224,
    "vit_small_patch14_reg4_dinov2": 518,
    "eva02_tiny_patch14_224": 224,
    "swin_tiny_patch4_window7_224": 224,
    "convnext_atto": 224,
    "tf_efficientnet_lite0": 224,
    "mixer_s16_224": 224,
    "regnetx_002": 224,
}


def check_widths(network: nn.Module, layers: list) -> None:
    """The axis of channels is as long as the module's weights say."""
    modules, checked = dict(network.named_modules()), 0
    for layer in layers:
        module = modules[layer.module]
        width = next((getattr(module, name) for name in WIDTHS if hasattr(module, name)), None)
        if type(module) is nn.LayerNorm:
            width = module.normalized_shape[0]
        known = layer.axes in {"NCHW", "NHWC", "NTC", "NC"} and not [*module.children()]
        if known and isinstance(width, int):
            assert layer.shape[layer.axes.replace("N", "").index("C")] == width, layer
            checked += 1
    assert checked >= 8


# Of RegNets, which run on the CPU alone, the smallest of both kinds: the others are the same code.
CLASSIFIERS = [
    name
    for name in torchvision_models.list_models(module=torchvision_models)
    if not name.startswith("regnet") or name.endswith("_400mf")
]


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_torchvisions_classifiers(name):
    extra = {"init_weights": False} if name in {"googlenet", "inception_v3"} else {}
    with torch.device("cpu" if name.startswith("regnet") else "meta"):
        network = torchvision_models.get_model(name, weights=None, **extra)
        layers = inspect_layers(network, 224)
    check_widths(network, layers)
    known = [layer for layer in layers if {"N", "C"} <= {*layer.axes}]
    # What isn't shown to stimuli: the biases of positions in Swin's second version.
    assert all("cpb_mlp" in layer.name for layer in layers if layer not in known)
    assert not name.startswith("vit") or {layer.prefix for layer in layers[1:]} == {1}


@pytest.mark.parametrize("name", TIMM)
def test_families_of_timm(name):
    with torch.device("meta"):
        network = timm.create_model(name)
        layers = inspect_layers(network, TIMM[name])
    check_widths(network, layers)
    residual = [layer.prefix for layer in layers if layer.type in {"Block", "EvaBlock"}]
    assert {*residual} <= {getattr(network, "num_prefix_tokens", None)}
    assert residual or "vit" not in name


@pytest.mark.parametrize("name", FAMILIES)
def test_families_of_transformers(name):
    settings, prefix = FAMILIES[name]
    network = getattr(transformers, f"{name}Model")(
        getattr(transformers, f"{name}Config")(**settings)
    )
    layers = inspect_layers(network, settings.get("image_size", 64))
    check_widths(network, layers)
    tokens = [layer for layer in layers if layer.axes == "NTC" and "embeddings" not in layer.name]
    assert {layer.prefix for layer in tokens} == (set() if prefix is None else {prefix})


@pytest.mark.parametrize(
    ("name", "layer", "channels"),
    [
        ("convnext_tiny", "features.1.0.block.4", 384),
        ("swin_t", "features.1.0", 96),
        ("swin_v2_t", "features.1.0.mlp.1", 384),
        ("vit_b_16", "encoder.layers.encoder_layer_0.mlp.1", 3072),
    ],
)
def test_published_mistakes(name, layer, channels):
    """Outputs with channels last and tokens were averaged over channels (cases A)."""
    with torch.device("meta"):
        layers = inspect_layers(torchvision_models.get_model(name), 224)
    (found,) = (vars(one) for one in layers if one.name == layer)
    assert found["shape"][found["axes"].index("C") - 1] == channels
    assert bool(refusal(found, "spatial_mean")) == (name == "vit_b_16")


def windowed(maps: torch.Tensor) -> torch.Tensor:
    """A convolution over windows, of which there are more than stimuli."""
    return nn.functional.conv2d(maps.reshape(10, 3, 4, 4), torch.zeros(2, 3, 1, 1))


def followed(function, *shapes: tuple[int, ...], letters: str = "NCHW", prefix: int | None = None):
    with FollowAxes(5):
        given = [mark(torch.zeros(*shape), Axes(letters, prefix)) for shape in shapes]
        return axes_of(function(*given))


@pytest.mark.parametrize(
    ("function", "letters", "prefix", "expected"),
    [
        (lambda x: x.flatten(2).transpose(1, 2), "NCHW", None, Axes("NTC", 0)),
        (lambda x: x.permute(0, 2, 3, 1), "NCHW", None, Axes("NHWC")),
        (lambda x: x.mean((2, 3)), "NCHW", None, Axes("NC")),
        (lambda x: x.max(1).values, "NCHW", None, Axes("NHW")),
        (lambda x: x.topk(2, dim=1).values, "NCHW", None, Axes("N???")),
        (lambda x: x[..., 0, :], "NCHW", None, Axes("NCW")),
        (lambda x: x.reshape(5, 2, 3, 4, 4), "NCHW", None, Axes("N??HW")),
        (lambda x: torch.einsum("nchw->nhwc", x), "NCHW", None, Axes("N???")),
        (lambda x: x + x.transpose(2, 3), "NCHW", None, Axes("NC??")),
        (lambda x: torch.cat([torch.zeros(5, 2, 4, 4), x], 1), "NTHW", 0, Axes("NTHW", 2)),
        (lambda x: torch.cat([x, torch.zeros(5, 2, 4, 4)], 1), "NTHW", 0, Axes("NTHW", None)),
        (lambda x: torch.mean(input=x, dim=1), "NCHW", None, Axes("N??")),
        (lambda x: x.clone().transpose_(1, 2), "NCHW", None, Axes("N???")),
        (lambda x: x.as_strided((5, 6, 4, 4), (96, 1, 24, 6)), "NCHW", None, Axes("NCHW")),
        (
            lambda x: nn.functional.conv2d(x.reshape(10, 3, 4, 4), torch.zeros(2, 3, 1, 1)),
            "NCHW",
            None,
            Axes("?CHW"),
        ),
        (lambda x: x[:, 1:], "NTHW", 3, Axes("NTHW", 2)),
        (lambda x: x.split((2, 4), 1)[1], "NTHW", 3, Axes("NTHW", 1)),
        (lambda x: x[:, ::2], "NTHW", 3, Axes("NTHW", None)),
    ],
)
def test_what_functions_do_to_axes(function, letters, prefix, expected):
    assert followed(function, (5, 6, 4, 4), letters=letters, prefix=prefix) == expected
