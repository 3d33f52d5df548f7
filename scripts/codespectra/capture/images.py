"""Activations of all wanted layers and reductions of images, from one forward pass."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import nn

from codespectra.capture.activation_file import write_rows
from codespectra.capture.layout import Layout, Written
from codespectra.capture.shard import WHOLE, Shard
from codespectra.data.preprocessing import Preprocess
from codespectra.data.stimulus_file import PREFIX
from codespectra.models.hooks import Sink, Wanted, capturing, leave_dropout_on
from codespectra.models.layer_listing import logits_of

# With dropout on the noise depends on the batch, which `runtime.batch` mustn't change.
NOISY_BATCH = 100

# Shards begin where a batch does, of this size or one that divides it, so that each batch is the
# same in any number of shards.
GRAIN = PREFIX


class Twice:
    """Images (N, H, W, 3) and then the same images again, as one array (2 N, H, W, 3)."""

    def __init__(self, images: h5py.Dataset):
        """Look at `images`, which stay where they are."""
        self.images = images

    def __len__(self) -> int:
        """Rows of both passes."""
        return 2 * len(self.images)

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Rows start to stop, which may reach from the first pass into the second."""
        count = len(self.images)
        first = self.images[min(rows.start, count) : min(rows.stop, count)]
        again = self.images[max(rows.start - count, 0) : max(rows.stop - count, 0)]
        return np.concatenate([first, again])


def image_layout(
    wanted: list[Wanted], count: int, *, dtype: str, attributes: dict[str, Any], noisy: bool
) -> Layout:
    """The activations file of `count` images, a row each; noisy ones are shown more than once."""
    grain, row = (NOISY_BATCH, "presentation") if noisy else (GRAIN, "stimulus")
    return Layout(wanted, range(count + 1), dtype, attributes, grain=grain, row=row)


def capture(
    path: str | Path,
    network: nn.Module,
    preprocess: Preprocess,
    images: h5py.Dataset | Twice,
    labels: np.ndarray | None,
    wanted: list[Wanted],
    *,
    dtype: str,
    batch: int,
    attributes: dict[str, Any],
    accept: Callable[[int | None], None] = lambda correct: None,
    noisy: bool = False,
    shard: Shard = WHOLE,
) -> Written:
    """Write the activations of `images` (N, H, W, 3) to `path` as `write_rows` does.

    `accept` may refuse the number of right predictions by an error. `noisy` leaves dropout on, in
    batches of 100: the noise follows from the row that a batch starts at, so that it is the same
    after a kill and in any number of shards, and another when the same images come `Twice`.

    Returns:
        Its digest, and how many `labels` of the shard the network's own output predicts.

    Raises:
        UserError: too little disk, or an activation that is NaN or infinite.
    """
    network.to(memory_format=torch.channels_last).eval()
    if noisy:
        leave_dropout_on(network)
        batch = NOISY_BATCH

    def load(rows: slice) -> torch.Tensor:
        return preprocess(images[rows])

    def show(pixels: torch.Tensor, rows: slice, sink: Sink) -> torch.Tensor | int:
        if noisy:
            torch.manual_seed(rows.start)
        with capturing(network, wanted, sink):
            outputs = network(pixels)
        if labels is None:
            return 0
        predicted = logits_of(outputs).argmax(1)
        return (predicted == torch.as_tensor(labels[rows], device=predicted.device)).sum()

    def known(correct: int) -> int | None:
        return None if labels is None else correct

    layout = image_layout(wanted, len(images), dtype=dtype, attributes=attributes, noisy=noisy)
    written = write_rows(
        path,
        layout.part(shard),
        load,
        show,
        batch=batch,
        least=NOISY_BATCH if noisy else 1,
        accept=lambda correct: accept(known(correct)),
    )
    return replace(written, correct=known(written.correct))
