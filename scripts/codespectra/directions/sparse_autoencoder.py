"""Sparse autoencoder of a layer: an overcomplete code with an L1 penalty (B app. A).

An encoder with biases and a ReLU, and a decoder without biases whose atoms have unit length, after
Sharkey et al. 2022, "Taking features out of superposition with sparse autoencoders". Activations
are divided by their root mean square first, so that a penalty means the same for every layer.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from codespectra.directions.directions import Directions, Encoder, is_constant
from codespectra.errors import ArgumentError
from codespectra.training.epochs import Recipe, descend, run_epochs

BLOCK_ROWS = 4096  # that are encoded at once


@dataclass(frozen=True, kw_only=True)
class AutoencoderRecipe(Recipe):
    """Hyperparameters; `l1` weighs the code in `penalised_error`."""

    l1: float
    section: str = "directions.methods.sae"


class SparseAutoencoder(nn.Module):
    """A network that codes a row of D activations by `size` nonnegative numbers, and back.

    Atoms start as rows of an orthogonal matrix, and the encoder as their transpose.
    """

    def __init__(self, width: int, size: int):
        super().__init__()
        self.encoder = nn.Linear(width, size)
        self.atoms = nn.Parameter(nn.init.orthogonal_(torch.empty(size, width)))
        self.normalise_atoms()
        self.encoder.load_state_dict({"weight": self.atoms, "bias": torch.zeros(size)})

    @torch.no_grad()
    def normalise_atoms(self) -> None:
        """Bring the atoms (Z, D) back to unit length."""
        self.atoms /= self.atoms.norm(dim=1, keepdim=True)

    def encode(self, rows: torch.Tensor) -> torch.Tensor:
        """Codes (N, Z) of rows (N, D)."""
        return functional.relu(self.encoder(rows))

    def forward(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Codes (N, Z) and the reconstruction (N, D)."""
        codes = self.encode(rows)
        return codes, codes @ self.atoms


def penalised_error(
    rows: torch.Tensor, codes: torch.Tensor, reconstruction: torch.Tensor, l1: float
) -> torch.Tensor:
    """(|x - x'|^2 + l1 |z|_1) / D, mean over rows x (N, D) with nonnegative codes z (N, Z)."""
    return functional.mse_loss(reconstruction, rows) + l1 * codes.sum() / rows.numel()


def scaled_rows(activations: np.ndarray, device: torch.device) -> torch.Tensor:
    """Activations (N, D) over their root mean square, as the autoencoder sees them.

    Raises:
        ArgumentError: all units are constant.
    """
    if is_constant(activations.min(axis=0), activations.max(axis=0)).all():
        raise ArgumentError("activations: all units are constant; leave the layer out")
    scaled = activations / root_mean_square(activations)
    return torch.from_numpy(scaled.astype(np.float32)).to(device)


def root_mean_square(activations: np.ndarray) -> np.float64:
    """Root mean square of all activations (N, D)."""
    return np.sqrt(np.mean(np.square(activations, dtype=np.float64)))


def train_autoencoder(
    network: SparseAutoencoder, rows: torch.Tensor, recipe: AutoencoderRecipe, partial: Path
) -> list[dict[str, Any]]:
    """Train `network` in place on `scaled_rows` (N, D), resumably (`epochs.run_epochs`).

    Returns:
        One row an epoch: epoch, train_loss, and what `evaluate` finds.

    Raises:
        UserError: the loss is no longer finite; `partial` keeps the last good epoch.
    """
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate, fused=True)

    def step(chosen: torch.Tensor, generator: torch.Generator) -> float:
        batch = rows[chosen.to(rows.device)]
        codes, reconstruction = network(batch)
        loss = descend(penalised_error(batch, codes, reconstruction, recipe.l1), optimizer)
        network.normalise_atoms()
        return loss

    return run_epochs(
        {"network": network, "optimizer": optimizer},
        len(rows),
        step,
        lambda: evaluate(network, rows),
        recipe,
        device=rows.device,
        partial=partial,
    )


@torch.inference_mode()
def evaluate(network: SparseAutoencoder, rows: torch.Tensor) -> dict[str, float]:
    """How well and how sparsely rows (N, D) are coded.

    Returns:
        reconstruction_r2: share of the rows' variance about their mean that is explained, below 0
        for less than none; mean_active: units of the code that aren't zero, mean over rows;
        dead_share: of the units, those that respond the same to every row.
    """
    error = active = 0.0
    extremes = []
    for block in rows.split(BLOCK_ROWS):
        codes, reconstruction = network(block)
        error += (reconstruction - block).square().sum(dtype=torch.float64).item()
        active += codes.count_nonzero().item()
        extremes.append(torch.stack(codes.aminmax(dim=0)))
    lowest, highest = torch.stack(extremes).unbind(dim=1)
    dead = is_constant(lowest.amin(dim=0).cpu().numpy(), highest.amax(dim=0).cpu().numpy())
    variance = (rows - rows.mean(dim=0)).square().sum(dtype=torch.float64).item()
    return {
        "reconstruction_r2": 1 - error / variance,
        "mean_active": active / len(rows),
        "dead_share": float(dead.mean()),
    }


@torch.inference_mode()
def autoencoder_directions(network: SparseAutoencoder, activations: np.ndarray) -> Directions:
    """Atoms with the codes of activations (N, D): `scaled_rows` are about responses @ vectors."""
    rows = scaled_rows(activations, network.atoms.device)
    codes = [network.encode(block).cpu() for block in rows.split(BLOCK_ROWS)]
    weights, biases, atoms = (
        tensor.cpu().numpy()
        for tensor in (network.encoder.weight, network.encoder.bias, network.atoms)
    )
    size = float(root_mean_square(activations))
    encoder = Encoder("relu", scale=size, weights=weights, biases=biases)
    return Directions(atoms, torch.cat(codes).numpy(), encoder=encoder)
