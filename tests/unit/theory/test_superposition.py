import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.linalg import block_diag
from torch import nn

from codespectra.errors import UserError
from codespectra.theory import superposition
from codespectra.theory.capacity import compression_rate

SMALL = {"features": 12, "hidden": 4, "steps": 60, "batch": 64, "learning_rate": 1e-2}


def polygon(corners: int) -> np.ndarray:
    angle = 2 * np.pi * np.arange(corners) / corners
    return np.stack([np.cos(angle), np.sin(angle)])


def antiprism() -> np.ndarray:
    """Two squares, turned by 45 degrees, as high as Thomson's problem puts them."""
    square = np.sqrt(1 - 0.564**2)
    angle = np.pi / 4 * np.arange(8)
    height = 0.564 * (-1.0) ** np.arange(8)
    return np.stack([square * np.cos(angle), square * np.sin(angle), height])


POLYTOPES = {
    1: np.eye(3),
    3 / 4: np.array([[1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]]) / 3**0.5,
    2 / 3: polygon(3),
    1 / 2: np.array([[1.0, -1.0]]),
    2 / 5: polygon(5),
    3 / 8: antiprism(),
}


def test_every_plateau_has_its_polytope():
    assert tuple(POLYTOPES) == superposition.PLATEAUS


@pytest.mark.parametrize("value", POLYTOPES)
def test_regular_polytopes_are_plateaus(value):
    weights = block_diag(*[1.1 * POLYTOPES[value]] * 3)
    np.testing.assert_allclose(superposition.feature_dimensions(weights), value, atol=1e-3)
    assert superposition.plateau(weights) == (value, 1)
    hidden, features = weights.shape
    per_feature = superposition.dimensions_per_feature(weights / 1.1)
    assert per_feature == pytest.approx(hidden / features)


def test_rotations_change_no_dimension():
    turn, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))
    weights = block_diag(*[polygon(5)] * 3)
    for measure in (superposition.feature_dimensions, superposition.dimensions_per_feature):
        np.testing.assert_allclose(measure(turn @ weights), measure(weights))


def test_features_that_are_absent_count_for_nothing():
    weights = np.c_[block_diag(*[POLYTOPES[1 / 2]] * 4), np.zeros((4, 30))]
    np.testing.assert_allclose(superposition.feature_dimensions(weights), [0.5] * 8 + [0] * 30)
    assert superposition.represented_features(weights).sum() == 8
    assert superposition.plateau(weights) == (0.5, 1)
    value, share = superposition.plateau(np.zeros((4, 30)))
    assert math.isnan(value)
    assert share == 0


def test_a_mixture_without_majority_is_no_plateau():
    value, share = superposition.plateau(block_diag(polygon(5), polygon(3), np.eye(2)))
    assert math.isnan(value)
    assert share == 0.5


def test_sparse_features_have_the_density_and_are_uniform():
    uniform = torch.rand(200_000, generator=torch.Generator().manual_seed(0))
    x = superposition.sparse_features(uniform, torch.tensor(0.3))
    present = x[x > 0]
    assert abs(len(present) / len(x) - 0.3) < 5 * (0.21 / len(x)) ** 0.5
    assert x.min() >= 0
    assert x.max() <= 1
    moments = torch.stack([present.mean(), present.square().mean()])
    torch.testing.assert_close(moments, torch.tensor([1 / 2, 1 / 3]), atol=0.006, rtol=0)
    torch.testing.assert_close(
        superposition.sparse_features(uniform, torch.tensor(1.0)), 1 - uniform
    )


