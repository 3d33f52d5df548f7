"""An activations file that grows while stimuli are shown to a network.

It can be taken up again after a kill; it gets its final name when it is whole.
"""

import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from codespectra.capture.journal import Journal
from codespectra.capture.shard import WHOLE, Shard
from codespectra.errors import UserError, first_line
from codespectra.files import full_disk
from codespectra.files.full_disk import in_bytes
from codespectra.files.hdf5_files import SCHEMA_VERSION, hdf5_digest, rows_digest
from codespectra.files.json_files import content_digest
from codespectra.files.named_axes import name_axes
from codespectra.files.plain_files import open_plain, refuse_planted
from codespectra.files.whole_files import publish
from codespectra.jobs.progress import progress
from codespectra.models.hooks import Sink, Wanted
from codespectra.models.reductions import EACH_TOKEN, patch_count, stride_of

log = logging.getLogger("codespectra")

# HDF5 chunks of 64 to 256 whole rows stream fastest; about a megabyte each.
CHUNK_ROWS, CHUNK_BYTES = (64, 256), 1 << 20

# Passes stimuli start to stop through the network and hands all wanted outputs to the sink, a row
# each; returns how many of the stimuli it predicts rightly, 0 where nothing is predicted.
Show = Callable[[slice, Sink], int]

# sha256 of the rows of each dataset, of which more are to come.
Hashes = dict[str, "hashlib._Hash"]


def _nothing(file: h5py.File) -> None:
    """What a file holds besides its rows, when that is nothing."""


@dataclass(frozen=True)
class Layout:
    """What an activations file holds, or one shard of it.

    Attributes:
        wanted: its datasets.
        offsets: (stimuli + 1,) the row at which each stimulus begins, and the number of rows R,
            of the whole.
        dtype: float32 or float16.
        attributes: of the file; a partial file is resumed only for the same ones.
        besides: writes what else the file holds, before its rows.
        grain: shards begin at multiples of so many stimuli.
        row: what a row is of, which names the first axis of the datasets.
        shard: the one whose rows the file holds.
        follows_from: what a partial file must have come from too, which the file doesn't say.
    """

    wanted: list[Wanted]
    offsets: Sequence[int]
    dtype: str
    attributes: dict[str, Any]
    besides: Callable[[h5py.File], None] = _nothing
    grain: int = 1
    row: str = "stimulus"
    shard: Shard = WHOLE
    follows_from: Sequence[Any] = ()

    def part(self, shard: Shard) -> "Layout":
        """The layout of one shard: its rows, without what the whole file holds besides."""
        if shard == WHOLE:
            return self
        attributes = self.attributes | {"shard": shard}
        return replace(self, shard=shard, attributes=attributes, besides=_nothing)

    @property
    def stimuli(self) -> range:
        """Indices of the stimuli whose rows the file holds."""
        return self.shard.share(len(self.offsets) - 1, self.grain)

    @property
    def rows(self) -> int:
        """Rows of every dataset."""
        return int(self.offsets[self.stimuli.stop] - self.offsets[self.stimuli.start])

    @property
    def bytes(self) -> int:
        """Bytes of all rows."""
        return sum(item.width for item in self.wanted) * self.rows * np.dtype(self.dtype).itemsize

    @property
    def identity(self) -> str:
        """Digest that tells this capture from others."""
        keys = [item.key for item in self.wanted]
        attributes = {key: str(value) for key, value in self.attributes.items()}
        return content_digest([attributes, keys, self.dtype, self.rows, *self.follows_from])


@dataclass(frozen=True)
class Written:
    """What is known of a finished activations file.

    Attributes:
        correct: how many stimuli were predicted rightly; None where nothing is predicted.
        sha256: `hdf5_digest` of the file.
        rows: `rows_digest` of each dataset, by its key.
        whole: stimuli in whole grains of the layout, and how many of these were predicted rightly.
    """

    correct: int | None
    sha256: str
    rows: dict[str, str]
    whole: tuple[int, int] = (0, 0)


