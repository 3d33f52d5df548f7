"""An activations file that grows while stimuli are shown to a network.

It can be taken up again after a kill; it gets its final name when it is whole.
"""

import logging
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from tqdm import tqdm

from codespectra import store
from codespectra.errors import UserError
from codespectra.hooks import Sink, Wanted
from codespectra.layers import stride_of

log = logging.getLogger("codespectra")

# HDF5 chunks of 64 to 256 whole rows stream fastest; about a megabyte each.
CHUNK_ROWS, CHUNK_BYTES = (64, 256), 1 << 20

# What a kill can cost; noting progress after every batch would cost more.
PROGRESS_SECONDS = 2.0

# Passes stimuli start to stop through the network and hands all wanted outputs to the sink, a row
# each; returns how many of the stimuli it predicts rightly, 0 where nothing is predicted.
Show = Callable[[slice, Sink], int]


@dataclass(frozen=True)
class Layout:
    """What an activations file holds.

    Attributes:
        wanted: its datasets.
        offsets: (stimuli + 1,) the row at which each stimulus begins, and the number of rows R.
        dtype: float32 or float16.
        attributes: of the file; a partial file is resumed only for the same ones.
        besides: writes what else the file holds, before its rows.
    """

    wanted: list[Wanted]
    offsets: Sequence[int]
    dtype: str
    attributes: dict[str, Any]
    besides: Callable[[h5py.File], None] = lambda file: None

    @property
    def rows(self) -> int:
        """Rows of every dataset."""
        return int(self.offsets[-1])

    @property
    def bytes(self) -> int:
        """Bytes of all rows."""
        return sum(item.width for item in self.wanted) * self.rows * np.dtype(self.dtype).itemsize

    @property
    def identity(self) -> str:
        """Digest that tells this capture from others."""
        keys = [item.key for item in self.wanted]
        return store.content_digest([self.attributes, keys, self.dtype, self.rows])


def write_rows(
    path: str | Path,
    layout: Layout,
    show: Show,
    *,
    batch: int,
    accept: Callable[[int], None] = lambda correct: None,
) -> int:
    """Fill a new activations file by showing `batch` stimuli at a time; resume a killed job's.

    The growing file is `.{name}.partial`; its progress is noted beside it every few
    seconds, and it counts only for the same datasets and attributes. It gets its final name when
    all rows are in and `accept` has raised nothing at the number of right predictions.

    Returns:
        How many stimuli were predicted rightly, as `show` counts them.

    Raises:
        UserError: too little disk, or an activation that is NaN or infinite.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    journal = _Journal(path.with_name(f".{path.name}.progress.json"), layout.identity)
    if partial.exists():
        journal.read()
    if journal.done:
        log.info("resuming %s after stimulus %d", partial.name, journal.done)
    else:
        journal.file.unlink(missing_ok=True)  # a note of another capture, which mustn't outlive it
        _check_disk(partial, layout)
        _create(partial, layout)
    # Without a chunk cache rows go straight to the file, uncopied.
    with h5py.File(partial, "r+", rdcc_nbytes=0) as file, torch.inference_mode():
        _show_rest(file, layout, show, batch, journal)
    accept(journal.correct)
    store.publish(partial, path)
    journal.file.unlink()
    return journal.correct


class _Journal:
    """How far a capture has come, noted beside its file every few seconds.

    The first `done` stimuli are in the file; `correct` of them were predicted rightly.
    """

    def __init__(self, file: Path, identity: str):
        self.file, self.identity = file, identity
        self.done, self.correct = 0, 0
        self.written = time.monotonic()

    def read(self) -> None:
        """Take up the note of the same capture before."""
        if self.file.exists():
            note = store.read_json(self.file)
            if note["identity"] == self.identity:
                self.done, self.correct = note["done"], note["correct"]

    def is_due(self) -> bool:
        return time.monotonic() - self.written > PROGRESS_SECONDS

    def write(self) -> None:
        note = {"identity": self.identity, "done": self.done, "correct": self.correct}
        store.write_json(self.file, note)
        self.written = time.monotonic()


def _show_rest(file: h5py.File, layout: Layout, show: Show, batch: int, journal: _Journal) -> None:
    """Show the stimuli that aren't in the file yet."""
    offsets, count = layout.offsets, len(layout.offsets) - 1
    writer = _Writer(file, layout)
    with tqdm(total=layout.rows, initial=int(offsets[journal.done]), disable=None) as bar:
        for start in range(journal.done, count, batch):
            stop = min(start + batch, count)
            writer.rows = slice(int(offsets[start]), int(offsets[stop]))
            journal.correct += show(slice(start, stop), writer)
            journal.done = stop
            if stop == count or journal.is_due():
                file.flush()
                journal.write()
            bar.update(writer.rows.stop - writer.rows.start)


