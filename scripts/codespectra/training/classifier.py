"""Train a classifier: AdamW with a one-cycle learning rate, random shifts and flips."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from codespectra.data.preprocessing import Preprocess
from codespectra.models.layer_listing import logits_of
from codespectra.training.epochs import Recipe, descend, run_epochs
from codespectra.training.optimizers import AdamW


@dataclass(frozen=True)
class Labelled:
    """uint8 images (N, H, W, 3) with integer labels (N,)."""

    images: torch.Tensor
    labels: torch.Tensor


@dataclass(frozen=True, kw_only=True)
class ClassifierRecipe(Recipe):
    """Hyperparameters of a classifier."""

    weight_decay: float
    crop_padding: int


def train_classifier(
    network: nn.Module,
    preprocess: Preprocess,
    train: Labelled,
    test: Labelled,
    recipe: ClassifierRecipe,
    partial: Path,
) -> list[dict[str, Any]]:
    """Train `network` in place, resumably (`epochs.run_epochs`).

    Returns:
        One row an epoch: epoch, train_loss (nats), test_loss (nats), test_accuracy.

    Raises:
        UserError: the loss is no longer finite; `partial` keeps the last good epoch.
    """
    network.to(memory_format=torch.channels_last)
    optimizer = AdamW(
        network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    steps = max(1, len(train.labels) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, epochs=recipe.epochs, steps_per_epoch=steps
    )

    def step(chosen: torch.Tensor, generator: torch.Generator) -> float:
        network.train()
        images = augment(train.images[chosen], recipe.crop_padding, generator)
        labels = train.labels[chosen].to(preprocess.device)
        logits = logits_of(network(preprocess(images)))
        loss = descend(functional.cross_entropy(logits, labels), optimizer)
        schedule.step()
        return loss

    return run_epochs(
        {"network": network, "optimizer": optimizer, "schedule": schedule},
        len(train.labels),
        step,
        lambda: evaluate(network, preprocess, test),
        recipe,
        device=preprocess.device,
        partial=partial,
    )


def augment(images: torch.Tensor, padding: int, generator: torch.Generator) -> torch.Tensor:
    """Random shifts of up to `padding` pixels, edges repeated, and horizontal flips.

    Takes and returns uint8 (N, H, W, 3).
    """
    count, height, width, _ = images.shape
    shift = torch.randint(-padding, padding + 1, (count, 2), generator=generator)
    rows = (torch.arange(height) + shift[:, :1]).clamp(0, height - 1)
    columns = (torch.arange(width) + shift[:, 1:]).clamp(0, width - 1)
    flipped = torch.rand(count, generator=generator) < 0.5
    columns = torch.where(flipped[:, None], columns.flip(1), columns)
    index = torch.arange(count)[:, None, None]
    return images[index, rows[:, :, None], columns[:, None, :]]


@torch.inference_mode()
def evaluate(
    network: nn.Module, preprocess: Preprocess, data: Labelled, batch: int = 500
) -> dict[str, float]:
    """Mean cross-entropy (nats) and accuracy in evaluation mode."""
    network.eval()
    loss, correct = 0.0, 0
    for images, labels in zip(data.images.split(batch), data.labels.split(batch), strict=True):
        labels = labels.to(preprocess.device)
        logits = logits_of(network(preprocess(images)))
        loss += functional.cross_entropy(logits, labels, reduction="sum").item()
        correct += int((logits.argmax(1) == labels).sum())
    return {"test_loss": loss / len(data.labels), "test_accuracy": correct / len(data.labels)}
