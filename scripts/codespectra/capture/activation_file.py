"""An activations file that grows while stimuli are shown to a network.

It can be taken up again after a kill; it gets its final name when it is whole.
"""

import hashlib
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from codespectra.capture.journal import Journal
from codespectra.capture.layout import Layout, Written
from codespectra.capture.pipeline import ReadAhead
from codespectra.capture.row_writer import Chunks, Hashes, RowWriter
from codespectra.errors import UserError, first_line
from codespectra.files import full_disk
from codespectra.files.full_disk import in_bytes
from codespectra.files.hdf5_files import SCHEMA_VERSION, hdf5_digest, rows_digest
from codespectra.files.json_files import content_digest
from codespectra.files.named_axes import name_axes
from codespectra.files.plain_files import open_plain, refuse_planted
from codespectra.files.whole_files import publish
from codespectra.models.hooks import Sink, Wanted
from codespectra.models.reductions import EACH_TOKEN, patch_count, stride_of

log = logging.getLogger("codespectra")

# HDF5 chunks of 64 to 256 whole rows stream fastest; about a megabyte each.
CHUNK_ROWS, CHUNK_BYTES = (64, 256), 1 << 20

# Reads stimuli start to stop, in a thread of its own.
Load = Callable[[slice], Any]
# Passes what was read, and which stimuli it is, through the network and hands all wanted outputs to
# the sink, a row each; returns how many it predicts rightly, 0 where nothing is predicted.
Show = Callable[[Any, slice, Sink], torch.Tensor | int]


def write_rows(
    path: str | Path,
    layout: Layout,
    load: Load,
    show: Show,
    *,
    batch: int,
    least: int = 1,
    accept: Callable[[int], None] = lambda correct: None,
) -> Written:
    """Fill a new activations file by showing `batch` stimuli at a time; resume a killed job's.

    One batch is shown while the next is read and the last is written (`pipeline`). A batch that the
    device has no memory for is halved, down to `least`, and so are those after it.

    The growing file is `.{name}.partial`; its progress is noted beside it every few
    seconds, and it counts only for the same datasets and attributes, and with the bytes that were
    written. It gets its final name when all rows are in and `accept` has raised nothing at the
    number of right predictions.

    Returns:
        Its digest, and how many stimuli were predicted rightly, as `show` counts them.

    Raises:
        UserError: too little disk or memory, or an activation that is NaN or infinite.
    """
    path = Path(path)
    partial, journal = growing(path, layout)
    hashes = _resume(partial, layout, journal) or _begin(partial, layout, journal)
    with (
        full_disk.told(partial.parent),
        RowWriter(partial, layout, _chunks(partial, layout), hashes, journal) as writer,
        torch.inference_mode(),
    ):
        _show_rest(writer, layout, load, show, batch, least)
    accept(journal.correct)
    # Of the rows as they were computed: one that the disk has changed since is refused by readers.
    rows = {item.key: writer.hashes[item.key].hexdigest() for item in layout.wanted}
    written = Written(journal.correct, hdf5_digest(partial, rows), rows, journal.whole)
    publish(partial, path)
    journal.file.unlink(missing_ok=True)  # an empty shard has none
    return written


def growing(path: Path, layout: Layout) -> tuple[Path, Journal]:
    """Where the rows of a file are collected, and the journal of how far that has come."""
    partial = path.with_name(f".{path.name}.partial")
    refuse_planted(partial)
    return partial, Journal(path.with_name(f".{path.name}.progress.json"), layout.identity)


def _show_rest(
    writer: RowWriter, layout: Layout, load: Load, show: Show, batch: int, least: int
) -> None:
    """Show the stimuli that aren't in the file yet."""
    start, end = layout.stimuli.start + writer.journal.done, layout.stimuli.stop
    with ReadAhead(load) as read:
        while start < end:
            stop = min(start + batch, end)
            rows, then = slice(start, stop), slice(stop, min(stop + batch, end))
            try:
                writer.begin(start)
                writer.finish(stop, torch.as_tensor(show(read(rows, then), rows, writer)))
            except torch.OutOfMemoryError as error:
                batch = _halved(stop - start, least, first_line(error))
            else:
                start = stop


def _halved(batch: int, least: int, error: str) -> int:
    """Half of a batch that the device had no memory for."""
    if batch // 2 < least:
        raise UserError(
            f"the device has no memory for {batch} stimuli at once ({error}), and a batch must "
            f"have {least}; end what else runs on it, or set runtime.device: cpu"
        )
    log.warning("%s: batches of %d instead of %d from here on", error, batch // 2, batch)
    return batch // 2


def _resume(partial: Path, layout: Layout, journal: Journal) -> Hashes | None:
    """Take up what a killed job has left; None if it isn't to the bit what the journal tells."""
    journal.read()
    if not journal.done:
        return None
    rows = layout.row_of(layout.stimuli.start + journal.done)
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
    """Digest of all that a file says but the numbers in its rows, and of where these lie."""
    said = hdf5_digest(partial, dict.fromkeys((item.key for item in layout.wanted), ""))
    return content_digest(
        [said, [places.tolist() for _, places in _chunks(partial, layout).values()]]
    )


def _chunks(partial: Path, layout: Layout) -> Chunks:
    """Where the rows of a file lie, in chunks of whole rows."""
    with h5py.File(partial, "r") as file:
        return {item.key: _chunks_of(file[item.key]) for item in layout.wanted}


def _chunks_of(dataset: h5py.Dataset) -> tuple[int, NDArray[np.int64]]:
    rows = dataset.chunks[0]
    places = np.zeros(-(-len(dataset) // rows), np.int64)

    def note(chunk: h5py.h5d.StoreInfo) -> None:
        places[chunk.chunk_offset[0] // rows] = chunk.byte_offset

    dataset.id.chunk_iter(note)
    return rows, places


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
