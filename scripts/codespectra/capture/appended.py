"""A set that has grown at its end: the rows that its earlier capture has are taken from there.

The images that a capture saw are compared with those of now by the digests of the first 256, the
first 512, … in the manifests of both sets, so that each batch that is left to show is the same as
in a capture of all.
"""

import logging
from pathlib import Path
from typing import Any

import h5py

from codespectra.capture.activation_file import Layout, Written, begin_file, growing
from codespectra.data.stimulus_file import images_digest
from codespectra.errors import UserError, first_line
from codespectra.files.hdf5_files import DIGESTED, hdf5_digest, rows_digest
from codespectra.files.manifests import read_manifest
from codespectra.files.second_names import forget_kept, kept_name

log = logging.getLogger("codespectra")


def whole_batches(written: Written, shown: dict[str, Any], follows_from: str) -> dict[str, Any]:
    """What the manifest of a capture tells of its rows for captures of a set that has grown.

    Args:
        written: what is known of the file.
        shown: manifest of the images.
        follows_from: digest of all that the rows follow from besides the images.
    """
    count, correct = written.whole
    return {
        "count": count,
        "correct": correct,
        "images_sha256": images_digest(shown, count),
        "follows_from": follows_from,
    }


def take_rows(path: str | Path, layout: Layout, shown: dict[str, Any], follows_from: str) -> None:
    """Begin the file of `layout` with the rows of the capture that stood there before, if it may.

    What a killed job has left goes first. See `whole_batches`.

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
        forget_kept([path, path.with_suffix(".json")])  # whose room the new file may need
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
    manifest = kept_name(path.with_suffix(".json"))
    if not (manifest.exists() and kept_name(path).exists()):
        return 0, 0
    try:
        told = read_manifest(manifest)
        earlier = told["whole_batches"]
        if earlier["follows_from"] != follows_from or not earlier["count"]:
            return 0, 0
        if images_digest(shown, earlier["count"]) != earlier["images_sha256"]:
            log.info("all images are shown: those of the last run aren't the first ones any more")
            return 0, 0
        if hdf5_digest(kept_name(path)) != told["sha256"]:
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
