"""Activations of all wanted layers and reductions from one forward pass, into HDF5.

The growing file can be taken up again after a kill; it gets its final name when it is whole.
"""

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from codespectra import store
from codespectra.errors import UserError
from codespectra.hooks import Wanted, capturing, leave_dropout_on
from codespectra.layers import stride_of
from codespectra.preprocessing import Preprocess

log = logging.getLogger("codespectra")

# HDF5 chunks of 64 to 256 whole rows stream fastest; about a megabyte each.
CHUNK_ROWS, CHUNK_BYTES = (64, 256), 1 << 20

# What a kill can cost; noting progress after every batch would cost more.
PROGRESS_SECONDS = 2.0

# With dropout on the noise depends on the batch, which `runtime.batch` mustn't change.
NOISY_BATCH = 100


class Twice:
    """Images (N, H, W, 3) one after the other, and then once more: (2 N, H, W, 3)."""

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
    accept: Callable[[float | None], None] = lambda accuracy: None,
    noisy: bool = False,
) -> float | None:
    """Write the activations of `images` (N, H, W, 3) to `path`; resume where a killed job stopped.

    The growing file is `.{name}.partial`; its progress is noted beside it every few
    seconds, and it counts only for the same datasets and `attributes`. It gets its final name when
    all rows are in and `accept` has raised nothing at the accuracy.

    `noisy` leaves dropout on, in batches of 100: the noise follows from the row that a batch
    starts at, so that it is the same after a kill, and another when the same images come `Twice`.

    Returns:
        Share of `labels` that the network's own output predicts, None without labels.

    Raises:
        UserError: too little disk, or an activation that is NaN or infinite.
    """
    path, count = Path(path), len(images)
    partial = path.with_name(f".{path.name}.partial")
    identity = store.content_digest([attributes, [item.key for item in wanted], dtype, count])
    journal = _Journal(path.with_name(f".{path.name}.progress.json"), identity)
    done, correct = journal.read() if partial.exists() else (0, 0)
    if done:
        log.info("resuming %s after row %d", partial.name, done)
    else:
        journal.file.unlink(missing_ok=True)  # a note of another capture, which mustn't outlive it
        _check_disk(partial, wanted, count, dtype)
        _create(partial, wanted, count, dtype, attributes)
    network.to(memory_format=torch.channels_last).eval()
    if noisy:
        leave_dropout_on(network)
        batch = NOISY_BATCH
    # Without a chunk cache rows go straight to the file, uncopied.
    with h5py.File(partial, "r+", rdcc_nbytes=0) as file, tqdm(total=count, disable=None) as bar:
        bar.update(done)
        writer = _Writer(file, wanted, dtype)
        with capturing(network, wanted, writer), torch.inference_mode():
            for start in range(done, count, batch):
                writer.rows = rows = slice(start, min(start + batch, count))
                if noisy:
                    torch.manual_seed(start)
                outputs = network(preprocess(images[rows]))
                if labels is not None:
                    correct += int((outputs.argmax(1).cpu().numpy() == labels[rows]).sum())
                if rows.stop == count or journal.is_due():
                    file.flush()
                    journal.write(rows.stop, correct)
                bar.update(rows.stop - start)
    accuracy = correct / count if labels is not None else None
    accept(accuracy)
    store.publish(partial, path)
    journal.file.unlink()
    return accuracy


class _Journal:
    """How far a capture has come, noted beside its file every few seconds."""

    def __init__(self, file: Path, identity: str):
        self.file, self.identity = file, identity
        self.written = time.monotonic()

    def read(self) -> tuple[int, int]:
        """Rows done and rightly predicted by the same capture before."""
        if self.file.exists():
            note = store.read_json(self.file)
            if note["identity"] == self.identity:
                return note["rows"], note["correct"]
        return 0, 0

    def is_due(self) -> bool:
        return time.monotonic() - self.written > PROGRESS_SECONDS

    def write(self, rows: int, correct: int) -> None:
        note = {"identity": self.identity, "rows": rows, "correct": correct}
        store.write_json(self.file, note)
        self.written = time.monotonic()


class _Writer:
    """Writes one batch's outputs into the rows it is set to, and refuses NaN and infinity."""

    def __init__(self, file: h5py.File, wanted: list[Wanted], dtype: str):
        self.datasets = {item.key: file[item.key].id for item in wanted}
        self.dtype = getattr(torch, dtype)
        self.rows = slice(0, 0)

    def __call__(self, item: Wanted, values: torch.Tensor) -> None:
        dataset = self.datasets[item.key]
        values = values.to(self.dtype)
        # One sum is far cheaper than a test of every number; only a suspect is looked at.
        if not values.sum(dtype=torch.float32).isfinite():
            bad = ~values.isfinite().all(dim=1)
            if bad.any():
                first = self.rows.start + int(bad.int().argmax())
                raise UserError(
                    f"layer {item.layer['name']}: NaN or infinite activation, first at stimulus "
                    f"{first}; check the checkpoint and its preprocessing"
                    + (", or store float32" if self.dtype == torch.float16 else "")
                )
        # h5py's `dataset[rows] = values` spends longer on the indexing than on the writing.
        target, shape = dataset.get_space(), tuple(values.shape)
        target.select_hyperslab((self.rows.start, 0), shape)
        dataset.write(h5py.h5s.create_simple(shape), target, values.cpu().contiguous().numpy())


def bytes_needed(wanted: list[Wanted], count: int, dtype: str) -> int:
    """Bytes of all activations of `count` stimuli."""
    return sum(item.width for item in wanted) * count * np.dtype(dtype).itemsize


def _check_disk(partial: Path, wanted: list[Wanted], count: int, dtype: str) -> None:
    partial.parent.mkdir(parents=True, exist_ok=True)
    needed = bytes_needed(wanted, count, dtype)
    free = shutil.disk_usage(partial.parent).free
    log.info(
        "%s needs %.3f GB for %d datasets of %d stimuli; %.1f GB are free",
        *(partial.name, needed / 1e9, len(wanted), count, free / 1e9),
    )
    if needed > free:
        raise UserError(
            f"{partial.parent}: {needed / 1e9:.1f} GB of activations don't fit {free / 1e9:.1f} GB "
            "of free disk; choose fewer layers, capture.dtype: float16, or another results folder"
        )


def _create(
    partial: Path, wanted: list[Wanted], count: int, dtype: str, attributes: dict[str, Any]
) -> None:
    """Lay out the whole file: later writes touch raw data only, so that a kill can't break it."""
    with h5py.File(partial, "w") as file:
        file.attrs["schema_version"] = store.SCHEMA_VERSION
        for key, value in attributes.items():
            file.attrs[key] = str(value)
        for item in wanted:
            _create_dataset(file, item, count, dtype)


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
