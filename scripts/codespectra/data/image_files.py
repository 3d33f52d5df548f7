"""Images from files: CIFAR as torchvision reads it, and image folders laid out as it expects."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from torchvision import datasets
from torchvision.datasets.folder import IMG_EXTENSIONS
from torchvision.transforms import CenterCrop, Resize

from codespectra.data.open_image import MOST_PIXELS, open_image
from codespectra.errors import UserError, first_line
from codespectra.files.folder_walk import files_below
from codespectra.files.regular_files import reason, shown

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
    source: str, *, root: str, side: int, limit: int | None, max_pixels: int = MOST_PIXELS
) -> Loaded:
    """Images of a folder, their shorter side resized and the centre cut out: one subfolder a
    class, or images alone, then without labels.

    Raises:
        UserError: the folder holds no images, or both images and subfolders.
    """
    folder = Path(root)
    try:
        files = [path for path in files_below(folder) if path.suffix.lower() in IMG_EXTENSIONS]
        classes = _classes(folder)
    except OSError as error:
        raise UserError(
            f"{root}: no readable image folder ({reason(error)}); correct its root"
        ) from error
    if not files:
        raise UserError(f"{root}: holds no images ({', '.join(IMG_EXTENSIONS)})")
    of_class = [path.relative_to(folder).parts[0] for path in files]
    if classes:
        _check_classes(folder, classes, files, set(of_class))
    index = {name: number for number, name in enumerate(classes)}
    labels = np.array([index[name] for name in of_class[:limit]]) if classes else None
    files = files[:limit]
    remedy = "mend or remove it"
    images = (read_square(path, side, side, max_pixels, remedy) for path in files)
    return images, len(files), classes, labels


def _classes(folder: Path) -> tuple[str, ...]:
    return tuple(
        sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    )


def _check_classes(
    folder: Path, classes: tuple[str, ...], files: list[Path], filled: set[str]
) -> None:
    beside = [path for path in files if path.parent == folder]
    if beside:
        raise UserError(
            f"{folder}: holds images ({shown(beside[0].name)}) beside the folder "
            f"{shown(classes[0])}; put them into one subfolder a class, or remove all subfolders"
        )
    for name in classes:
        if name not in filled:
            raise UserError(
                f"{folder}: no readable image folder (class {shown(name)} has no images of its own)"
            )
        if not name.isprintable():
            raise UserError(f"{folder}: the name {shown(name)} isn't printable; rename that folder")


def read_square(
    path: str | Path, shorter: int, side: int, max_pixels: int, remedy: str
) -> np.ndarray:
    """An image as uint8 (side, side, 3): its shorter side resized, then the centre cut out.

    Args:
        path: of the file.
        shorter: pixels that the shorter side becomes.
        side: of the square.
        max_pixels: that the image may have, as it is and resized.
        remedy: what to do about an image that can't be read.

    Raises:
        UserError: it is no image, damaged or too large.
    """
    image = open_image(path, max_pixels=max_pixels, resized=shorter, remedy=remedy)
    return np.asarray(CenterCrop(side)(Resize(shorter)(image)))
