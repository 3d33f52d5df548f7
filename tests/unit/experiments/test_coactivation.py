"""Co-activation, and what a layer's ReLU is given: in place, reused, or not there at all."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from torch import nn
from torch.nn import functional

from codespectra.claims.measures.manifold import coactivation_and_index
from codespectra.claims.measures.tables import Tables
from codespectra.data.preprocessing import Preprocess
from codespectra.experiments.coactivation import before_relu, coactivation, relu_of
from codespectra.figures.manifold import draw_coactivation
from codespectra.models import architectures
from codespectra.models.layer_listing import inspect_layers

SETTINGS = {"side": None, "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.4)}
RESAMPLING = {"resamples": 200, "seed": 0}
IMAGES = np.random.default_rng(0).integers(256, size=(11, 16, 16, 3), dtype=np.uint8)
BOTTLENECK = {
    "name": "bottleneck_resnet",
    "width": 4,
    "blocks": [1, 1, 1, 1],
    "stem_stride": 2,
}

# Co-activation ------------------------------------------------------------------------------------


def naive(rows: np.ndarray) -> list[float]:
    """Each unit with the mean of the others, by numpy's correlation."""
    return [
        np.corrcoef(rows[:, unit], np.delete(rows, unit, axis=1).mean(axis=1))[0, 1]
        for unit in range(rows.shape[1])
    ]


@given(st.integers(0, 2**32 - 1), st.integers(2, 8), st.floats(-50, 50))
def test_coactivation_is_the_correlation_with_the_mean_of_the_others(seed, width, offset):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((15, width)) @ rng.standard_normal((width, width)) + offset
    np.testing.assert_allclose(coactivation(rows), naive(rows), atol=1e-9)


def test_a_dead_unit_has_none_and_changes_no_other():
    rows = np.random.default_rng(0).random((20, 4))
    found = coactivation(np.insert(rows, 1, 0.1, axis=1))
    assert np.isnan(found[1])
    np.testing.assert_allclose(np.delete(found, 1), coactivation(rows), atol=1e-12)


# What a ReLU is given -----------------------------------------------------------------------------


class Reused(nn.Module):
    """One ReLU module that runs after each of two convolutions of one shape, and a functional."""

    def __init__(self, inplace: bool):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1)
        self.relu, self.keep = nn.ReLU(inplace=inplace), nn.Identity()
        self.conv3, self.last = nn.Conv2d(6, 5, 3), nn.Identity()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        hidden = self.relu(self.conv2(self.relu(self.conv1(images))))
        return self.last(functional.relu(self.conv3(self.keep(hidden))))


def reused(inplace: bool) -> nn.Module:
    torch.manual_seed(0)
    return Reused(inplace).eval()


def bottleneck() -> nn.Module:
    torch.manual_seed(0)
    network = architectures.build(BOTTLENECK, 10).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.bias)
            nn.init.uniform_(module.running_mean, -1, 1)
    return network.to(memory_format=torch.channels_last)


def layers_of(network: nn.Module) -> dict[str, dict]:
    return {layer.name: vars(layer) for layer in inspect_layers(network, IMAGES.shape[1])}


def given_to_relu(
    network: nn.Module, *names: str, reduction: str = "spatial_mean", batch: int = 4
) -> dict[str, np.ndarray]:
    layers = layers_of(network)
    pairs = {name: (layers[name], relu_of(layers[name], [*layers.values()])) for name in names}
    preprocess = Preprocess(SETTINGS, torch.device("cpu"))
    return before_relu(network, preprocess, IMAGES, pairs, reduction, batch=batch)


def copies(network: nn.Module, *names: str) -> list[torch.Tensor]:
    """Outputs of modules in one pass over all images, each copied by a hook of its own."""
    found: dict[str, torch.Tensor] = {}

    def keep(name: str):
        return lambda module, inputs, output: found.update({name: output.clone()})

    handles = [network.get_submodule(name).register_forward_hook(keep(name)) for name in names]
    with torch.inference_mode():
        network(Preprocess(SETTINGS, torch.device("cpu"))(IMAGES))
    for handle in handles:
        handle.remove()
    return [found[name] for name in names]


def test_the_relu_of_a_residual_layer_is_the_last_call_in_its_last_block():
    layers = layers_of(bottleneck())
    available = [*layers.values()]
    for name in ("layer2", "layer2.0", "layer2.0.relu:2"):
        assert relu_of(layers[name], available)["name"] == "layer2.0.relu:2"
    assert relu_of(layers["conv1"], available) is None
    assert relu_of(layers["fc"], available) is None


