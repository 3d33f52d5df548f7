"""Images from files, through torchvision's own classes: CIFAR and image folders."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from torchvision import datasets
from torchvision.datasets.folder import IMG_EXTENSIONS
from torchvision.transforms import CenterCrop, Compose, Resize

from codespectra.errors import UserError

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
    except (RuntimeError, OSError) as error:
        raise UserError(
            f"{root}: torchvision finds no whole {source} there ({error}); put the folder "
            f"{kind.base_folder} there, or set the set's download: true where the network allows it"
        ) from error
    images, labels = data.data[:limit], np.array(data.targets)[:limit]
    return images, len(images), tuple(data.classes), labels


def read_folder(source: str, *, root: str, side: int, limit: int | None) -> Loaded:
    """Images of a folder, their shorter side resized and the centre cut out: one subfolder a
    class, or images alone, then without labels.

    Raises:
        UserError: the folder holds no images.
    """
    folder = Path(root)
    try:
        if any(path.is_dir() for path in folder.iterdir()):
            found = datasets.ImageFolder(root)
            files, classes = found.samples, tuple(found.classes)
        else:
            names = sorted(p for p in folder.iterdir() if p.suffix.lower() in IMG_EXTENSIONS)
            files, classes = [(str(path), -1) for path in names], ()
    except OSError as error:
        raise UserError(f"{root}: no readable image folder ({error})") from error
    if not files:
        raise UserError(f"{root}: holds no images ({', '.join(IMG_EXTENSIONS)})")
    files = files[:limit]
    labels = np.array([label for _, label in files]) if classes else None
    return _read([path for path, _ in files], side), len(files), classes, labels


def _read(paths: list[str], side: int) -> Iterator[np.ndarray]:
    shrink = Compose([Resize(side), CenterCrop(side)])
    for path in paths:
        try:
            with Image.open(path) as image:
                yield np.asarray(shrink(image.convert("RGB")))
        except (OSError, ValueError) as error:
            raise UserError(f"{path}: not a readable image ({error}); mend or remove it") from error
