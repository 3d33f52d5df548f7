"""The images of a stimulus set's HDF5 file."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from codespectra.errors import UserError
from codespectra.files.hdf5_files import open_hdf5
from codespectra.files.manifests import read_manifest

# `prefixes_sha256` of a manifest are of so many images, of twice as many, …
PREFIX = 256


def images_digest(manifest: dict[str, Any], count: int) -> str | None:
    """Digest of the first images of a set, and of their labels, by its manifest.

    Args:
        manifest: of the set.
        count: of images, a multiple of 256.

    Returns:
        None if the set has fewer images, or none are asked for.
    """
    digests = manifest["prefixes_sha256"]
    return digests[count // PREFIX - 1] if 0 < count <= len(digests) * PREFIX else None


def images_by_index(path: str | Path, indices: Iterable[int]) -> dict[int, np.ndarray]:
    """Some images of a stimulus file, uint8 (H, W, 3), by their distinct indices."""
    with open_stimuli(path) as file:
        return {int(index): file["images"][int(index)] for index in set(indices)}


def labels_of(path: str | Path, key: str) -> tuple[np.ndarray, list[str]]:
    """The label (N,) of each image of a stimulus file, and the names of the classes.

    Raises:
        UserError: the set has no labels, or fewer than three classes.
    """
    manifest = read_manifest(Path(path).with_suffix(".json"))
    with open_stimuli(path) as file:
        if "labels" not in file:
            raise UserError(f"{path}: has no labels; set {key}: stimuli")
        labels = file["labels"][:]
    if len(np.unique(labels)) < 3:
        found = f"has images of {len(np.unique(labels))} classes, and an interval needs 3"
        raise UserError(f"{path}: {found}; set {key}: stimuli")
    return labels, manifest["classes"]


@contextmanager
def open_stimuli(path: str | Path) -> Iterator[h5py.File]:
    """Yield a stimulus file for reading: images, and labels or position where there are any."""
    with open_hdf5(path) as file:
        if "images" not in file:
            raise UserError(f"{path}: holds no stimuli; delete it and rerun")
        yield file