def write_rows(
    path: str | Path,
    layout: Layout,
    show: Show,
    *,
    batch: int,
    accept: Callable[[int], None] = lambda correct: None,
) -> Written:
    """Fill a new activations file by showing `batch` stimuli at a time; resume a killed job's.

    The growing file is `.{name}.partial`; its progress is noted beside it every few
    seconds, and it counts only for the same datasets and attributes, and with the bytes that were
    written. It gets its final name when all rows are in and `accept` has raised nothing at the
    number of right predictions.

    Returns:
        Its digest, and how many stimuli were predicted rightly, as `show` counts them.

    Raises:
        UserError: too little disk, or an activation that is NaN or infinite.
    """
    path = Path(path)
    partial, journal = growing(path, layout)
    hashes = _resume(partial, layout, journal) or _begin(partial, layout, journal)
    # Without a chunk cache rows go straight to the file, uncopied.
    with (
        full_disk.told(partial.parent),
        h5py.File(partial, "r+", rdcc_nbytes=0) as file,
        torch.inference_mode(),
    ):
        _show_rest(_Writer(file, layout, hashes), layout, show, batch, journal)
    accept(journal.correct)
    # Of the rows as they were computed: one that the disk has changed since is refused by readers.
    rows = {item.key: hashes[item.key].hexdigest() for item in layout.wanted}
    written = Written(journal.correct, hdf5_digest(partial, rows), rows, journal.whole)
    publish(partial, path)
    journal.file.unlink(missing_ok=True)  # an empty shard has none
    return written


def growing(path: Path, layout: Layout) -> tuple[Path, Journal]:
    """Where the rows of a file are collected, and the journal of how far that has come."""
    partial = path.with_name(f".{path.name}.partial")
    refuse_planted(partial)
    return partial, Journal(path.with_name(f".{path.name}.progress.json"), layout.identity)


def _show_rest(writer: "_Writer", layout: Layout, show: Show, batch: int, journal: Journal) -> None:
    """Show the stimuli that aren't in the file yet."""
    offsets, stimuli = layout.offsets, layout.stimuli
    rest = stimuli[journal.done :]
    done = int(offsets[rest.start]) - writer.first
    with progress(total=layout.rows, initial=done) as bar:
        for start in rest[::batch]:
            stop = min(start + batch, stimuli.stop)
            writer.rows = slice(int(offsets[start]), int(offsets[stop]))
            journal.correct += show(slice(start, stop), writer)
            journal.done = stop - stimuli.start
            if journal.done % layout.grain == 0:
                journal.whole = journal.done, journal.correct
            if stop == stimuli.stop or journal.is_due():
                journal.digests |= writer.flushed()
                journal.write()
            bar.update(writer.rows.stop - writer.rows.start)


class _Writer:
    """Writes one batch's outputs into the rows it is set to, and refuses NaN and infinity.

    `rows` count through the whole, of which the file begins at row `first`. `hashes` are of
    the rows that it has.
    """

    def __init__(self, file: h5py.File, layout: Layout, hashes: Hashes):
        self.file, self.hashes = file, hashes
        self.first = int(layout.offsets[layout.stimuli.start])
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
        target.select_hyperslab((self.rows.start - self.first, 0), shape)
        numbers = values.cpu().contiguous().numpy()
        dataset.write(h5py.h5s.create_simple(shape), target, numbers)
        self.hashes[item.key].update(numbers.data)

    def flushed(self) -> dict[str, str]:
        """Bring all rows to the file; returns the sha256 of each dataset's."""
        self.file.flush()
        return {key: digest.hexdigest() for key, digest in self.hashes.items()}

    def _refuse_infinite(self, item: Wanted, values: torch.Tensor) -> None:
        bad = ~values.isfinite().all(dim=1)
        if not bad.any():
            return
        of_text = item.reduction == "tokens" and len(item.layer["shape"]) == 1
        row = "token row" if of_text else "stimulus"
        raise UserError(
            f"layer {item.layer['name']}: NaN or infinite activation, first at {row} "
            f"{self.rows.start + int(bad.int().argmax())}; check the checkpoint and its "
            "preprocessing" + (", or store float32" if self.dtype == torch.float16 else "")
        )


def _resume(partial: Path, layout: Layout, journal: Journal) -> Hashes | None:
    """Take up what a killed job has left; None if it isn't to the bit what the journal tells."""
    journal.read()
    if not journal.done:
        return None
    offsets, start = layout.offsets, layout.stimuli.start
    rows = int(offsets[start + journal.done]) - int(offsets[start])
    try:
        found = {"": _digest_of_rest(partial, layout)}
        with h5py.File(partial, "r") as file:
            hashes = {item.key: rows_digest(file[item.key], rows) for item in layout.wanted}
    except Exception as error:  # HDF5 raises nearly anything at a damaged file.
        log.warning("%s is damaged (%s); starting anew", partial, first_line(error))
        return None
    found |= {key: digest.hexdigest() for key, digest in hashes.items()}
    if changed := [key or "its head" for key in found if found[key] != journal.digests[key]]:
        log.warning("%s: %s has changed; starting anew", partial, ", ".join(changed))
        return None
    log.info("resuming %s after stimulus %d", partial.name, journal.done)
    return hashes


