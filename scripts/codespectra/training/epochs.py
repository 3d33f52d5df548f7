"""Training by epochs that resumes after a kill with the same result; a row of metrics each."""

import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from torch import nn

from codespectra.errors import UserError
from codespectra.files.csv_writer import write_csv
from codespectra.files.manifests import is_finished
from codespectra.files.one_writer import only_writer
from codespectra.files.plain_files import refuse_planted
from codespectra.jobs.progress import progress
from codespectra.models.tensor_files import read_tensors, save_tensors

log = logging.getLogger("codespectra")

# Of a long training about so many epochs are told in the log; the CSV has all. After each of these
# its state is written, and after any once so many seconds have passed: a kill loses little.
LOGGED_EPOCHS = 20
KEPT_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Hyperparameters; `identity` names the run, so that only its own partial state resumes it.

    `section` is where the config has them, for messages.
    """

    epochs: int
    batch: int
    learning_rate: float
    seed: int
    identity: str
    section: str = "training"


class Stateful(Protocol):
    """A network, an optimizer, a schedule: what a resumed run must find as it was."""

    def state_dict(self) -> dict[str, Any]:
        """All that changes in training."""

    def load_state_dict(self, state: dict[str, Any]) -> Any:
        """Put it back."""


# Learns from the images of these indices; draws from the generator; returns the batch's loss.
Step = Callable[[torch.Tensor, torch.Generator], float]


def write_trained(
    manifest: str | Path,
    epochs: str | Path,
    identity: str,
    train: Callable[[Path], tuple[nn.Module, list[dict[str, Any]]]],
    save: Callable[[nn.Module, dict[str, Any]], None],
) -> None:
    """Write a trained network, its manifest, and a CSV of its epochs.

    A killed snakemake's job on a cluster may still train it: its work is waited for and taken.

    Args:
        manifest: of the checkpoint; ends in .json.
        epochs: ends in .csv.
        identity: names the run.
        train: from the path of the partial state to the network and a row an epoch.
        save: writes network and manifest, given the last epoch's row.
    """
    manifest = Path(manifest)
    partial = manifest.with_name(f".{manifest.stem}.partial")
    with only_writer(manifest):
        if is_finished(manifest, identity):
            log.info("finished by another process")
            return
        network, history = train(partial)
        write_csv(epochs, pd.DataFrame(history))
        save(network, history[-1])
        partial.unlink()


def run_epochs(
    parts: Mapping[str, Stateful],
    count: int,
    step: Step,
    evaluate: Callable[[], Mapping[str, Any]],
    recipe: Recipe,
    *,
    device: torch.device,
    partial: Path | None,
) -> list[dict[str, Any]]:
    """Pass `epochs` times over `count` images in random batches, the rest of an epoch left out.

    After an epoch the state of all `parts` is written to `partial`, unless an epoch takes a moment:
    then after one of several. A run that finds its own state there goes on from it and ends with
    the same weights as an undisturbed one. Without `partial` none is kept.

    Returns:
        One row an epoch: epoch, train_loss, and what `evaluate` returns.

    Raises:
        UserError: the loss is no longer finite; `partial` keeps the last state that was written.
    """
    history = _resume(parts, recipe.identity, device, partial) if partial else []
    kept, kept_at = len(history), time.monotonic()
    for epoch in range(len(history) + 1, recipe.epochs + 1):
        where = f". The state after epoch {kept} is in {partial}" if partial and kept else ""
        train_loss = _epoch(count, step, recipe, epoch, where)
        row = {"epoch": epoch, "train_loss": train_loss, **evaluate()}
        told = epoch % max(1, recipe.epochs // LOGGED_EPOCHS) == 0 or epoch == recipe.epochs
        if told:
            log.info("epoch %d/%d: %s", epoch, recipe.epochs, row)
        history.append(row)
        if partial and (told or time.monotonic() - kept_at > KEPT_SECONDS):
            state = {name: part.state_dict() for name, part in parts.items()}
            content = {"identity": recipe.identity, "history": history, "state": state}
            save_tensors(partial, content | {"digest": _digest(content)})
            kept, kept_at = epoch, time.monotonic()
    return history


def _resume(
    parts: Mapping[str, Stateful], identity: str, device: torch.device, partial: Path
) -> list[dict[str, Any]]:
    refuse_planted(partial)
    if not partial.exists():
        return []
    try:
        content = read_tensors(partial, device)
    except UserError as error:
        log.warning("%s is damaged; starting anew (%s)", partial, error.__cause__)
        return []
    if not isinstance(content, dict) or content.get("identity") != identity:
        log.info("%s belongs to another run; starting anew", partial)
        return []
    if content.pop("digest", None) != _digest(content):
        log.warning("%s is damaged: it isn't what was written; starting anew", partial)
        return []
    for name, part in parts.items():
        part.load_state_dict(content["state"][name])
    log.info("resuming after epoch %d from %s", len(content["history"]), partial)
    return content["history"]


def _digest(content: Any) -> str:
    """Hexadecimal sha256 of nested dicts, lists, tensors and numbers."""
    digest = hashlib.sha256()
    if isinstance(content, torch.Tensor):
        digest.update(f"{content.dtype} {[*content.shape]}".encode())
        digest.update(content.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    elif isinstance(content, dict):
        digest.update(repr([(key, _digest(value)) for key, value in content.items()]).encode())
    elif isinstance(content, list | tuple):
        digest.update(repr([_digest(value) for value in content]).encode())
    else:
        digest.update(repr(content).encode())
    return digest.hexdigest()


def _epoch(count: int, step: Step, recipe: Recipe, epoch: int, where: str) -> float:
    # Generators of its own an epoch: a resumed run draws what an undisturbed one would.
    seed = recipe.seed * 100_003 + epoch
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)  # of dropout and of latent noise, which take no generator
    order = torch.randperm(count, generator=generator)
    batch = min(recipe.batch, count)
    batches = order[: count // batch * batch].split(batch)
    total = 0.0
    for chosen in progress(batches, desc=f"epoch {epoch}"):
        loss = step(chosen, generator)
        if not np.isfinite(loss):
            raise UserError(
                f"training loss is {loss} in epoch {epoch}; lower "
                f"{recipe.section}.learning_rate ({recipe.learning_rate:g}){where}"
            )
        total += loss
    return total / len(batches)


def descend(loss: torch.Tensor, optimizer: torch.optim.Optimizer) -> float:
    """One step down the gradient of `loss`; returns its value."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss.item()
