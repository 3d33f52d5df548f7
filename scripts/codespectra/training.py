"""Train a classifier: deterministic, resumable after each epoch, one row of metrics an epoch."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from codespectra import checkpoints
from codespectra.errors import UserError
from codespectra.preprocessing import Preprocess

log = logging.getLogger("codespectra")


@dataclass(frozen=True)
class Labelled:
    """uint8 images (N, H, W, 3) with integer labels (N,)."""

    images: torch.Tensor
    labels: torch.Tensor


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters; `identity` names the run, so that only its own partial state resumes it."""

    epochs: int
    batch: int
    learning_rate: float
    weight_decay: float
    crop_padding: int
    seed: int
    identity: str


def train_classifier(
    network: nn.Module,
    preprocess: Preprocess,
    train: Labelled,
    test: Labelled,
    recipe: Recipe,
    partial: Path,
) -> list[dict[str, Any]]:
    """Train `network` in place with AdamW and a one-cycle learning rate.

    After each epoch the whole state is written to `partial`; a run that finds its own state there
    goes on from it and ends with the same weights as an undisturbed one.

    Returns:
        One row an epoch: epoch, train_loss (nats), test_loss (nats), test_accuracy.

    Raises:
        UserError: the loss is no longer finite; `partial` keeps the last good epoch.
    """
    network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    steps = max(1, len(train.labels) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, epochs=recipe.epochs, steps_per_epoch=steps
    )
    history = _resume(network, optimizer, schedule, recipe, partial)
    for epoch in range(len(history) + 1, recipe.epochs + 1):
        train_loss = _epoch(network, preprocess, train, recipe, optimizer, schedule, epoch)
        if not np.isfinite(train_loss):
            kept = f". The state after epoch {epoch - 1} is in {partial}" if epoch > 1 else ""
            raise UserError(
                f"training loss is {train_loss} in epoch {epoch}; lower training.learning_rate "
                f"({recipe.learning_rate:g}){kept}"
            )
        row = {"epoch": epoch, "train_loss": train_loss, **evaluate(network, preprocess, test)}
        log.info("epoch %d/%d: %s", epoch, recipe.epochs, row)
        history.append(row)
        state = {
            "identity": recipe.identity,
            "history": history,
            "network": network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "schedule": schedule.state_dict(),
        }
        checkpoints.save_tensors(partial, state)
    return history


def _resume(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    recipe: Recipe,
    partial: Path,
) -> list[dict[str, Any]]:
    if not partial.exists():
        return []
    device = next(network.parameters()).device
    state = torch.load(partial, map_location=device, weights_only=True)
    if state["identity"] != recipe.identity:
        log.info("%s belongs to another run; starting anew", partial)
        return []
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    log.info("resuming after epoch %d from %s", len(state["history"]), partial)
    return state["history"]


def _epoch(
    network: nn.Module,
    preprocess: Preprocess,
    train: Labelled,
    recipe: Recipe,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    epoch: int,
) -> float:
    # A generator of its own an epoch: a resumed run draws what an undisturbed one would.
    generator = torch.Generator().manual_seed(recipe.seed * 100_003 + epoch)
    order = torch.randperm(len(train.labels), generator=generator)
    batch = min(recipe.batch, len(order))
    batches = order[: len(order) // batch * batch].split(batch)
    total = 0.0
    network.train()
    for chosen in tqdm(batches, desc=f"epoch {epoch}", disable=None, leave=False):
        images = augment(train.images[chosen], recipe.crop_padding, generator)
        labels = train.labels[chosen].to(preprocess.device)
        loss = functional.cross_entropy(network(preprocess(images)), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        total += loss.item()
    return total / len(batches)


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
        logits = network(preprocess(images))
        loss += functional.cross_entropy(logits, labels, reduction="sum").item()
        correct += int((logits.argmax(1) == labels).sum())
    return {"test_loss": loss / len(data.labels), "test_accuracy": correct / len(data.labels)}