def _begin(partial: Path, layout: Layout, journal: Journal) -> Hashes:
    """Start anew with an empty file."""
    begin_file(partial, layout, journal)
    return {item.key: hashlib.sha256() for item in layout.wanted}


def begin_file(partial: Path, layout: Layout, journal: Journal) -> None:
    """Lay out a file without rows, if the disk has room for them.

    Raises:
        UserError: it hasn't.
    """
    journal.forget()
    _check_disk(partial, layout)
    _create(partial, layout)
    journal.digests = {"": _digest_of_rest(partial, layout)}


def _digest_of_rest(partial: Path, layout: Layout) -> str:
    """Digest of all that a file says but the numbers in its rows."""
    return hdf5_digest(partial, dict.fromkeys((item.key for item in layout.wanted), ""))


def _check_disk(partial: Path, layout: Layout) -> None:
    partial.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(partial.parent).free
    log.info(
        "%s needs %s for %d datasets of %d rows; %s are free",
        *(partial.name, in_bytes(layout.bytes), len(layout.wanted), layout.rows, in_bytes(free)),
    )
    if layout.bytes > free:
        raise full_disk.LittleDisk(
            f"{partial.parent}: {in_bytes(layout.bytes)} of activations don't fit the free disk, "
            f"which lacks {in_bytes(layout.bytes - free)}; choose fewer layers, capture.dtype: "
            "float16, or another results folder"
        )


def _create(partial: Path, layout: Layout) -> None:
    """Lay out the whole file: later writes touch raw data only, so that a kill can't break it."""
    os.close(open_plain(partial, os.O_RDWR | os.O_CREAT))
    with full_disk.told(partial.parent), h5py.File(partial, "w") as file:
        file.attrs["schema_version"] = SCHEMA_VERSION
        write_head(file, layout)
        for item in layout.wanted:
            _create_dataset(file, item, layout.rows, layout.dtype)
        write_axes(file, layout)


def write_head(file: h5py.File, layout: Layout) -> None:
    """Write all of a file but its rows."""
    for key, value in layout.attributes.items():
        file.attrs[key] = str(value)
    layout.besides(file)


def _create_dataset(file: h5py.File, item: Wanted, count: int, dtype: str) -> None:
    row_bytes = item.width * np.dtype(dtype).itemsize
    rows = int(np.clip(CHUNK_BYTES // row_bytes, *CHUNK_ROWS))
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_chunk((max(1, min(rows, count)), item.width))
    layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    layout.set_obj_track_times(False)
    links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
    links.set_create_intermediate_group(True)
    kind = h5py.h5t.py_create(np.dtype(dtype), logical=True)
    space = h5py.h5s.create_simple((count, item.width))
    raw = h5py.h5d.create(file.id, item.key.encode(), kind, space, layout, lcpl=links)
    describe_dataset(h5py.Dataset(raw), item)


def listed_dataset(item: Wanted, written: Written) -> dict[str, Any]:
    """What a manifest says of a dataset."""
    layer = item.layer
    listed = {
        "key": item.key,
        "sha256": written.rows[item.key],
        "layer": layer["name"],
        "type": layer["type"],
        "depth": layer["depth"],
        "shape": list(layer["shape"]),
        "reduction": item.reduction,
        "stride": stride_of(layer["shape"], item.reduction),
        "width": item.width,
    }
    return listed | ({"tokens": patch_count(layer)} if item.reduction == EACH_TOKEN else {})


def write_axes(file: h5py.File, layout: Layout) -> None:
    """Name the axes of all datasets: the row, by its number in the whole, and the unit.

    Layers of one width share the axis `unit_{width}`: a name has one length in a file.
    """
    first = int(layout.offsets[layout.stimuli.start])
    for item in layout.wanted:
        names = (layout.row, f"unit_{item.width}")
        name_axes(file[item.key], names, file, first=first)


def describe_dataset(dataset: h5py.Dataset, item: Wanted) -> None:
    """Write a dataset's attributes: its layer, the shape before the reduction, the reduction."""
    attributes, layer = dataset.attrs, item.layer
    attributes["module"], attributes["call"] = layer["module"], layer["call"]
    attributes["type"], attributes["depth"] = layer["type"], layer["depth"]
    attributes["shape"] = layer["shape"]
    attributes["reduction"] = item.reduction
    attributes["stride"] = stride_of(layer["shape"], item.reduction)
