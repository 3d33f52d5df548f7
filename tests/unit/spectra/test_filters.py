"""Eigenvectors as filters, against scikit-learn and plain loops, and where they are missing."""

import copy
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import timm
import torch
from residual_block import MEAN, STD, Residual, preprocess_to, some_images
from sklearn.decomposition import PCA
from torch import nn
from torch.nn import functional

from codespectra.figures.filters import draw_filters
from codespectra.files.hdf5_files import create_hdf5
from codespectra.models import architectures, reductions
from codespectra.models.hooks import Wanted
from codespectra.models.layer_listing import inspect_layers
from codespectra.models.small_resnet import Bottleneck
from codespectra.spectra import filters

# Eigenvectors ------------------------------------------------------------------------------------


def planted_rows(n: int, width: int) -> np.ndarray:
    """Rows with a falling spectrum far from the origin, in no special basis."""
    rng = np.random.default_rng(1)
    turn = np.linalg.qr(rng.standard_normal((width, width)))[0]
    widths = np.arange(1, width + 1) ** -1.0
    return (5 + rng.standard_normal((n, width)) * widths @ turn).astype(np.float32)


@pytest.mark.parametrize(("n", "width"), [(300, 40), (60, 120)])
def test_eigenvectors_are_those_of_scikit_learn(n, width, monkeypatch, tmp_path):
    rows, ranks = planted_rows(n, width), [1, 2, 5, 16]
    expected = PCA(16, svd_solver="full").fit(rows.astype(np.float64)).components_
    expected = expected[np.array(ranks) - 1]
    monkeypatch.setattr(filters, "ROWS", 7)
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        file["rows"] = rows
        found = filters.eigenvectors(file["rows"], ranks)
    assert found.dtype == np.float32
    sign = np.sign((found * expected).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(found, sign * expected, atol=3e-4)  # float32
    assert (found.max(axis=1) == np.abs(found).max(axis=1)).all()


def test_a_component_that_the_rows_lack_is_nan():
    rng = np.random.default_rng(2)
    rows = (rng.standard_normal((50, 3)) @ rng.standard_normal((3, 20))).astype(np.float32)
    found = filters.eigenvectors(rows, [1, 3, 4, 19, 100])
    assert np.isfinite(found[:2]).all()
    assert np.isnan(found[2:]).all()


# Kernels -----------------------------------------------------------------------------------------


def described(network: nn.Module, side: int) -> list[dict[str, Any]]:
    return [vars(layer) for layer in inspect_layers(network, side)]


def test_the_first_convolution_and_the_layers_that_hold_its_channels():
    resnet = architectures.SmallResNet(
        block=Bottleneck, width=4, blocks=(1, 1, 1, 1), stem_stride=2, classes=3
    )
    convolution, held = filters.first_convolution(resnet, described(resnet, 16))
    assert convolution is resnet.conv1
    assert held == {"conv1", "bn1", "relu", "maxpool"}
    alexnet = architectures.SmallAlexNet(widths=(4, 4, 4, 4, 4), classes=3)
    convolution, held = filters.first_convolution(alexnet, described(alexnet, 16))
    assert convolution is alexnet.features[0]
    assert held == {"features.0", "features.1"}


def test_a_network_without_an_image_convolution_has_no_kernels():
    network = nn.Sequential(nn.Flatten(), nn.Linear(48, 5), nn.ReLU())
    assert filters.first_convolution(network, described(network, 4)) == (None, set())
    assert filters.first_convolution(nn.Sequential(nn.ReLU()), []) == (None, set())


def test_kernel_filters_are_the_explicit_sum():
    convolution = nn.Conv2d(3, 5, (3, 2))
    vectors = np.random.default_rng(3).standard_normal((4, 5)).astype(np.float32)
    found = filters.kernel_filters(convolution, vectors)
    assert found.shape == (4, 3, 2, 3)
    weights = convolution.weight.detach().numpy()
    for rank, vector in enumerate(vectors):
        total = sum(v * kernel for v, kernel in zip(vector, weights, strict=True))
        np.testing.assert_allclose(found[rank], total.transpose(1, 2, 0), rtol=1e-5, atol=1e-6)


def test_channel_means_are_those_of_each_image():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
    images, preprocess = some_images(), preprocess_to()
    convolution, _, relu = described(network, 8)
    found = filters.channel_means(network, preprocess, images, [convolution, relu], batch=2)
    with torch.no_grad():
        maps = network.eval()[0](preprocess(images))
        np.testing.assert_allclose(found["0"], maps.mean(dim=(2, 3)), atol=1e-6)
        np.testing.assert_allclose(found["2"], network(preprocess(images)).mean((2, 3)), atol=1e-6)


# Gradients ---------------------------------------------------------------------------------------


REDUCED = {
    "none": lambda maps: maps.flatten(),
    "stride": lambda maps: maps.flatten()[::8],  # 384 units, under 50 wanted
    "spatial_mean": lambda maps: maps.mean(dim=(2, 3)).flatten(),
}


@pytest.mark.parametrize("reduction", REDUCED)
def test_gradient_filters_are_those_of_a_plain_loop(reduction, monkeypatch):
    monkeypatch.setattr(reductions, "STRIDE_LIMIT", 50)
    network, images = Residual(), some_images()
    wanted = [
        Wanted(layer, reduction)
        for layer in described(network, 8)
        if layer["name"] in {"norm", "relu:0", "second", "relu:1"}
    ]
    rng = np.random.default_rng(4)
    vectors = {
        item.layer["name"]: rng.standard_normal((2, item.width)).astype(np.float32)
        for item in wanted
    }
    found = filters.gradient_filters(network, preprocess_to(), images, wanted, vectors, batch=2)
    double = copy.deepcopy(network).double()
    mean, std = (torch.tensor(x, dtype=torch.float64).view(1, 3, 1, 1) for x in (MEAN, STD))
    assert len(found) == 4
    for name, filtered in found.items():
        assert filtered.shape == (2, 8, 8, 3)
        for rank in range(2):
            total = 0
            for image in images:
                x = torch.tensor(image / 255).permute(2, 0, 1)[None].requires_grad_()
                maps = double.plainly((x - mean) / std)[name]
                (REDUCED[reduction](maps) @ torch.tensor(vectors[name][rank]).double()).backward()
                total = total + x.grad[0].permute(1, 2, 0).numpy()
            expected = total / len(images)
            np.testing.assert_allclose(
                filtered[rank], expected, atol=1e-5 * np.abs(expected).max(), err_msg=name
            )


@pytest.mark.parametrize("reduction", ["token_mean", "cls"])
def test_gradient_filters_of_tokens_are_those_of_a_plain_hook(reduction, monkeypatch):
    monkeypatch.setattr(filters, "PASS", 2)
    network = timm.create_model("test_vit", img_size=32).eval()
    (layer,) = [x for x in described(network, 32) if x["name"] == "blocks.2.mlp"]
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(5, 32, 32, 3), dtype=np.uint8)
    item = Wanted(layer, reduction)
    vector = rng.standard_normal((1, item.width)).astype(np.float32)
    found = filters.gradient_filters(
        network, preprocess_to(), images, [item], {"blocks.2.mlp": vector}, batch=128
    )
    tokens = []
    network.blocks[2].mlp.register_forward_hook(lambda module, inputs, y: tokens.append(y))
    mean, std = (torch.tensor(x).view(1, 3, 1, 1) for x in (MEAN, STD))
    pixels = (torch.tensor(images) / 255).requires_grad_()
    network((pixels.permute(0, 3, 1, 2) - mean) / std)
    row = tokens[0][:, 0] if reduction == "cls" else tokens[0][:, 1:].mean(1)
    (row @ torch.tensor(vector[0])).sum().backward()
    expected = pixels.grad.mean(0).numpy()
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(
        found["blocks.2.mlp"][0], expected, atol=1e-4 * np.abs(expected).max()
    )


