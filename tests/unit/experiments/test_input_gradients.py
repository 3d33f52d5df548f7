"""Input gradients against brute force in double precision and closed forms, and where none is."""

import copy

import numpy as np
import pytest
import torch
from residual_block import MEAN, STD, Residual, preprocess_to, some_images
from torch import nn

from codespectra.data.preprocessing import Preprocess
from codespectra.experiments import input_gradients
from codespectra.experiments.input_gradients import EPSILON, Slopes, cosine_slopes, layer_values
from codespectra.models.hooks import Wanted
from codespectra.models.layer_listing import inspect_layers

T = np.array([-0.5, 0.0, 0.3, 0.5, 1.0, 1.5])


def wanted_of(network: nn.Module, name: str, reduction: str = "spatial_mean") -> Wanted:
    (layer,) = (vars(x) for x in inspect_layers(network, 8) if x.name == name)
    return Wanted(layer, reduction)


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def on_paths(vectors: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (Q, T, 2) of the ends in the unit vectors (Q, T, D) along each path."""
    plain = np.stack([T, 1 - T], axis=-1)
    sums = np.einsum("ti,qid->qtd", plain, vectors[ends])
    lengths = np.linalg.norm(sums, axis=-1, keepdims=True)
    return plain / lengths, sums / lengths


def brute_force(network: Residual, name: str, image: np.ndarray, v: np.ndarray) -> float:
    """Norm of the gradient of -|y^ - v| by autograd in double precision."""
    double = copy.deepcopy(network).double().eval()
    mean, std = (torch.tensor(x, dtype=torch.float64).view(1, 3, 1, 1) for x in (MEAN, STD))
    x = torch.tensor(image / 255).permute(2, 0, 1)[None].requires_grad_()
    y = double.plainly((x - mean) / std)[name].mean(dim=(2, 3))[0]
    (-(y / y.norm() - torch.tensor(v)).norm()).backward()
    return float(x.grad.norm())


@pytest.mark.parametrize("name", ["relu:0", "relu:1"])
def test_every_point_of_a_path_has_the_norm_of_its_own_backward_pass(name):
    network, images = Residual(), some_images(6)
    vectors = unit(np.random.default_rng(1).random((5, 6)))
    shown = np.array([0, 0, 0, 3, 4, 5, 5])
    ends = np.array([[0, 1], [1, 0], [2, 4], [3, 1], [0, 1], [4, 3], [3, 2]])
    weights, along = on_paths(vectors, ends)
    wanted = wanted_of(network, name)
    slopes = cosine_slopes(
        network, preprocess_to(), images, wanted, 3 * vectors, shown, ends, batch=2
    )
    expected = [
        [brute_force(network, name, images[image], v) for v in path]
        for image, path in zip(shown, along, strict=True)
    ]
    np.testing.assert_allclose(slopes.norms(weights), expected, rtol=1e-5)


def test_close_to_the_direction_it_is_as_exact_as_single_precision_allows():
    """Two ends on either side of y^: what their gradients leave half-way is a small rest."""
    network, images = Residual(), some_images(6)
    wanted, rng = wanted_of(network, "relu:1"), np.random.default_rng(2)
    with torch.no_grad():
        y = layer_values(network.eval(), wanted, preprocess_to()(images[:1])).double().numpy()
    side, rest = rng.standard_normal((2, 6))
    vectors = unit(np.stack([unit(y[0]) + side, unit(y[0]) - side + 0.04 * rest]))
    ends, shown = np.array([[0, 1]]), np.array([0])
    sums = np.linalg.lstsq(vectors.T, unit(y[0]), rcond=None)[0]
    weights = (sums / np.linalg.norm(sums @ vectors))[None, None]
    v = (weights @ vectors)[0, 0]
    assert 0.005 < np.linalg.norm(unit(y[0]) - v) < 0.05
    slopes = cosine_slopes(network, preprocess_to(), images, wanted, vectors, shown, ends, batch=1)
    expected = brute_force(network, "relu:1", images[0], v)
    assert slopes.norms(weights)[0, 0] == pytest.approx(expected, rel=1e-4)


def test_batches_change_nothing(monkeypatch):
    network, images = Residual(), some_images(6)
    wanted, preprocess = wanted_of(network, "relu:1"), preprocess_to()
    rng = np.random.default_rng(4)
    vectors = unit(rng.random((7, 6)))
    shown, ends = rng.integers(6, size=40), rng.integers(7, size=(40, 2))
    weights, _ = on_paths(vectors, ends)

    def norms(batch: int) -> np.ndarray:
        slopes = cosine_slopes(
            network, preprocess, images, wanted, vectors, shown, ends, batch=batch
        )
        return slopes.norms(weights)

    together = norms(100)
    np.testing.assert_allclose(norms(1), together, rtol=2e-5)
    monkeypatch.setattr(input_gradients, "GRADIENT_NUMBERS", 8 * 8 * 3 * 15)
    np.testing.assert_allclose(norms(100), together, rtol=2e-5)


def test_gradients_reach_through_the_resizing():
    network, images = Residual(), some_images(6)
    wanted, preprocess = wanted_of(network, "relu:1"), preprocess_to(12)
    vectors, ends = unit(np.random.default_rng(5).random((2, 6))), np.array([[0, 1]])
    weights, along = on_paths(vectors, ends)
    shown = np.array([2])
    slopes = cosine_slopes(network, preprocess, images, wanted, vectors, shown, ends, batch=1)
    for v, norm in zip(along[0], slopes.norms(weights)[0], strict=True):
        pixels = torch.tensor(images[2:3], dtype=torch.float32).requires_grad_()
        y = network.plainly(preprocess(pixels))["relu:1"].mean(dim=(2, 3))[0]
        (-(y / y.norm() - torch.tensor(v).float()).norm()).backward()
        assert norm == pytest.approx(255 * float(pixels.grad.norm()), rel=1e-4)


class Channels(nn.Module):
    """Linear in the pixels of one: red and green, then nothing that may run."""

    def __init__(self) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.units, self.rest = nn.Linear(3, 2, bias=False), nn.Linear(2, 5)
        with torch.no_grad():
            self.units.weight.copy_(torch.eye(2, 3))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.rest(self.units(self.flatten(images)))


def on_circle(images: np.ndarray) -> Slopes:
    """Slopes, to the two axes, of one-pixel images whose activation is their red and green."""
    vectors, ends = np.eye(2), np.tile([0, 1], (len(images), 1))
    preprocess = Preprocess({"side": None, "mean": [0] * 3, "std": [1] * 3}, torch.device("cpu"))
    layer = {"name": "units", "module": "units", "call": 0, "depth": 0, "shape": (2,)}
    layer |= {"axes": "NC", "prefix": None}
    shown = np.arange(len(ends))
    wanted = Wanted(layer, "spatial_mean")
    return cosine_slopes(Channels(), preprocess, images, wanted, vectors, shown, ends, batch=8)


def test_on_a_circle_the_norm_is_the_cosine_of_half_the_angle():
    """-|y^ - v| = -2 sin(theta / 2), so that its slope over |y| is cos(theta / 2) / |y|."""
    angles = np.radians([0.5, 20, 45, 80])
    colors = 200 * np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    images = np.round(colors).astype(np.uint8).reshape(-1, 1, 1, 3)
    found = on_circle(images).norms(np.tile([1.0, 0.0], (4, 1, 1)))[:, 0]
    y = images[:, 0, 0, :2] / 255
    theta = np.arctan2(y[:, 1], y[:, 0])
    np.testing.assert_allclose(found, np.cos(theta / 2) / np.linalg.norm(y, axis=1), rtol=1e-5)
    assert found[0] > 0.99 / np.linalg.norm(y[0])  # at a centroid it isn't zero


def test_where_the_activation_is_the_direction_or_zero_there_is_no_gradient():
    pixels = np.array([[120, 0, 9], [0, 0, 200], [90, 90, 0]], dtype=np.uint8)
    slopes = on_circle(pixels.reshape(3, 1, 1, 3))
    on, off = slopes.norms(np.tile(np.eye(2), (3, 1, 1))).T
    assert np.isnan(on[:2]).all()
    assert np.isnan(off[1])
    assert np.isfinite([off[0], on[2], off[2]]).all()
    missing = slopes.norms(np.full((3, 1, 2), np.nan))
    assert np.isnan(missing).all()
    # Just beyond the threshold there is one again.
    beyond = np.array([np.cos(1.1 * EPSILON), np.sin(1.1 * EPSILON)])
    short = np.array([np.cos(0.9 * EPSILON), np.sin(0.9 * EPSILON)])
    found = slopes.norms(np.tile([beyond, short], (3, 1, 1)))[0]
    assert np.isfinite(found[0])
    assert np.isnan(found[1])


def test_nothing_runs_after_the_layer_and_no_weight_gets_a_gradient():
    network, images = Residual(), some_images(6)
    wanted = wanted_of(network, "relu:1")
    ran = []
    network.head.register_forward_pre_hook(lambda *_: ran.append("head"))
    vectors, ends = unit(np.random.default_rng(6).random((2, 6))), np.array([[0, 1], [1, 0]])
    cosine_slopes(
        network, preprocess_to(), images, wanted, vectors, np.array([0, 1]), ends, batch=2
    )
    assert not ran
    assert all(parameter.grad is None for parameter in network.parameters())
    network(preprocess_to()(images))
    assert ran  # and afterwards the network is whole again
