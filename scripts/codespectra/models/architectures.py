"""Architectures by name."""

from dataclasses import asdict
from typing import Any

import torch
from torch import nn

from codespectra.errors import UserError, nearest
from codespectra.models.layer_listing import inspect_layers
from codespectra.models.resnet_vae import ResNetVAE
from codespectra.models.small_resnet import BasicBlock, Bottleneck, SmallResNet

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


def build(architecture: dict[str, Any], classes: int) -> nn.Module:
    """Build a network with fresh weights from a config's `architecture` section.

    Raises:
        UserError: torchvision has no classifier of that name.
    """
    name = architecture["name"]
    options = {key: value for key, value in architecture.items() if key != "name"}
    if name in BLOCKS:
        return SmallResNet(block=BLOCKS[name], **options, classes=classes)
    if name == "small_alexnet":
        return SmallAlexNet(**options, classes=classes)
    if name == "resnet_vae":
        return ResNetVAE(build(options.pop("encoder"), classes), **options)
    network = _torchvision(architecture["model"], classes)
    if name == "pytorch_cifar10":
        network.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1, bias=False)
    return network


def _torchvision(name: str, classes: int) -> nn.Module:
    # Seconds to import, which only its own networks should cost.
    from torchvision import models as torchvision_models

    known = torchvision_models.list_models(module=torchvision_models)
    if name not in known:
        raise UserError(f"torchvision has no model {name!r}; {nearest(name, known)}")
    extra = {"init_weights": False} if name in {"googlenet", "inception_v3"} else {}
    return torchvision_models.get_model(name, weights=None, num_classes=classes, **extra)


def describe_layers(architecture: dict[str, Any], classes: int, side: int) -> list[dict[str, Any]]:
    """Layers of an architecture as plain dicts, from a pass on the meta device: no weights.

    What the meta device can't run, such as code that looks at its numbers, runs on the CPU.

    Raises:
        UserError: the network can't take images of that side.
    """
    try:
        with torch.device("meta"):
            layers = inspect_layers(build(architecture, classes), side)
    except (UserError, NotImplementedError):
        layers = inspect_layers(build(architecture, classes), side)
    return [asdict(layer) for layer in layers]