@pytest.mark.parametrize("layer", ["layer1", "layer3"])
def test_a_blocks_relu_is_given_its_branch_and_shortcut(layer):
    network = bottleneck()
    branch, shortcut, output = copies(network, f"{layer}.0.bn3", f"{layer}.0.downsample.1", layer)
    # the addition works in place on the branch: its copy is from before
    expected = branch + shortcut
    assert (expected < 0).any()
    torch.testing.assert_close(expected.relu(), output)
    found = given_to_relu(network, layer)[layer]
    np.testing.assert_allclose(found, expected.mean(dim=(2, 3)).numpy(), atol=1e-5)


@pytest.mark.parametrize("inplace", [True, False])
def test_each_call_of_a_reused_relu_has_its_own_input(inplace):
    network = reused(inplace)
    first, second = copies(network, "conv1", "conv2")
    found = given_to_relu(network, "relu:0", "relu:1", "keep", reduction="none")
    for name, expected in (("relu:0", first), ("relu:1", second), ("keep", second)):
        np.testing.assert_allclose(found[name], expected.flatten(1).numpy(), atol=1e-6)


def test_layers_that_are_no_relus_output_are_left_out():
    network = reused(inplace=True)
    layers = layers_of(network)
    assert relu_of(layers["conv2"], [*layers.values()])["name"] == "relu:0"
    assert relu_of(layers["last"], [*layers.values()]) is None
    assert set(given_to_relu(network, "conv2", "relu:1")) == {"relu:1"}


def test_a_network_without_relus_has_none_before_them():
    assert before_relu(reused(inplace=True), None, None, {}, "none", batch=4) == {}


def test_the_batch_changes_nothing_but_rounding():
    network = bottleneck()
    whole, pieces = (given_to_relu(network, "layer2", batch=size)["layer2"] for size in (11, 3))
    assert whole.shape == (11, 32)
    np.testing.assert_allclose(whole, pieces, atol=1e-5)


# Claim and figure ---------------------------------------------------------------------------------


def scored() -> pd.DataFrame:
    """Planted: II falls with co-activation after the ReLU, and has no trend before."""
    values, unit = np.arange(-20, 21), np.arange(41)
    tables = [
        pd.DataFrame({"direction": unit, "coactivation": values, "ii": ii, "stage": stage})
        for stage, ii in (("pre", np.abs(values)), ("post", -(values**3)))
    ]
    context = {"model": "net", "weights": "train", "stimuli": "set", "stimulus_count": 9, "m": 5}
    return pd.concat(tables).assign(**context, metric="color", layer="relu")


def test_planted_anticorrelation_is_found_in_its_stage():
    tables = Tables(**RESAMPLING, trained=("net",), coactivation=scored())
    before, after = coactivation_and_index(tables)
    assert before.scope == "net on set, relu, before ReLU, color"
    assert before.estimate == pytest.approx(0, abs=1e-12)
    assert before.low < 0 < before.high
    assert after.scope == "net on set, relu, after ReLU, color"
    assert after.estimate == after.high == pytest.approx(-1)


def test_no_layer_without_relu_is_said_to_be_after_one():
    """Of another model the layer of that name does end in a ReLU."""
    other = scored().query("stage == 'post'").assign(model="other")
    table = pd.concat([scored(), other])
    tables = Tables(**RESAMPLING, trained=("net", "other"), coactivation=table)
    scopes = {one.scope for one in coactivation_and_index(tables)}
    assert {scope for scope in scopes if scope.startswith("other")} == {
        "other on set, relu, output, color"
    }
    assert "net on set, relu, after ReLU, color" in scopes


def test_figure_has_no_panel_for_a_layer_without_relu():
    table = scored()
    other = table[table["stage"] == "post"].assign(layer="conv")
    cfg = {"study": "study", "metric": "color", **RESAMPLING}
    figure, _ = draw_coactivation({"coactivation": pd.concat([table, other])}, cfg)
    titles = [panel.get_title() for panel in figure.axes if panel.get_visible()]
    assert titles == ["relu, before ReLU", "relu, after ReLU", "conv, output"]
    assert "conv output 41" in figure.get_supxlabel().replace("\n", " ")
    plt.close(figure)