class PlainToy(nn.Module):
    """One model, written the way Elhage et al. define it."""

    def __init__(self, weights: torch.Tensor):
        super().__init__()
        self.weights = nn.Parameter(weights.clone())
        self.bias = nn.Parameter(torch.zeros(weights.shape[1]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu((self.weights.T @ (self.weights @ x.T)).T + self.bias)


def test_losses_and_gradients_are_those_of_plain_models():
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(2, 3, 4, 9, generator=generator, requires_grad=True)
    biases = torch.zeros(2, 3, 1, 9, requires_grad=True)
    x = torch.rand(2, 3, 16, 9, generator=generator)
    losses = superposition.losses(weights, biases, x)
    losses.sum().backward()
    for i, j in np.ndindex(2, 3):
        plain = PlainToy(weights[i, j].detach())
        loss = nn.functional.mse_loss(plain(x[i, j]), x[i, j])
        loss.backward()
        torch.testing.assert_close(losses[i, j], loss)
        torch.testing.assert_close(weights.grad[i, j], plain.weights.grad)
        torch.testing.assert_close(biases.grad[i, j, 0], plain.bias.grad)


def test_training_together_is_training_alone():
    densities, seeds = [1.0, 0.3, 0.1], [3, 8]
    together = superposition.train_toys(densities=densities, seeds=seeds, **SMALL)
    assert together.weights.shape == (2, 3, 4, 12)
    assert together.biases.shape == (2, 3, 12)
    for i, j in np.ndindex(2, 3):
        alone = superposition.train_toys(densities=[densities[j]], seeds=[seeds[i]], **SMALL)
        np.testing.assert_allclose(alone.weights[0, 0], together.weights[i, j], atol=1e-4)
        np.testing.assert_allclose(alone.losses[0, 0], together.losses[i, j], rtol=1e-4)


def test_same_seeds_give_the_same_bits_and_other_seeds_do_not():
    first, again, other = (
        superposition.train_toys(densities=[0.3], seeds=[seed], **SMALL).weights
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other, atol=0.01)


def test_dense_features_take_a_dimension_each():
    """And every other feature its mean: n - m of them leave the variance 1/12."""
    seeds = range(6)
    toys = superposition.train_toys(densities=[1.0], seeds=seeds, **SMALL | {"steps": 800})
    found = superposition.dimensions_per_feature(toys.weights)
    np.testing.assert_allclose(found, 1, atol=0.03)
    np.testing.assert_allclose(toys.losses, (1 - 4 / 12) / 12, rtol=0.02)


@pytest.mark.parametrize("density", [1.0, 0.7, 0.1, 0.01])
def test_no_output_starts_dead(density):
    generators = [torch.Generator().manual_seed(seed) for seed in range(6)]
    weights, biases = superposition._start(generators, 20, 100, torch.tensor([density]))
    uniform = torch.rand(500, 100, generator=generators[0])
    x = superposition.sparse_features(uniform, torch.tensor(density))
    assert ((x @ weights.mT @ weights + biases) > 0).any(dim=2).all()


def test_sparse_models_follow_the_compression_rate():
    densities, seeds = np.geomspace(1, 0.15, 8), [0, 1]
    recipe = {"features": 40, "hidden": 8, "steps": 800, "batch": 64, "learning_rate": 1e-2}
    toys = superposition.train_toys(densities=densities, seeds=seeds, **recipe)
    table = superposition.describe_toys(toys, seeds=seeds, densities=densities)
    assert len(table) == 16
    assert table["features_represented"].between(0, 40).all()
    scores = superposition.fit_scores(table, entropy_bits=[8], floor=0.2)
    assert (scores["pearson"] > 0.95).all()
    assert (scores["rmse"] < 0.2).all()


def test_scores_of_a_perfect_prediction_and_of_one_that_is_off():
    sparsity = np.linspace(0, 0.99, 12)
    rate = compression_rate(sparsity, 16)
    table = pd.concat(
        pd.DataFrame({"seed": s, "sparsity": sparsity, "dimensions_per_feature": rate + shift})
        for s, shift in ((0, 0), (1, 0.1))
    )
    scores = superposition.fit_scores(table, entropy_bits=[16], floor=0.25).set_index("seed")
    np.testing.assert_allclose(scores["pearson"], 1)
    np.testing.assert_allclose(scores["rmse"], [0, 0.1], atol=1e-12)
    assert (scores["n_scored"] == (rate > 0.25).sum()).all()


def test_models_below_the_floor_are_not_scored():
    table = pd.DataFrame(
        {"seed": 0, "sparsity": [0, 0.3, 0.6, 0.99], "dimensions_per_feature": [1, 0.7, 0.4, 9]}
    )
    exact = superposition.fit_scores(table, entropy_bits=[math.inf], floor=0.2).iloc[0]
    assert exact["n_scored"] == 3
    assert exact["rmse"] == pytest.approx(0, abs=1e-9)
    few = superposition.fit_scores(table, entropy_bits=[math.inf], floor=0.5).iloc[0]
    assert few["n_scored"] == 2
    assert math.isnan(few["pearson"])
    assert math.isnan(few["rmse"])


def test_diverging_training_names_its_settings():
    with pytest.raises(UserError, match=r"density \S+ .* step \d+.*learning_rate \(1e\+30\)"):
        superposition.train_toys(densities=[1.0, 0.5], seeds=[0], **SMALL | {"learning_rate": 1e30})