def test_a_linear_network_has_the_transposed_convolution_as_its_gradient():
    network = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1))
    (layer,) = described(network, 8)
    vector = np.random.default_rng(5).standard_normal((1, 64)).astype(np.float32)
    found = filters.gradient_filters(
        network, preprocess_to(), some_images(), [Wanted(layer, "none")], {"0": vector}, batch=3
    )["0"][0]
    maps = torch.tensor(vector).view(1, 4, 4, 4)
    options = {"stride": 2, "padding": 1, "output_padding": 1}
    back = functional.conv_transpose2d(maps, network[0].weight, **options)
    expected = back.detach()[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(found, expected / np.array(STD), rtol=1e-4, atol=1e-5)


def test_the_gradient_reaches_back_through_the_resizing_to_finite_differences():
    network = nn.Sequential(nn.Conv2d(3, 4, 3))
    (layer,) = described(network, 12)
    vector = np.random.default_rng(6).standard_normal((1, 400)).astype(np.float32)
    images, preprocess = some_images(3) // 2 + 60, preprocess_to(12)
    found = filters.gradient_filters(
        network, preprocess, images, [Wanted(layer, "none")], {"0": vector}, batch=2
    )["0"][0]
    assert found.shape == (8, 8, 3)

    def projection(pixels: np.ndarray) -> float:
        exact = torch.tensor(pixels, dtype=torch.float32)
        with torch.no_grad():
            return float(
                (network(preprocess(exact)).flatten(1) @ torch.tensor(vector[0])).double().mean()
            )

    for place in [(0, 0, 0), (3, 4, 1), (7, 2, 2)]:
        up, down = images.copy(), images.copy()
        up[(slice(None), *place)] += 60
        down[(slice(None), *place)] -= 60
        slope = (projection(up) - projection(down)) / (120 / 255)
        assert found[place] == pytest.approx(slope, rel=1e-3, abs=1e-3)


def test_a_missing_component_gives_a_missing_filter():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True))
    layer = described(network, 8)[1]
    vectors = np.ones((2, 4), np.float32)
    vectors[1] = np.nan
    found = filters.gradient_filters(
        *(network, preprocess_to(), some_images(), [Wanted(layer, "spatial_mean")]),
        {"1": vectors},
        batch=5,
    )["1"]
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()


