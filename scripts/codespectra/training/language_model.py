"""Train a byte-level language model: AdamW on the next byte, warmed up and annealed.

Windows are drawn anywhere in the documents' bytes laid end to end, so they may span two documents.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from transformers import GPT2LMHeadModel

from codespectra.errors import UserError
from codespectra.training.epochs import Recipe, descend, run_epochs
from codespectra.training.optimizers import AdamW

# Steps between two evaluations, each with a state to resume from, at most.
ROUND = 100
TEST_WINDOWS = 100
WARM_UP = 0.05
FINAL_RATE = 0.1
BETAS = (0.9, 0.95)
WEIGHT_DECAY = 0.1


@dataclass(frozen=True, kw_only=True)
class LanguageRecipe(Recipe):
    """Hyperparameters of a language model; an epoch is a round of `round_steps` steps."""

    round_steps: int
    section: str = "language.models.*.training"

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.epochs * self.round_steps


def rounds_of(steps: int) -> dict[str, int]:
    """Split a training into equal rounds of at most 100 steps; rounding adds up to a step a round.

    Returns:
        epochs and round_steps, as `LanguageRecipe` takes them.
    """
    epochs = math.ceil(steps / ROUND)
    return {"epochs": epochs, "round_steps": math.ceil(steps / epochs)}


def rate_factor(step: int, steps: int) -> float:
    """Learning rate over its peak: linear over the first 5 % of the steps, then a half cosine.

    Args:
        step: counted from 0.
        steps: of the whole training; the cosine ends there, at a tenth of the peak.
    """
    warm_up = math.ceil(WARM_UP * steps)
    if step < warm_up:
        return (step + 1) / warm_up
    done = (step - warm_up) / (steps - warm_up)
    return FINAL_RATE + (1 - FINAL_RATE) * (1 + math.cos(math.pi * done)) / 2


def train_language_model(
    network: GPT2LMHeadModel,
    train: torch.Tensor,
    test: torch.Tensor,
    recipe: LanguageRecipe,
    partial: Path,
) -> list[dict[str, Any]]:
    """Train `network` in place, on its own device, resumably (`epochs.run_epochs`).

    Args:
        network: reads bytes, `network.config.n_positions` of them at most.
        train: bytes to learn from, uint8 (N,).
        test: held-out bytes, uint8 (M,).
        recipe: hyperparameters.
        partial: file of the partial state.

    Returns:
        One row a round: epoch (the round), train_loss (nats per byte), steps (so far), test_nats.

    Raises:
        UserError: a text is shorter than a window; or the loss is no longer finite, and `partial`
            keeps the last good round.
    """
    context = network.config.n_positions
    for name, text in (("training", train), ("held-out", test)):
        if len(text) <= context:
            raise UserError(
                f"language.text: {len(text)} {name} bytes, but a window has {context + 1}; give "
                "more documents, change test_share, or lower architecture.context"
            )
    optimizer = _optimizer(network, recipe.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: rate_factor(step, recipe.steps)
    )
    # Evenly spaced, so that every round is judged by the same windows.
    held_out = windows(test, torch.linspace(0, len(test) - context - 1, TEST_WINDOWS), context)

    def step(chosen: torch.Tensor, generator: torch.Generator) -> float:
        network.train()
        starts = torch.randint(len(train) - context, (len(chosen),), generator=generator)
        loss = descend(next_byte_loss(network, windows(train, starts, context)), optimizer)
        schedule.step()
        return loss

    return run_epochs(
        {"network": network, "optimizer": optimizer, "schedule": schedule},
        recipe.batch * recipe.round_steps,
        step,
        lambda: {"steps": schedule.last_epoch, **evaluate(network, held_out)},
        recipe,
        device=network.device,
        partial=partial,
    )


def _optimizer(network: GPT2LMHeadModel, learning_rate: float) -> torch.optim.Optimizer:
    matrices = [weight for weight in network.parameters() if weight.dim() >= 2]
    vectors = [weight for weight in network.parameters() if weight.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": WEIGHT_DECAY},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return AdamW(groups, lr=learning_rate, betas=BETAS, fused=True)


def windows(text: torch.Tensor, starts: torch.Tensor, context: int) -> torch.Tensor:
    """Stretches of a text, int64 (n, context + 1), from uint8 (N,) and starts (n,)."""
    return text[starts.long()[:, None] + torch.arange(context + 1)].long()


def next_byte_loss(network: GPT2LMHeadModel, chosen: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy in nats of each byte of the windows (n, context + 1) after the first."""
    chosen = chosen.to(network.device)
    logits = network(chosen[:, :-1], use_cache=False).logits
    return functional.cross_entropy(logits.flatten(0, 1), chosen[:, 1:].flatten())


@torch.inference_mode()
def evaluate(network: GPT2LMHeadModel, held_out: torch.Tensor) -> dict[str, float]:
    """Loss on held-out windows (n, context + 1), in evaluation mode.

    Returns:
        test_nats: mean cross-entropy in nats per byte.
    """
    network.eval()
    return {"test_nats": next_byte_loss(network, held_out).item()}
