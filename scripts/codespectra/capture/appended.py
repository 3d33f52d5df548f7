"""A set that has grown at its end: the rows that its earlier capture has are taken from there.

The images that a capture saw are compared with those of now by the digests of the first 256, the
first 512, … in the manifests of both sets, so that each batch that is left to show is the same as
in a capture of all.
"""

import logging
from pathlib import Path
from typing import Any

import h5py

from codespectra.capture.activation_file import begin_file, growing
from codespectra.capture.layout import Layout, Written
from codespectra.data.stimulus_file import images_digest
from codespectra.errors import UserError, first_line
from codespectra.files.hdf5_files import DIGESTED, hdf5_digest, rows_digest
from codespectra.files.manifests import read_signed, write_signed
from codespectra.files.second_names import forget_kept, index_name, keep_outputs, kept_name

log = logging.getLogger("codespectra")


def keep_rows(path: str | Path, written: Written, shown: dict[str, Any], follows_from: str) -> None:
    """Let the next capture take a finished file's rows, unless it is gathered; see `take_rows`.

    Args:
        path: of the file.
        written: what is known of it.
        shown: manifest of the images.
        follows_from: digest of all that the rows follow from besides the images.
    """
    count, correct = written.whole
    forget_kept([path])
    if count and keep_outputs([path]):
        note = {"sha256": written.sha256, "follows_from": follows_from, "count": count}
        note |= {"correct": correct, "images_sha256": images_digest(shown, count)}
        write_signed(index_name(path), note)


def take_rows(path: str | Path, layout: Layout, shown: dict[str, Any], follows_from: str) -> None:
    """Begin the file of `layout` with the rows of the capture that stood there before, if it may.

    What a killed job has left goes first. The arguments are those of `keep_rows`.

    Raises:
        UserError: too little disk.
    """
    path = Path(path)
    partial, journal = growing(path, layout)
    journal.read()
    if journal.done:
        return
    count, correct = _earlier(path, shown, follows_from)
    if not count:
        forget_kept([path])  # whose room the new file may need
        return
    begin_file(partial, layout, journal)
    with h5py.File(kept_name(path), "r") as old, h5py.File(partial, "r+", rdcc_nbytes=0) as new:
        for item in layout.wanted:
            _copy(old[item.key], new[item.key], count)
            journal.digests[item.key] = rows_digest(new[item.key], count).hexdigest()
    journal.done, journal.correct = journal.whole = count, correct
    journal.write()
    log.info("taken from the last run: %d of %d images", count, len(layout.offsets) - 1)


def _earlier(path: Path, shown: dict[str, Any], follows_from: str) -> tuple[int, int]:
    """How many images can be taken from the earlier capture, and how many are predicted rightly."""
    if not (index_name(path).exists() and kept_name(path).exists()):
        return 0, 0
    try:
        earlier = read_signed(index_name(path))
        if earlier["follows_from"] != follows_from:
            return 0, 0
        if images_digest(shown, earlier["count"]) != earlier["images_sha256"]:
            log.info("all images are shown: those of the last run aren't the first ones any more")
            return 0, 0
        if hdf5_digest(kept_name(path)) != earlier["sha256"]:
            raise UserError(f"{kept_name(path)}: changed since it was written")
    except Exception as error:  # HDF5 raises nearly anything at a damaged file.
        log.warning("nothing is taken from the last run: %s", first_line(error))
        return 0, 0
    return earlier["count"], earlier["correct"]


def _copy(old: h5py.Dataset, new: h5py.Dataset, count: int) -> None:
    step = max(1, DIGESTED * len(old) // old.nbytes)
    for start in range(0, count, step):
        stop = min(start + step, count)
        new[start:stop] = old[start:stop]
