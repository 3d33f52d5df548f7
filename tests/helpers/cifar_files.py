"""CIFAR files as they were published, small and of random pixels."""

import pickle
import struct
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from torchvision import datasets

KINDS = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}
NAMES = {
    "cifar10": [f"class {index}" for index in range(10)],
    "cifar100": [f"class {index}" for index in range(100)],
}
KEYS = {"cifar10": ("labels", "label_names"), "cifar100": ("fine_labels", "fine_label_names")}


class Python2Pickler(pickle._Pickler):
    """Writes strings as Python 2 did, with which the published files were pickled."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_string(self, text: str | bytes) -> None:
        raw = text.encode("latin1") if isinstance(text, str) else text
        self.write(pickle.BINSTRING + struct.pack("<i", len(raw)) + raw)
        self.memoize(text)

    dispatch[str] = dispatch[bytes] = save_string


def write_cifar(
    source: str, root: Path, each: int
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], dict[str, Any]]:
    """Write a set in the published layout, with so many images in each of its files.

    Returns:
        (planes, labels) of each split, and the attributes of torchvision's class that name the
        files' digests: put in place of the published ones, they let it accept these.
    """
    kind, rng = KINDS[source], np.random.default_rng(0)
    folder, (label_key, names_key) = root / kind.base_folder, KEYS[source]
    content, attributes = {}, {}
    for split in ("train", "test"):
        planes, labels, digests = [], [], []
        for name, _ in getattr(kind, f"{split}_list"):
            planes.append(rng.integers(0, 256, (each, 3072), dtype=np.uint8))
            labels += (found := rng.integers(0, len(NAMES[source]), each).tolist())
            _dump(folder / name, {"data": planes[-1], label_key: found, "batch_label": name})
            digests.append([name, _md5(folder / name)])
        attributes[f"{split}_list"] = digests
        content[split] = np.concatenate(planes), np.array(labels)
    meta = folder / kind.meta["filename"]
    _dump(meta, {names_key: NAMES[source]})
    attributes["meta"] = kind.meta | {"md5": _md5(meta)}
    return content, attributes


def _dump(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        Python2Pickler(file, protocol=2).dump(content)


def _md5(path: Path) -> str:
    return datasets.utils.calculate_md5(path)
