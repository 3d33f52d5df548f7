from dataclasses import asdict

import pytest
import torch
from torch import nn
from torchvision import models as torchvision_models

from codespectra.errors import UserError
from codespectra.models.architectures import build, describe_layers
from codespectra.models.layer_listing import inspect_layers
from codespectra.models.layer_selection import select_layers
from codespectra.study.sections.models import BottleneckResNet

BOTTLENECK = {"name": "bottleneck_resnet", "width": 16, "blocks": (2, 2, 2, 2), "stem_stride": 2}
ALEXNET = {"name": "small_alexnet", "widths": (64, 96, 128, 128, 128)}
RESNET18 = {"name": "torchvision", "model": "resnet18"}
RESNET50 = {"name": "pytorch_cifar10", "model": "resnet50"}
ALL = [BOTTLENECK, ALEXNET, RESNET18, RESNET50]


def names(selectors: list, architecture: dict = BOTTLENECK) -> list[str]:
    return [
        layer["name"] for layer in select_layers(selectors, describe_layers(architecture, 10, 32))
    ]


def by_name(architecture: dict) -> dict[str, dict]:
    return {layer["name"]: layer for layer in describe_layers(architecture, 10, 32)}


@pytest.mark.parametrize("side", [32, 48])
@pytest.mark.parametrize("architecture", ALL, ids=lambda architecture: architecture["name"])
def test_layers_without_weights_are_those_of_the_real_network(architecture, side):
    network = build(architecture, 10)
    real = [asdict(layer) for layer in inspect_layers(network, side)]
    assert describe_layers(architecture, 10, side) == real
    assert all(not module._forward_hooks for module in network.modules())


def test_a_reused_module_is_one_layer_a_call():
    found = names(["layer1.0.relu*"], RESNET50)
    assert found == ["layer1.0.relu:0", "layer1.0.relu:1", "layer1.0.relu:2"]
    found = select_layers(["layer1.0.relu"], describe_layers(RESNET50, 10, 32))
    assert [layer["call"] for layer in found] == [0, 1, 2]
    assert [layer["shape"] for layer in found] == [(64, 16, 16), (64, 16, 16), (256, 16, 16)]


def test_selectors_by_name_module_glob_and_type():
    assert names(["conv1"]) == ["conv1"]
    assert names(["layer1.0.relu:1"]) == ["layer1.0.relu:1"]
    assert names(["layer?"]) == ["layer1", "layer2", "layer3", "layer4"]
    assert names(["layer2.[01].conv3"]) == ["layer2.0.conv3", "layer2.1.conv3"]
    assert len(names([{"type": "Bottleneck"}])) == 8
    assert len(names([{"type": "ReLU"}])) == 1 + 3 * 8
    assert len(names([{"type": "ReLU"}], RESNET18)) == 17
    assert len(names([{"type": "ReLU"}], RESNET50)) == 49


def test_chosen_layers_run_in_order_and_come_once():
    found = names(["fc", "layer4", "layer*", "conv1", {"type": "Linear"}])
    assert len(found) == len(set(found))
    assert (found[0], found[-1]) == ("conv1", "fc")
    assert found.index("layer1.0.relu:0") < found.index("layer1.0") < found.index("layer1")
    assert names(["layer4", "layer1"]) == ["layer1", "layer4"]


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("layer1.0.rellu:1", r"'layer1.0.rellu:1'; did you mean 'layer1\.0\.relu:[01]'\?"),
        ("layer5*", r"no layer matches 'layer5\*'; did you mean 'layer\d'\?"),
        ({"type": "Relu"}, r"no layer of type 'Relu'; did you mean 'ReLU'\? allowed: .*Conv2d"),
    ],
)
def test_unknown_selector_names_the_nearest(selector, message):
    with pytest.raises(UserError, match=message):
        names(["conv1", selector])


def test_unknown_torchvision_model_names_the_nearest():
    with pytest.raises(UserError, match="no model 'resnet51'; did you mean 'resnet50'"):
        describe_layers({"name": "torchvision", "model": "resnet51"}, 10, 32)


def test_bottleneck_resnet_is_torchvisions_with_another_stem():
    """At width 64 everything but the stem has the names, shapes and function of ResNet-50's."""
    torch.manual_seed(0)
    ours = build(BOTTLENECK | {"width": 64, "blocks": (3, 4, 6, 3), "stem_stride": 1}, 10).eval()
    peer = torchvision_models.resnet50(num_classes=10).eval()
    peer.conv1, peer.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    peer.load_state_dict(ours.state_dict())
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), peer(images), rtol=0, atol=0)


def test_basic_resnet_is_torchvisions_with_another_stem():
    """At width 64 everything but the stem has the names, shapes and function of ResNet-18's."""
    torch.manual_seed(0)
    basic = {"name": "basic_resnet", "width": 64, "blocks": (2, 2, 2, 2), "stem_stride": 2}
    ours = build(basic, 10)
    peer = torchvision_models.resnet18(num_classes=10)
    peer.conv1, peer.maxpool = nn.Conv2d(3, 64, 3, 2, 1, bias=False), nn.Identity()
    peer.load_state_dict(ours.state_dict())
    images = torch.randn(4, 3, 32, 32)
    with torch.no_grad():
        for network in (ours.train(), ours.eval()):
            peer.train(network.training)
            torch.testing.assert_close(network(images), peer(images), rtol=0, atol=0)


def test_default_bottleneck_has_64_channels_at_layer1():
    default = BottleneckResNet(name="bottleneck_resnet").model_dump()
    layers = by_name(default)
    assert layers["layer1"]["shape"] == (64, 16, 16)
    assert layers["layer4"]["shape"] == (512, 2, 2)
    assert by_name(default | {"stem_stride": 1})["layer1"]["shape"] == (64, 32, 32)


def test_pytorch_cifar10_resnet50_keeps_the_pool():
    layers = by_name(RESNET50)
    assert layers["conv1"]["shape"] == (64, 32, 32)
    shapes = [layers[f"layer{index}"]["shape"] for index in (1, 2, 3, 4)]
    assert shapes == [(256, 16, 16), (512, 8, 8), (1024, 4, 4), (2048, 2, 2)]
