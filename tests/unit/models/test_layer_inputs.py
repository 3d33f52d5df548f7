"""What goes into layers, as layers: their names, axes and values are those of a plain hook."""

from dataclasses import asdict

import numpy as np
import pytest
import timm
import torch
from torch import nn

from codespectra.errors import UserError
from codespectra.models.hooks import Wanted, capturing, run_to_layers
from codespectra.models.layer_inputs import named_layers
from codespectra.models.layer_listing import inspect_layers
from codespectra.models.layer_selection import select_layers
from codespectra.models.reductions import refusal


class Gated(nn.Module):
    """A convolution, and a gated MLP over the channels of each place, run twice."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3)
        self.gate, self.up, self.down = nn.Linear(6, 10), nn.Linear(6, 10), nn.Linear(10, 6)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.stem(images).permute(0, 2, 3, 1)
        for _ in range(2):
            x = x + self.down(torch.sigmoid(self.gate(x)) * self.up(x))
        return x.mean((1, 2))


def listed(network: nn.Module, side: int) -> list[dict]:
    return [asdict(layer) for layer in inspect_layers(network, side)]


def captured(network: nn.Module, layers: list[dict], reduction: str, images: torch.Tensor) -> dict:
    found = {}
    wanted = [Wanted(layer, reduction) for layer in layers]
    with torch.no_grad(), capturing(network, wanted, lambda i, x: found.update({i.key: x})):
        network(images)
    return found


def test_neurons_of_a_gated_mlp_are_what_goes_into_its_last_layer() -> None:
    network, images = Gated().eval(), torch.randn(4, 3, 8, 8)
    layers = select_layers([{"input": "down"}, "up"], listed(network, 8))
    assert [layer["name"] for layer in layers] == ["up:0", "input:down:0", "up:1", "input:down:1"]
    assert [layer["type"] for layer in layers[:2]] == ["Linear", "input of Linear"]
    assert layers[1]["axes"] == "NHWC" and tuple(layers[1]["shape"]) == (6, 6, 10)
    went_in = []
    network.down.register_forward_pre_hook(lambda module, inputs: went_in.append(inputs[0]))
    found = captured(network, layers, "spatial_mean", images)
    for call in (0, 1):
        np.testing.assert_allclose(
            found[f"spatial_mean/input:down:{call}"], went_in[call].mean((1, 2)), atol=1e-6
        )


@pytest.mark.parametrize("reduction", ["cls", "token_mean", "none"])
def test_inputs_of_a_transformer_know_their_tokens(reduction: str) -> None:
    network, images = timm.create_model("test_vit").eval(), torch.randn(3, 3, 160, 160)
    (layer,) = select_layers([{"input": "blocks.1.mlp.fc2"}], listed(network, 160))
    assert (layer["axes"], layer["prefix"]) == ("NTC", 1)
    assert refusal(layer, reduction) is None
    went_in = []
    network.blocks[1].mlp.fc2.register_forward_pre_hook(lambda _, inputs: went_in.append(*inputs))
    (found,) = captured(network, [layer], reduction, images).values()
    rows = {"cls": went_in[0][:, 0], "token_mean": went_in[0][:, 1:].mean(1)}
    np.testing.assert_allclose(found, rows.get(reduction, went_in[0].flatten(1)), atol=1e-6)


def test_a_pass_ends_only_after_what_it_is_asked_for() -> None:
    """What goes into a block is there before what comes out of the layers inside."""
    network = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU()), nn.Flatten())
    layers = select_layers(["0.1", {"input": "0"}, {"input": "0.*"}], listed(network, 4))
    assert [x["name"] for x in layers] == ["input:0", "input:0.0", "input:0.1", "0.1"]
    seen = []
    wanted = [Wanted(layer, "none") for layer in layers]
    run_to_layers(network, torch.zeros(1, 3, 4, 4), wanted, lambda i, _: seen.append(i.layer))
    assert seen == layers


def test_names_lead_back_to_inputs() -> None:
    layers = listed(Gated(), 8)
    chosen = select_layers([{"input": "down"}, "stem"], layers)
    assert named_layers([layer["name"] for layer in chosen], layers) == chosen
    # Among layers that are chosen already an input is found by the layer's name as well.
    assert select_layers([{"input": "down"}], chosen) == chosen[1:]
    assert select_layers(["input:down:1"], chosen) == chosen[2:]


def test_an_input_that_is_none_is_told() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inside = nn.Linear(3, 3)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.inside(input=images.mean((2, 3)))

    with pytest.raises(UserError, match="inside is called with no tensor by position"):
        select_layers([{"input": "inside"}], listed(Named(), 4))
    with pytest.raises(UserError, match="no layer matches 'insid'; did you mean 'inside'"):
        select_layers([{"input": "insid"}], listed(Named(), 4))