class _Writer:
    """Writes one batch's outputs into the rows it is set to, and refuses NaN and infinity."""

    def __init__(self, file: h5py.File, layout: Layout):
        self.datasets = {item.key: file[item.key].id for item in layout.wanted}
        self.dtype = getattr(torch, layout.dtype)
        self.rows = slice(0, 0)

    def __call__(self, item: Wanted, values: torch.Tensor) -> None:
        values = values.to(self.dtype)
        # One sum is far cheaper than a test of every number; only a suspect is looked at.
        if not values.sum(dtype=torch.float32).isfinite():
            self._refuse_infinite(item, values)
        # h5py's `dataset[rows] = values` spends longer on the indexing than on the writing.
        dataset, shape = self.datasets[item.key], tuple(values.shape)
        target = dataset.get_space()
        target.select_hyperslab((self.rows.start, 0), shape)
        dataset.write(h5py.h5s.create_simple(shape), target, values.cpu().contiguous().numpy())

    def _refuse_infinite(self, item: Wanted, values: torch.Tensor) -> None:
        bad = ~values.isfinite().all(dim=1)
        if not bad.any():
            return
        row = "token row" if item.reduction == "tokens" else "stimulus"
        raise UserError(
            f"layer {item.layer['name']}: NaN or infinite activation, first at {row} "
            f"{self.rows.start + int(bad.int().argmax())}; check the checkpoint and its "
            "preprocessing" + (", or store float32" if self.dtype == torch.float16 else "")
        )


def _check_disk(partial: Path, layout: Layout) -> None:
    partial.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(partial.parent).free
    log.info(
        "%s needs %.3f GB for %d datasets of %d rows; %.1f GB are free",
        *(partial.name, layout.bytes / 1e9, len(layout.wanted), layout.rows, free / 1e9),
    )
    if layout.bytes > free:
        raise UserError(
            f"{partial.parent}: {layout.bytes / 1e9:.1f} GB of activations don't fit "
            f"{free / 1e9:.1f} GB of free disk; choose fewer layers, capture.dtype: float16, "
            "or another results folder"
        )


def _create(partial: Path, layout: Layout) -> None:
    """Lay out the whole file: later writes touch raw data only, so that a kill can't break it."""
    with h5py.File(partial, "w") as file:
        file.attrs["schema_version"] = store.SCHEMA_VERSION
        for key, value in layout.attributes.items():
            file.attrs[key] = str(value)
        layout.besides(file)
        for item in layout.wanted:
            _create_dataset(file, item, layout.rows, layout.dtype)


def _create_dataset(file: h5py.File, item: Wanted, count: int, dtype: str) -> None:
    row_bytes = item.width * np.dtype(dtype).itemsize
    rows = int(np.clip(CHUNK_BYTES // row_bytes, *CHUNK_ROWS))
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_chunk((min(rows, count), item.width))
    layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    layout.set_obj_track_times(False)
    links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
    links.set_create_intermediate_group(True)
    kind = h5py.h5t.py_create(np.dtype(dtype), logical=True)
    space = h5py.h5s.create_simple((count, item.width))
    raw = h5py.h5d.create(file.id, item.key.encode(), kind, space, layout, lcpl=links)
    attributes = h5py.Dataset(raw).attrs
    layer = item.layer
    attributes["module"], attributes["call"] = layer["module"], layer["call"]
    attributes["type"], attributes["depth"] = layer["type"], layer["depth"]
    attributes["shape"] = layer["shape"]
    attributes["reduction"] = item.reduction
    attributes["stride"] = stride_of(layer["shape"], item.reduction)
