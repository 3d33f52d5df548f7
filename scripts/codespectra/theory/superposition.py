"""Toy models of superposition: x' = ReLU(W^T W x + b), at many densities and seeds at once.

n features share m < n hidden dimensions; a feature is zero with probability S, else uniform on
0..1, and all matter alike. Source: Elhage et al. 2022, "Toy models of superposition"; paper A,
fig. 1 c, compares their dimensions per feature with R(S).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from torch.nn import functional

from codespectra.errors import UserError
from codespectra.jobs.progress import progress
from codespectra.theory.capacity import compression_rate
from codespectra.training.optimizers import Adam

PLATEAUS = (1, 3 / 4, 2 / 3, 1 / 2, 2 / 5, 3 / 8)  # of features in regular polytopes (Elhage)
NEAR = 0.012  # of a plateau: just less than half the way between the two closest
REPRESENTED = 0.5  # a feature is whose column of W is longer: half way from absent to alone
LAST = 100  # steps whose mean is the final loss


@dataclass(frozen=True)
class ToyModels:
    """Trained models; the first axes are seeds and densities."""

    weights: NDArray[np.float32]  # (seeds, densities, m, n)
    biases: NDArray[np.float32]  # (seeds, densities, n)
    losses: NDArray[np.float32]  # (seeds, densities), squared error a feature that isn't zero


def train_toys(
    *,
    features: int,
    hidden: int,
    densities: Sequence[float],
    seeds: Sequence[int],
    steps: int,
    batch: int,
    learning_rate: float,
    device: torch.device | str = "cpu",
) -> ToyModels:
    """Train a model for each seed and density with Adam and a cosine learning rate.

    All are one batched model, but none sees another. A seed fixes the start and the uniform numbers
    behind the data, both on the CPU, and its densities share them: with other seeds or densities
    left out, the rest stay as they were. Losses are divided by the density, so that Adam's epsilon
    weighs the same on all. Weight decay would shorten W, which D* measures.

    Args:
        features, hidden: n and m.
        densities: 1 - S of each model, in (0, 1].
        seeds: one a repetition.
        steps, batch: steps, and examples a model sees in each.
        learning_rate: at the start; it ends at 0.
        device: where to train.

    Raises:
        UserError: a loss is no longer finite.
    """
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    density = torch.tensor(densities, dtype=torch.float32, device=device)
    weights, biases = _start(generators, hidden, features, density)
    optimizer = Adam([weights, biases], lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    history = torch.empty(steps, len(seeds), len(densities), device=device)
    for step in progress(range(steps), desc="toy models"):
        uniform = torch.stack([torch.rand(batch, features, generator=g) for g in generators])
        x = sparse_features(uniform.to(device)[:, None], density[:, None, None])
        loss = losses(weights, biases, x) / density
        history[step] = loss.detach()
        _check(history[step], step, densities, learning_rate)
        optimizer.zero_grad(set_to_none=True)
        loss.sum().backward()
        optimizer.step()
        schedule.step()
    final = history[-LAST:].mean(dim=0)
    return ToyModels(
        *(tensor.detach().cpu().numpy() for tensor in (weights, biases[:, :, 0], final))
    )


def _start(
    generators: list[torch.Generator], hidden: int, features: int, density: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights (seeds, densities, m, n) with columns of length sqrt(m / n), and biases.

    Biases are the features' mean, density / 2, so that every output is on at the start: from biases
    of 0, 3 to 7 of 100 outputs were dead for good at density 1 (20 hidden, 5 seeds), now none is.
    """
    drawn = torch.stack([torch.randn(hidden, features, generator=g) for g in generators])
    weights = (drawn / features**0.5).to(density.device)[:, None].repeat(1, len(density), 1, 1)
    biases = (density[:, None, None] / 2).expand_as(weights[:, :, :1]).clone()
    return weights.requires_grad_(), biases.requires_grad_()


def sparse_features(uniform: torch.Tensor, density: torch.Tensor) -> torch.Tensor:
    """Features that are zero with probability 1 - density, else uniform on 0..1.

    One uniform number decides both: ReLU(1 - u / density). Shapes broadcast.
    """
    return functional.relu(1 - uniform / density)


