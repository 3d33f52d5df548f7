"""Images from files: CIFAR as torchvision reads it, and folders of images."""

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from torchvision import datasets
from torchvision.transforms import CenterCrop, Resize

from codespectra.data.image_layout import find_images
from codespectra.data.open_image import MOST_PIXELS, open_image
from codespectra.errors import UserError, first_line

log = logging.getLogger("codespectra")

# Images (N, side, side, 3) uint8, N, class names, labels (N,) where there are any.
Loaded = tuple[Iterator[np.ndarray] | np.ndarray, int, tuple[str, ...], np.ndarray | None]


def read_cifar(
    source: str, *, root: str, split: str, limit: int | None, download: bool = False
) -> Loaded:
    """CIFAR-10 or CIFAR-100 in the published layout, in the published order.

    Raises:
        UserError: files are missing or damaged and may not be downloaded.
    """
    kind = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[source]
    try:
        data = kind(root, train=split == "train", download=download)
    except Exception as error:  # Damaged pickles raise nearly anything.
        raise UserError(
            f"{root}: torchvision finds no whole {source} there ({first_line(error)}); put the "
            f"folder {kind.base_folder} there, or set the set's download: true where the network "
            "allows it"
        ) from error
    images, labels = data.data[:limit], np.array(data.targets)[:limit]
    return images, len(images), tuple(data.classes), labels


def read_folder(
    source: str,
    *,
    root: str,
    side: int,
    limit: int | None,
    max_pixels: int = MOST_PIXELS,
    remarks: Counter[str] | None = None,
) -> Loaded:
    """Images of a folder, their shorter side resized and the centre cut out: one subfolder a
    class, or images alone, then without labels; see `image_layout`.

    Args:
        source: "folder".
        root: the folder.
        side: of the square, in pixels.
        limit: images at most, the first ones.
        max_pixels: that an image may have.
        remarks: counts of what is passed over, and of what is done to images as they are read.

    Raises:
        UserError: the folder's layout isn't one of those; later, an image can't be read.
    """
    remarks = Counter() if remarks is None else remarks
    files, classes = find_images(root, remarks)
    files = files[:limit]
    index = {name: number for number, name in enumerate(classes)}
    labels = np.array([index[path.parent.name] for path in files]) if classes else None
    return read_squares(files, side, max_pixels, remarks), len(files), classes, labels


def read_squares(
    files: list[Path], side: int, max_pixels: int, remarks: Counter[str]
) -> Iterator[np.ndarray]:
    """The images of those files as `read_square` makes them, and at the end a word on what was
    done to them or passed over before."""
    for path in files:
        yield read_square(path, side, side, max_pixels, "mend or remove it", remarks)
    for words, count in sorted(remarks.items()):
        if count:
            log.info("%d %s", count, words)


def read_square(
    path: str | Path,
    shorter: int,
    side: int,
    max_pixels: int,
    remedy: str,
    remarks: Counter[str] | None = None,
) -> np.ndarray:
    """An image as uint8 (side, side, 3): its shorter side resized, then the centre cut out.

    Args:
        path: of the file.
        shorter: pixels that the shorter side becomes.
        side: of the square.
        max_pixels: that the image may have, as it is and resized.
        remedy: what to do about an image that can't be read.
        remarks: counts of what was done to images, which this one adds to.

    Raises:
        UserError: it is no image, damaged or too large.
    """
    image = open_image(path, max_pixels=max_pixels, resized=shorter, remedy=remedy, remarks=remarks)
    return np.asarray(CenterCrop(side)(Resize(shorter)(image)))
