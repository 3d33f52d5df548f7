"""Activations of all wanted layers and reductions of images, from one forward pass."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import nn

from codespectra.capture.activation_file import write_rows
from codespectra.capture.layout import Layout, Written
from codespectra.capture.passes import Pass, compiled, eager
from codespectra.capture.precision import EXACT, check_precision, computing, differences
from codespectra.capture.shard import WHOLE, Shard
from codespectra.data.preprocessing import Preprocess
from codespectra.data.stimulus_file import PREFIX
from codespectra.models.hooks import Sink, Wanted, leave_dropout_on
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
    precision: str = EXACT,
    compile: bool = False,
    shard: Shard = WHOLE,
) -> Written:
    """Write the activations of `images` (N, H, W, 3) to `path` as `write_rows` does.

    `accept` may refuse the number of right predictions by an error. `noisy` leaves dropout on, in
    batches of 100: the noise follows from the row that a batch starts at, so that it is the same
    after a kill and in any number of shards, and another when the same images come `Twice`.
    `precision` is what the network computes with (`precision.computing`); `compile` lets torch
    compile it (`passes.compiled`).

    Returns:
        Its digest, and how many `labels` of the shard the network's own output predicts.

    Raises:
        UserError: too little disk or memory, an activation that is NaN or infinite, a precision
            that the device hasn't, or a network that can't be compiled.
    """
    check_precision(precision, preprocess.device)
    network.to(memory_format=torch.channels_last).eval()

    def load(rows: slice) -> torch.Tensor:
        return preprocess(images[rows])

    def show(forward: Pass, pixels: torch.Tensor, rows: slice, sink: Sink) -> torch.Tensor | int:
        if noisy:
            torch.manual_seed(rows.start)
        outputs = forward(sink, pixels)
        if labels is None:
            return 0
        predicted = logits_of(outputs).argmax(1)
        return (predicted == torch.as_tensor(labels[rows], device=predicted.device)).sum()

    def known(correct: int) -> int | None:
        return None if labels is None else correct

    layout = image_layout(wanted, len(images), dtype=dtype, attributes=attributes, noisy=noisy)
    plain = eager(network, wanted)
    # Without dropout, whose noise hangs on the precision.
    far = differences(load, partial(show, plain), len(images), wanted, precision, preprocess.device)
    if noisy:
        leave_dropout_on(network)
    with (
        compiled(network, wanted) if compile else nullcontext(plain) as forward,
        computing(precision, preprocess.device),
    ):
        written = write_rows(
            path,
            layout.part(shard),
            load,
            partial(show, forward),
            batch=NOISY_BATCH if noisy else batch,
            least=NOISY_BATCH if noisy else 1,
            accept=lambda correct: accept(known(correct)),
        )
    return replace(written, correct=known(written.correct), differences=far)
