"""A forward pass that ends where nothing more is wanted."""

import pytest
import torch
from torch import nn

from codespectra.models.architectures import build
from codespectra.models.hooks import Wanted, capturing, run_to_layers
from codespectra.models.layer_listing import inspect_layers

NETWORK = {"name": "bottleneck_resnet", "width": 4, "blocks": [1, 1, 1, 1], "stem_stride": 2}


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return build(NETWORK, 10).eval()


def wanted_of(network: nn.Module, *names: str) -> list[Wanted]:
    layers = {layer.name: vars(layer) for layer in inspect_layers(network, 32)}
    reductions = ("spatial_mean", "none")
    return [Wanted(layers[name], reduction) for name in names for reduction in reductions]


@pytest.mark.parametrize("names", [["relu"], ["layer1.0.relu:1"], ["layer1", "relu"]])
def test_pass_ends_after_the_last_wanted_layer_and_gives_the_same(network, names):
    wanted, images = wanted_of(network, *names), torch.rand(3, 3, 32, 32)
    whole, cut = {}, {}
    with capturing(network, wanted, lambda item, values: whole.update({item.key: values})):
        network(images)
    network.layer2.register_forward_pre_hook(lambda *_: pytest.fail("layer2 ran"))
    for _ in range(2):  # calls are counted anew in each pass
        run_to_layers(network, images, wanted, lambda item, values: cut.update({item.key: values}))
    assert set(cut) == set(whole) == {item.key for item in wanted}
    assert all(torch.equal(cut[key], whole[key]) for key in whole)


def test_no_hook_is_left(network):
    run_to_layers(network, torch.rand(1, 3, 32, 32), wanted_of(network, "relu"), lambda *_: None)
    assert not any(module._forward_hooks for module in network.modules())
    assert network(torch.rand(1, 3, 32, 32)).shape == (1, 10)


def test_options_reach_the_network():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.ReLU()

        def forward(self, images: torch.Tensor, *, scale: float) -> torch.Tensor:
            return self.inner(scale * images)

    layer = {"name": "inner", "module": "inner", "call": 0, "shape": (2, 3), "depth": 0}
    layer |= {"axes": "NCT", "prefix": None}
    found = []
    images = torch.rand(4, 2, 3)
    wanted = [Wanted(layer, "none")]
    run_to_layers(Scaled(), images, wanted, lambda _, values: found.append(values), scale=2.0)
    assert torch.equal(found[0], 2 * images.flatten(1))