def losses(weights: torch.Tensor, biases: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Mean squared error (...) of ReLU(W^T W x + b) over a batch and its features.

    Args:
        weights: (..., m, n).
        biases: (..., 1, n).
        x: (..., batch, n).
    """
    code = x @ weights.mT
    return (functional.relu(code @ weights + biases) - x).square().mean(dim=(-2, -1))


def _check(loss: torch.Tensor, step: int, densities: Sequence[float], learning_rate: float) -> None:
    bad = ~loss.isfinite().all(dim=0)
    if bad.any():
        density = densities[int(bad.nonzero()[0])]
        raise UserError(
            f"toy models: the loss at density {density:.3g} is no longer finite in step "
            f"{step + 1}; lower theory.superposition.learning_rate ({learning_rate:g})"
        )


def dimensions_per_feature(weights: ArrayLike) -> NDArray[np.float64]:
    """Hidden dimensions a feature takes, D* = m / |W|_F^2 (...), of weights (..., m, n).

    Source: Elhage et al., "The geometry of superposition".
    """
    weights = np.asarray(weights, dtype=np.float64)
    return weights.shape[-2] / np.sum(weights**2, axis=(-2, -1))


def feature_dimensions(weights: ArrayLike) -> NDArray[np.float64]:
    """Share of a dimension of each feature (..., n), of weights (..., m, n).

    D_i = |W_i|^2 / sum_j (W_i/|W_i| . W_j)^2; 0 for a feature that isn't there at all.
    Source: Elhage et al., "The geometry of superposition".
    """
    weights = np.asarray(weights, dtype=np.float64)
    gram = weights.swapaxes(-1, -2) @ weights
    squares = np.diagonal(gram, axis1=-2, axis2=-1)
    overlap = np.sum(gram**2, axis=-1)
    return np.divide(squares**2, overlap, out=np.zeros_like(overlap), where=overlap > 0)


def represented_features(weights: ArrayLike) -> NDArray[np.bool_]:
    """Which features (..., n) have a column of weights (..., m, n) longer than 1/2."""
    return np.linalg.norm(np.asarray(weights, dtype=np.float64), axis=-2) > REPRESENTED


def plateau(weights: NDArray) -> tuple[float, float]:
    """The plateau that a model (m, n) is on: the D_i of most of its features, or nan.

    Returns:
        The plateau, nan where none has more than half of the represented features within 0.012,
        and the largest share that one has.
    """
    dimensions = feature_dimensions(weights)[represented_features(weights)]
    if not len(dimensions):
        return float("nan"), 0.0
    near = np.abs(dimensions[:, None] - np.array(PLATEAUS)) <= NEAR
    shares = near.mean(axis=0)
    best = int(shares.argmax())
    return PLATEAUS[best] if shares[best] > 0.5 else float("nan"), float(shares[best])


def describe_toys(
    toys: ToyModels, *, seeds: Sequence[int], densities: Sequence[float]
) -> pd.DataFrame:
    """A row a seed and density: what the models represent, and how well."""
    hidden, features = toys.weights.shape[2:]
    rows = []
    for i, seed in enumerate(seeds):
        for j, density in enumerate(densities):
            weights = toys.weights[i, j]
            value, share = plateau(weights)
            rows.append(
                {
                    "seed": seed,
                    "density": density,
                    "sparsity": 1 - density,
                    "features": features,
                    "hidden": hidden,
                    "dimensions_per_feature": float(dimensions_per_feature(weights)),
                    "features_represented": int(represented_features(weights).sum()),
                    "plateau": value,
                    "plateau_share": share,
                    "loss": float(toys.losses[i, j]),
                }
            )
    return pd.DataFrame(rows)


def fit_scores(table: pd.DataFrame, *, entropy_bits: Sequence[float], floor: float) -> pd.DataFrame:
    """How well R(S) predicts the dimensions per feature, a row a seed and H.

    Only models with R above `floor` count: below it all features are in and R can't be reached.

    Args:
        table: seed, sparsity, dimensions_per_feature.
        entropy_bits: values of H.
        floor: m / n.

    Returns:
        seed, entropy_bits, pearson, rmse, explained (share of the variance of D* by R(S), which
        has no free parameter: a curve that merely falls has a high Pearson), n_scored, floor; nan
        with fewer than 3 models.
    """
    rows = []
    for seed, models in table.groupby("seed"):
        for bits in entropy_bits:
            rate = compression_rate(models["sparsity"], bits)
            scored = rate > floor
            found, predicted = models["dimensions_per_feature"][scored], rate[scored]
            enough = len(found) >= 3
            error, spread = np.mean((found - predicted) ** 2), np.var(found)
            rows.append(
                {
                    "seed": seed,
                    "entropy_bits": bits,
                    "pearson": np.corrcoef(found, predicted)[0, 1] if enough else np.nan,
                    "rmse": np.sqrt(error) if enough else np.nan,
                    "explained": 1 - error / spread if enough else np.nan,
                    "n_scored": len(found),
                    "floor": floor,
                }
            )
    return pd.DataFrame(rows)
