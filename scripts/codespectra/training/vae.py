"""Train a ResNet-VAE (paper A, Methods): Adam, reconstruction of the pixels plus KL divergence."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from codespectra.data.preprocessing import Preprocess
from codespectra.models.resnet_vae import ResNetVAE
from codespectra.training.epochs import Recipe, descend, run_epochs
from codespectra.training.optimizers import Adam


@dataclass(frozen=True, kw_only=True)
class VaeRecipe(Recipe):
    """Hyperparameters of a ResNet-VAE."""

    loss: str
    kld_weight: float
    section: str = "coding.training"


def vae_loss(
    reconstruction: torch.Tensor,
    pixels: torch.Tensor,
    mean: torch.Tensor,
    log_variance: torch.Tensor,
    *,
    loss: str,
    kld_weight: float,
) -> torch.Tensor:
    """Mean over images of the reconstruction error, summed over pixels, plus KLD in nats.

    Args:
        reconstruction: (N, 3, H, W), from 0 to 1.
        pixels: the same of the images.
        mean: (N, latent) of the code.
        log_variance: (N, latent) of the code.
        loss: `paper`, the squared error of paper A's Methods, or `code`, the binary cross-entropy
            of its code.
        kld_weight: factor of the KL divergence from a standard normal code; 1 in both.
    """
    if not reconstruction.isfinite().all():
        return reconstruction.sum() * torch.nan  # which cross-entropy refuses to take
    error = functional.mse_loss if loss == "paper" else functional.binary_cross_entropy
    divergence = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum()
    total = error(reconstruction, pixels, reduction="sum") + kld_weight * divergence
    return total / len(pixels)


def train_vae(
    network: ResNetVAE,
    preprocess: Preprocess,
    train: torch.Tensor,
    test: torch.Tensor,
    recipe: VaeRecipe,
    partial: Path,
) -> list[dict[str, Any]]:
    """Train `network` in place on uint8 images (N, H, W, 3), resumably (`epochs.run_epochs`).

    Returns:
        One row an epoch: epoch, train_loss, and what `evaluate` finds on the test images.

    Raises:
        UserError: the loss is no longer finite; `partial` keeps the last good epoch.
    """
    network.to(memory_format=torch.channels_last)
    optimizer = Adam(network.parameters(), lr=recipe.learning_rate)

    def step(chosen: torch.Tensor, generator: torch.Generator) -> float:
        network.train()
        pixels = preprocess.pixels(train[chosen])
        outputs = network.reconstruct(preprocess.normalise(pixels))
        error = vae_loss(
            outputs[0], pixels, *outputs[1:], loss=recipe.loss, kld_weight=recipe.kld_weight
        )
        return descend(error, optimizer)

    return run_epochs(
        {"network": network, "optimizer": optimizer},
        len(train),
        step,
        lambda: evaluate(network, preprocess, test),
        recipe,
        device=preprocess.device,
        partial=partial,
    )


@torch.inference_mode()
def evaluate(
    network: ResNetVAE, preprocess: Preprocess, images: torch.Tensor, batch: int = 250
) -> dict[str, float]:
    """How well uint8 images (N, H, W, 3) are reconstructed in evaluation mode.

    Returns:
        test_squared_error: mean over pixels in [0, 1]; test_kld: nats an image; test_r2: share of
        the pixels' variance about the mean image that is explained, below 0 for less than none.
    """
    network.eval()
    error = divergence = squares = 0.0
    total: Any = 0.0
    for part in images.split(batch):
        pixels = preprocess.pixels(part)
        found, mean, log_variance = network.reconstruct(preprocess.normalise(pixels))
        error += (found - pixels).square().sum(dtype=torch.float64).item()
        divergence -= 0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum().item()
        total = total + pixels.sum(0, dtype=torch.float64)
        squares += pixels.square().sum(dtype=torch.float64).item()
    variance = squares - total.square().sum().item() / len(images)
    return {
        "test_squared_error": error / (len(images) * total.numel()),
        "test_kld": divergence / len(images),
        "test_r2": 1 - error / variance,
    }
