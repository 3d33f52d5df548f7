"""Stimulus sets as HDF5: uint8 images, labels where there are any, and where they come from."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from codespectra.data import photographs
from codespectra.data.image_table import read_image_table
from codespectra.data.open_image import MOST_PIXELS
from codespectra.data.stimulus_file import PREFIX
from codespectra.files.hdf5_files import create_hdf5, hdf5_digest
from codespectra.files.manifests import write_manifest
from codespectra.jobs.progress import progress


@dataclass(frozen=True)
class StimulusSet:
    """Images (N, H, W, 3) uint8, one after the other, and what is known of them."""

    images: Iterator[np.ndarray] | np.ndarray
    count: int
    side: int
    classes: tuple[str, ...] = ()
    labels: np.ndarray | None = None
    position: np.ndarray | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    # Of a table: what its stimuli are called, and the stimulus and repeat of each of its rows.
    ids: list[str] = field(default_factory=list)
    presentations: list[tuple[int, int]] = field(default_factory=list)
    # Counts of files passed over, and of what is done to images as they are read.
    remarks: Counter[str] = field(default_factory=Counter)


def make_stimuli(spec: dict[str, Any]) -> StimulusSet:
    """Make the set that a config's stimuli section describes.

    Raises:
        UserError: files are missing or damaged.
    """
    options = {key: value for key, value in spec.items() if key not in {"source", "name"}}
    return _MAKERS[spec["source"]](spec["source"], **options)


def _photographs(source: str, **options: Any) -> StimulusSet:
    cut = photographs.random_crops if source == "photographs" else photographs.tiles
    images, labels = cut(**options)
    return StimulusSet(
        images,
        len(images),
        options["side"],
        photographs.CLASSES,
        labels,
        provenance=photographs.source_digests(),
    )


def _cifar(source: str, **options: Any) -> StimulusSet:
    # torchvision takes seconds to import: only sets of files pay for it.
    from codespectra.data.image_files import read_cifar

    images, count, classes, labels = read_cifar(source, **options)
    return StimulusSet(images, count, 32, classes, labels)


def _folder(source: str, *, table: str | None = None, **options: Any) -> StimulusSet:
    from codespectra.data.image_files import read_folder

    remarks: Counter[str] = Counter()
    if table is not None:
        return _listed(table, remarks=remarks, **options)
    images, count, classes, labels = read_folder(source, **options, remarks=remarks)
    return StimulusSet(images, count, options["side"], classes, labels, remarks=remarks)


def _listed(
    table: str,
    *,
    root: str,
    side: int,
    limit: int | None,
    remarks: Counter[str],
    max_pixels: int = MOST_PIXELS,
) -> StimulusSet:
    """The images of a folder that a table lists, in its order."""
    from codespectra.data.image_files import read_squares

    listed = read_image_table(root, table)
    files, classes = listed.paths[:limit], listed.classes
    index = {name: number for number, name in enumerate(classes)}
    labels = np.array([index[name] for name in listed.labels[:limit]]) if classes else None
    return StimulusSet(
        read_squares(files, side, max_pixels, remarks),
        len(files),
        side,
        classes,
        labels,
        ids=listed.ids[:limit],
        presentations=[row for row in listed.presentations if row[0] < len(files)],
        remarks=remarks,
    )


def _moving_dot(source: str, **options: Any) -> StimulusSet:
    images, position = moving_dot(**options)
    return StimulusSet(images, len(images), options["side"], position=position)


def moving_dot(
    *,
    frames: int,
    side: int,
    orbit: float,
    radius: float,
    color: list[float],
    background: list[float],
) -> tuple[np.ndarray, np.ndarray]:
    """Film of a dot going once round a circle (paper A, fig. 4).

    The dot's edge falls from 1 to 0 over one pixel, so that it moves smoothly between pixels.

    Returns:
        uint8 images (frames, side, side, 3) and positions (frames, 2): (cos, sin) of its angle.
    """
    angle = 2 * np.pi * np.arange(frames) / frames
    position = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    center = side / 2 + orbit * side * position
    grid = np.arange(side) + 0.5
    across = grid[None, None, :] - center[:, 0, None, None]
    down = grid[None, :, None] - center[:, 1, None, None]
    cover = np.clip(radius * side + 0.5 - np.hypot(across, down), 0, 1)[..., None]
    images = cover * np.array(color) + (1 - cover) * np.array(background)
    return np.round(images * 255).astype(np.uint8), position


_MAKERS = {
    "photographs": _photographs,
    "photograph_tiles": _photographs,
    "cifar10": _cifar,
    "cifar100": _cifar,
    "folder": _folder,
    "moving_dot": _moving_dot,
}


def write_stimuli(path: str | Path, name: str, made: StimulusSet) -> None:
    """Write a set as HDF5 with its manifest (.json) beside it."""
    path = Path(path)
    shape = (made.count, made.side, made.side, 3)
    with create_hdf5(path) as file:
        chunk = (min(made.count, 64), *shape[1:])
        images = file.create_dataset("images", shape, np.uint8, chunks=chunk)
        prefixes = Prefixes()
        for index, image in enumerate(progress(made.images, desc=name, total=made.count)):
            images[index] = image
            prefixes.add(image, None if made.labels is None else made.labels[index])
        if made.labels is not None:
            file["labels"] = made.labels.astype(np.int64)
        if made.position is not None:
            file["position"] = made.position
        if made.ids:
            file["stimulus_id"] = np.array([name.encode() for name in made.ids])
    manifest = {
        "file": path.name,
        "name": name,
        "sha256": hdf5_digest(path),
        "count": made.count,
        "side": made.side,
        "classes": list(made.classes),
        "prefixes_sha256": prefixes.digests,
        "labelled": made.labels is not None,
        "per_class": _per_class(made),
        "sources": made.provenance,
        "remarks": {words: count for words, count in made.remarks.items() if count},
    }
    if made.ids:
        manifest["stimulus_ids"] = made.ids
    if made.presentations:
        manifest["presentations"] = made.presentations
    write_manifest(path.with_suffix(".json"), manifest)


class Prefixes:
    """Digests of the first 256 images of a set with their labels, of the first 512, and so on.

    By them a capture of a set that has grown knows which images it has shown before.
    """

    def __init__(self) -> None:
        """Begin before the first image."""
        self.digests: list[str] = []
        self._digest, self._count = hashlib.sha256(), 0

    def add(self, image: np.ndarray, label: int | None) -> None:
        """Add an image (H, W, 3), and its label if it has one."""
        self._digest.update(np.ascontiguousarray(image).data)
        self._digest.update(str(label).encode())
        self._count += 1
        if self._count % PREFIX == 0:
            self.digests.append(self._digest.hexdigest())


def _per_class(made: StimulusSet) -> dict[str, int]:
    if made.labels is None:
        return {}
    counts = np.bincount(made.labels, minlength=len(made.classes))
    return {name: int(count) for name, count in zip(made.classes, counts, strict=True)}
