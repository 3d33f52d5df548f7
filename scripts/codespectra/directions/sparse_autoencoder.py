"""Sparse autoencoders of a layer: overcomplete codes with an L1 penalty (B app. A).

An encoder with biases and a ReLU, and a decoder without biases whose atoms have unit length, after
Sharkey et al. 2022, "Taking features out of superposition with sparse autoencoders". Activations
are divided by their root mean square first, so that a penalty means the same for every layer.

Autoencoders of one size start from the same weights and see the same batches: they are one model,
whose small products share a call. What each learns is up to rounding what it would learn alone.
"""

import logging
from collections.abc import Sequence
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
from codespectra.training.optimizers import Adam

BLOCK_ROWS = 1024  # that are encoded at once

log = logging.getLogger("codespectra")


@dataclass(frozen=True, kw_only=True)
class AutoencoderRecipe(Recipe):
    """Hyperparameters of E autoencoders; `penalties` (E,) weigh their codes."""

    penalties: Sequence[float]
    section: str = "directions.methods.sae"


class SparseAutoencoders(nn.Module):
    """E networks that code a row of D activations by `size` nonnegative numbers, and back.

    Atoms start as rows of an orthogonal matrix, the same for all, and the encoders as their
    transpose.
    """

    def __init__(self, width: int, size: int, count: int = 1):
        super().__init__()
        atoms = nn.init.orthogonal_(torch.empty(size, width))
        self.atoms = nn.Parameter(atoms.repeat(count, 1, 1))
        self.normalise_atoms()
        self.weights = nn.Parameter(torch.empty(count, width, size))
        self.weights.data.copy_(self.atoms.mT)
        self.biases = nn.Parameter(torch.zeros(count, 1, size))

    @torch.no_grad()
    def normalise_atoms(self) -> None:
        """Bring the atoms (E, Z, D) back to unit length."""
        self.atoms /= self.atoms.norm(dim=-1, keepdim=True)

    def encode(self, rows: torch.Tensor) -> torch.Tensor:
        """Codes (E, N, Z) of rows (N, D)."""
        rows = rows.expand(len(self.atoms), *rows.shape)
        return functional.relu(torch.baddbmm(self.biases, rows, self.weights))

    def forward(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Codes (E, N, Z) and reconstructions (E, N, D)."""
        codes = self.encode(rows)
        return codes, codes @ self.atoms


def penalised_errors(
    rows: torch.Tensor, codes: torch.Tensor, reconstructions: torch.Tensor, l1: torch.Tensor
) -> torch.Tensor:
    """(|x - x'|^2 + l1 |z|_1) / D (E,), means over rows x (N, D) with codes z (E, N, Z)."""
    errors = (reconstructions - rows).square().mean(dim=(1, 2))
    return errors + l1 * codes.sum(dim=(1, 2)) / rows.numel()


def scaled_rows(activations: np.ndarray, device: torch.device) -> torch.Tensor:
    """Activations (N, D) over their root mean square, as the autoencoders see them.

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


def train_autoencoders(
    networks: SparseAutoencoders,
    rows: torch.Tensor,
    recipe: AutoencoderRecipe,
    partial: Path | None,
) -> list[list[dict[str, Any]]]:
    """Train E networks in place on `scaled_rows` (N, D), resumably (`epochs.run_epochs`).

    Without `partial` no state is kept: of a training that is over in a moment.

    Returns:
        Of each network one row an epoch: epoch, train_loss, and what `evaluate` finds.

    Raises:
        UserError: a loss is no longer finite; `partial` keeps a good epoch.
    """
    optimizer = Adam(networks.parameters(), lr=recipe.learning_rate, fused=True)
    l1 = torch.tensor(recipe.penalties, device=rows.device)
    losses: list[torch.Tensor] = []  # of this epoch's batches, (E,) each

    def step(chosen: torch.Tensor, generator: torch.Generator) -> float:
        batch = rows[chosen.to(rows.device)]
        codes, reconstructions = networks(batch)
        errors = penalised_errors(batch, codes, reconstructions, l1)
        losses.append(errors.detach())
        # One sum: each network's gradient is of its own error alone.
        loss = descend(errors.sum(), optimizer)
        networks.normalise_atoms()
        if not np.isfinite(loss):
            lost = (~errors.isfinite()).nonzero().flatten().tolist()
            log.error("the loss is lost of l1 = %s", [recipe.penalties[at] for at in lost])
        return loss

    def of_each() -> dict[str, list[float]]:
        means = torch.stack(losses).mean(dim=0, dtype=torch.float64)
        losses.clear()
        return {"train_losses": means.tolist(), **evaluate(networks, rows)}

    history = run_epochs(
        {"networks": networks, "optimizer": optimizer},
        len(rows),
        step,
        of_each,
        recipe,
        device=rows.device,
        partial=partial,
    )
    return [[_of_one(row, at) for row in history] for at in range(len(networks.atoms))]


def _of_one(row: dict[str, Any], at: int) -> dict[str, Any]:
    """What an epoch's row says of one network."""
    measures = {name: of_all[at] for name, of_all in row.items() if isinstance(of_all, list)}
    return {"epoch": row["epoch"], "train_loss": measures.pop("train_losses"), **measures}


@torch.inference_mode()
def evaluate(networks: SparseAutoencoders, rows: torch.Tensor) -> dict[str, list[float]]:
    """How well and how sparsely E networks code rows (N, D).

    Returns:
        Of each network reconstruction_r2: share of the rows' variance about their mean that is
        explained, below 0 for less than none; mean_active: units of the code that aren't zero, mean
        over rows; dead_share: of the units, those that respond the same to every row.
    """
    error: Any = 0
    active: Any = 0
    lowest, highest = [], []
    for block in rows.split(BLOCK_ROWS):
        codes, reconstructions = networks(block)
        error += (reconstructions - block).square().sum(dim=(1, 2), dtype=torch.float64)
        lowest.append(codes.amin(dim=1))  # aminmax takes twenty times as long
        highest.append(codes.amax(dim=1))
        active += codes.sign_().sum(dim=(1, 2), dtype=torch.float64)
    least, most = torch.stack(lowest).amin(dim=0), torch.stack(highest).amax(dim=0)
    dead = is_constant(least.cpu().numpy(), most.cpu().numpy())
    variance = (rows - rows.mean(dim=0)).square().sum(dtype=torch.float64)
    return {
        "reconstruction_r2": (1 - error / variance).tolist(),
        "mean_active": (active / len(rows)).tolist(),
        "dead_share": dead.mean(axis=1).tolist(),
    }


@torch.inference_mode()
def autoencoder_directions(
    networks: SparseAutoencoders, activations: np.ndarray, at: int = 0
) -> Directions:
    """Atoms of one of E networks with the codes of activations (N, D).

    `scaled_rows` are about responses @ vectors.
    """
    rows = scaled_rows(activations, networks.atoms.device)
    weights, biases = networks.weights[at], networks.biases[at]
    codes = [functional.relu(torch.addmm(biases, x, weights)).cpu() for x in rows.split(BLOCK_ROWS)]
    encoder = Encoder(
        "relu",
        scale=float(root_mean_square(activations)),
        weights=weights.T.contiguous().cpu().numpy(),
        biases=biases[0].cpu().numpy(),
    )
    return Directions(networks.atoms[at].cpu().numpy(), torch.cat(codes).numpy(), encoder=encoder)
