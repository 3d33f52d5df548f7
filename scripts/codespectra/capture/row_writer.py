"""Writes the outputs of batches into their rows of a growing file, behind the computation.

The file is laid out beforehand, so that only raw data is written, straight to where HDF5 looks for
it: that is several times as fast as through HDF5, and a kill can't break the file.
"""

import hashlib
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from codespectra.capture.journal import Journal
from codespectra.capture.layout import Layout
from codespectra.capture.pipeline import WriteBehind, on_its_way
from codespectra.errors import UserError
from codespectra.files.plain_files import open_plain
from codespectra.jobs.progress import progress
from codespectra.models.hooks import Wanted

# sha256 of the rows of each dataset, of which more are to come.
Hashes = dict[str, "hashlib._Hash"]
# Rows of a chunk of each dataset, and the byte of the file at which each of its chunks begins.
Chunks = dict[str, tuple[int, NDArray[np.int64]]]
# What is kept of a layer, and the wait for its copy on the CPU.
Output = tuple[Wanted, Callable[[], torch.Tensor]]
# Bytes of outputs that are handed over together: threads that take turns too often cost time.
TOGETHER = 1 << 22


class RowWriter:
    """Writes the rows of one batch after the other, and refuses NaN and infinity.

    Outputs come by calls between `begin` and `finish`, from the thread that computes. `_begin`,
    `_write` and `_finish`, and what these call, belong to the one that writes.
    """

    def __init__(
        self, partial: Path, layout: Layout, chunks: Chunks, hashes: Hashes, journal: Journal
    ):
        """Write to the file `partial` of `layout`, whose first rows have these `hashes`."""
        self.layout, self.chunks, self.journal = layout, chunks, journal
        self.dtype = getattr(torch, layout.dtype)
        self.hashes = self._hashed = hashes
        self.file = open_plain(partial, os.O_WRONLY)
        done = layout.row_of(layout.stimuli.start + journal.done)
        self.bar = progress(total=layout.rows, initial=done)
        self.behind = WriteBehind()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        try:
            self.behind.__exit__(*error)
        finally:
            os.close(self.file)
            self.bar.close()

    def begin(self, stimulus: int) -> None:
        """The outputs that follow are of a batch from this stimulus on, as far as it comes."""
        self.stimulus, self.outputs, self.held = stimulus, [], 0
        self.behind(self._begin)

    def __call__(self, item: Wanted, values: torch.Tensor) -> None:
        """Take an output of the batch, (rows, width) on any device."""
        self.outputs.append((item, on_its_way(values)))
        self.held += values.nbytes
        if self.held > TOGETHER:
            self._hand_over()

    def finish(self, stop: int, correct: torch.Tensor) -> None:
        """All outputs of the batch are there; it ends before the stimulus `stop`."""
        self._hand_over()
        self.behind(self._finish, stop, on_its_way(correct))

    def _hand_over(self) -> None:
        self.behind(self._write, self.stimulus, self.outputs, size=self.held)
        self.outputs, self.held = [], 0

    def _begin(self) -> None:
        self._hashed = {key: digest.copy() for key, digest in self.hashes.items()}

    def _write(self, stimulus: int, outputs: list[Output]) -> None:
        for item, arrived in outputs:
            self._write_one(item, stimulus, arrived().to(self.dtype))

    def _write_one(self, item: Wanted, stimulus: int, values: torch.Tensor) -> None:
        # One sum is far cheaper than a test of every number; only a suspect is looked at.
        if not math.isfinite(values.sum(dtype=torch.float32)):
            self._refuse_infinite(item, int(self.layout.offsets[stimulus]), values)
        numbers = values.contiguous().numpy()
        self._put(item.key, self.layout.row_of(stimulus), numbers)
        self._hashed[item.key].update(numbers.data)

    def _put(self, key: str, row: int, numbers: NDArray) -> None:
        """Write rows (N, D) from a row of the file on, chunk by chunk."""
        chunk, places = self.chunks[key]
        done = 0
        while done < len(numbers):
            at, within = divmod(row + done, chunk)
            piece = numbers[done : done + chunk - within]
            _write_all(self.file, piece, int(places[at]) + within * piece[0].nbytes)
            done += len(piece)

    def _finish(self, stop: int, correct: Callable[[], torch.Tensor]) -> None:
        layout, journal = self.layout, self.journal
        self.hashes = self._hashed
        journal.correct += int(correct())
        journal.done = stop - layout.stimuli.start
        if journal.done % layout.grain == 0:
            journal.whole = journal.done, journal.correct
        if stop == layout.stimuli.stop or journal.is_due():
            journal.digests |= {key: digest.hexdigest() for key, digest in self.hashes.items()}
            journal.write()
        self.bar.update(layout.row_of(stop) - self.bar.n)

    def _refuse_infinite(self, item: Wanted, row: int, values: torch.Tensor) -> None:
        bad = ~values.isfinite().all(dim=1)
        if not bad.any():
            return
        of_text = item.reduction == "tokens" and len(item.layer["shape"]) == 1
        raise UserError(
            f"layer {item.layer['name']}: NaN or infinite activation, first at "
            f"{'token row' if of_text else 'stimulus'} {row + int(bad.int().argmax())}; check the "
            "checkpoint and its preprocessing"
            + (", or store float32" if self.dtype == torch.float16 else "")
        )


def _write_all(file: int, numbers: NDArray, place: int) -> None:
    left = numbers.data.cast("B")
    while left:
        written = os.pwrite(file, left, place)
        left, place = left[written:], place + written
