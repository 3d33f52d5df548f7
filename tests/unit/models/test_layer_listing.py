"""Layers are the calls of a forward pass; one that fails leaves no hook behind."""

import pytest
import torch
from torchvision import models as torchvision_models

from codespectra.errors import UserError
from codespectra.models.architectures import build
from codespectra.models.layer_listing import inspect_layers

ARCHITECTURES = {
    "bottleneck_resnet": {"width": 16, "blocks": (2, 2, 2, 2), "stem_stride": 2},
    "small_alexnet": {"widths": (64, 96, 128, 128, 128)},
    "torchvision": {"model": "resnet18"},
    "pytorch_cifar10": {"model": "resnet50"},
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_layers_are_the_calls_of_a_pass_in_order(name):
    network, calls = build({"name": name} | ARCHITECTURES[name], 10), []
    layers = inspect_layers(network, 32)
    for module_name, module in network.named_modules():
        module.register_forward_hook(
            lambda module, _, output, name=module_name: calls.append(
                (name, type(module).__name__, tuple(output.shape[1:]))
            )
        )
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    found = [(layer.module, layer.type, layer.shape) for layer in layers]
    assert found == calls[:-1]  # the last is the network itself
    assert len({layer.name for layer in layers}) == len(found)


def test_too_small_images_are_refused_and_leave_no_hook():
    network = torchvision_models.alexnet(num_classes=10)
    with pytest.raises(UserError, match=r"AlexNet can't take images of 32 .*preprocessing\.side"):
        inspect_layers(network, 32)
    assert all(not module._forward_hooks for module in network.modules())
    assert inspect_layers(network, 64)[-1].shape == (10,)
