"""Architectures by name, and their layers as one forward pass runs them."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from codespectra.errors import UserError, nearest
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


@dataclass(frozen=True)
class Layer:
    """One call of one module in a forward pass.

    `name` is the module's, with `:call` when the module runs more than once; `shape` is that of
    one stimulus' output before any reduction; `depth` counts calls in the order they run.
    """

    name: str
    module: str
    call: int
    type: str
    shape: tuple[int, ...]
    depth: int


def inspect_layers(network: nn.Module, side: int) -> list[Layer]:
    """List every module call of a forward pass over one `side`-pixel image, in running order.

    Raises:
        UserError: the network can't take images of that side.
    """
    seen: list[tuple[str, str, tuple[int, ...]]] = []

    def hook(name: str, kind: str) -> Any:
        def record(module: nn.Module, inputs: Any, output: Any) -> None:
            output = output[0] if isinstance(output, tuple) else output
            if isinstance(output, torch.Tensor):
                seen.append((name, kind, tuple(output.shape[1:])))

        return record

    handles = [
        module.register_forward_hook(hook(name, type(module).__name__))
        for name, module in network.named_modules()
        if name
    ]
    device = next(network.parameters()).device
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, 3, side, side, device=device))
    except RuntimeError as error:
        raise UserError(
            f"{type(network).__name__} can't take images of {side} pixels ({error}); "
            "set preprocessing.side to a larger one"
        ) from error
    finally:
        for handle in handles:
            handle.remove()
    return number_calls(seen)


def number_calls(seen: list[tuple[str, str, tuple[int, ...]]]) -> list[Layer]:
    """Layers of module calls (name, type, shape of a stimulus' output) in running order."""
    total = Counter(name for name, _, _ in seen)
    calls: Counter[str] = Counter()
    layers = []
    for depth, (module, kind, shape) in enumerate(seen):
        name = f"{module}:{calls[module]}" if total[module] > 1 else module
        layers.append(Layer(name, module, calls[module], kind, shape, depth))
        calls[module] += 1
    return layers


def describe_layers(architecture: dict[str, Any], classes: int, side: int) -> list[dict[str, Any]]:
    """Layers of an architecture as plain dicts, from a pass on the meta device: no weights."""
    with torch.device("meta"):
        network = build(architecture, classes)
    return [asdict(layer) for layer in inspect_layers(network, side)]