# Spatial frequency -------------------------------------------------------------------------------


def test_the_frequency_of_a_wave_is_its_number_of_cycles():
    wave = np.sin(2 * np.pi * 3 * np.arange(16) / 16)
    image = np.repeat(np.broadcast_to(wave, (16, 16))[..., None], 3, axis=2)
    assert filters.frequency_centroid(image) == pytest.approx(3)
    diagonal = np.sin(2 * np.pi * (3 * np.arange(16) + 4 * np.arange(16)[:, None]) / 16)
    assert filters.frequency_centroid(diagonal[..., None] * np.ones(3)) == pytest.approx(5)
    assert np.isnan(filters.frequency_centroid(image * np.nan))


def test_folding_takes_the_grid_of_a_strided_layer_out():
    """A wave sampled at every second pixel has all its power at its own frequency."""
    image = np.zeros((16, 16, 3))
    image[::2, ::2] = np.cos(2 * np.pi * 2 * np.arange(8) / 8)[:, None]
    assert filters.frequency_centroid(image) > 5
    assert filters.frequency_centroid(image, (8, 8)) == pytest.approx(2)
    assert filters.frequency_centroid(image, (112, 112)) == filters.frequency_centroid(image)


# Figure ------------------------------------------------------------------------------------------


def test_the_figure_has_a_panel_a_filter_with_zero_as_grey(tmp_path):
    common = {"model": "a", "weights": "train", "stimuli": "b", "layer": "relu"}
    common |= {"stimulus_count": 9, "image_count": 5, "folded_frequency_cycles_per_side": 1.0}
    scales = {"kernel": (2.0, np.nan), "gradient": (1.0, 4.0)}
    table = pd.DataFrame(
        common | {"kind": kind, "rank": rank, "scale": scale}
        for kind, pair in scales.items()
        for rank, scale in zip((1, 8), pair, strict=True)
    )
    pictures = [np.zeros((2, 3, 3, 3)), np.zeros((2, 8, 8, 3))]
    pictures[1][1, 0, 0] = -4, 0, 4
    with create_hdf5(tmp_path / "run.h5") as file:
        for kind, picture in zip(scales, pictures, strict=True):
            file[f"relu/{kind}"] = picture
    inputs = {"filters": table, "data": [tmp_path / "run.h5"]}
    figure, _ = draw_filters(inputs, {"study": "study"})
    shown = [[len(panel.images) for panel in row] for row in np.reshape(figure.axes, (2, 2))]
    assert shown == [[1, 0], [1, 1]]
    drawn = figure.axes[3].images[0].get_array()
    np.testing.assert_allclose(drawn[0, 0], [0, 0.5, 1])
    np.testing.assert_allclose(drawn[1], 0.5)
