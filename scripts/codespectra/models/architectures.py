"""Architectures by name."""

from dataclasses import asdict
from typing import Any

import torch
from torch import nn

from codespectra.files.regular_files import refusing
from codespectra.models import libraries, own_code
from codespectra.models.layer_listing import inspect_layers
from codespectra.models.own_preprocessing import preprocessing_of
from codespectra.models.resnet_vae import ResNetVAE
from codespectra.models.small_resnet import BasicBlock, Bottleneck, SmallResNet

OTHERWISE = "correct the architecture, or take another"
BLOCKS = {"basic_resnet": BasicBlock, "bottleneck_resnet": Bottleneck}


class SmallAlexNet(nn.Module):
    """Five convolutions with ReLU for 32-pixel images: `features`, then a linear classifier."""

    def __init__(self, *, widths: tuple[int, ...], classes: int):
        """Build with one width a convolution."""
        super().__init__()
        first, second, third, fourth, fifth = widths
        self.features = nn.Sequential(
            *(nn.Conv2d(3, first, 5, stride=2, padding=2), nn.ReLU(inplace=True)),
            *(nn.Conv2d(first, second, 3, padding=1), nn.ReLU(inplace=True)),
            nn.MaxPool2d(2),
            *(nn.Conv2d(second, third, 3, padding=1), nn.ReLU(inplace=True)),
            *(nn.Conv2d(third, fourth, 3, padding=1), nn.ReLU(inplace=True)),
            *(nn.Conv2d(fourth, fifth, 3, padding=1), nn.ReLU(inplace=True)),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(fifth, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (N, 3, H, W) to (N, classes) logits."""
        return self.classifier(self.avgpool(self.features(images)).flatten(1))


def build(architecture: dict[str, Any], classes: int | None) -> nn.Module:
    """Build a network with fresh weights from a `resolved` architecture.

    Args:
        architecture: its name, and the options of that.
        classes: outputs of the last layer; None: as the architecture has them, 10 for our own.

    Raises:
        UserError: its library has no network of that name, or the user's code fails.
    """
    options = {key: value for key, value in architecture.items() if key != "name"}
    match architecture["name"]:
        case "python":
            return own_code.build(**options)
        case "transformers":
            return libraries.transformers(options["config"])
        case "open_clip":
            return libraries.open_clip(**options)
        case "timm":
            return libraries.timm(**options, classes=classes)
        case "torchvision":
            return libraries.torchvision(**options, classes=classes)
        case "pytorch_cifar10":
            return libraries.pytorch_cifar10(**options, classes=classes)
        case "small_alexnet":
            return SmallAlexNet(**options, classes=classes or 10)
        case "resnet_vae":
            return ResNetVAE(build(options.pop("encoder"), classes), **options)
    return SmallResNet(block=BLOCKS[architecture["name"]], **options, classes=classes or 10)


def build_with_weights(architecture: dict[str, Any]) -> nn.Module:
    """Build a network with the weights that it comes with, from a `resolved` architecture.

    Raises:
        UserError: the user's code fails, or the folder's weights don't fit.
    """
    if architecture["name"] == "transformers":
        return libraries.pretrained_transformers(architecture["config"], architecture["path"])
    return build(architecture, None)


def describe_layers(
    architecture: dict[str, Any], classes: int | None, side: int | None
) -> list[dict[str, Any]]:
    """Layers of an architecture as plain dicts, from a pass on the meta device: no weights.

    What the meta device can't run, such as code that looks at its numbers, runs on the CPU. Without
    a side the network sees images as its own library makes them.

    Raises:
        UserError: the network can't be built, or can't take images of that side.
    """
    name = architecture["name"]
    with refusing(f"architecture {architecture.get('model', name)}", "can't be run", OTHERWISE):
        if side is None:
            side = preprocessing_of(architecture, {"source": "model"})["side"]
        try:
            with torch.device("meta"):
                layers = inspect_layers(build(architecture, classes), side)
        except Exception:  # Whatever it is, the CPU says whether it is the network's fault.
            layers = inspect_layers(build(architecture, classes), side)
    return [asdict(layer) for layer in layers]
