"""Data as scripts, which a page from a folder may read: `atlas.data(key, content);`."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from codespectra.files.manifests import write_manifest
from codespectra.files.whole_files import atomic

# What a browser has an array for.
TYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32")


def packed(array: np.ndarray) -> dict[str, Any]:
    """An array as JSON: its type, its shape and its bytes, little-endian, in base64.

    Whole numbers take the smallest type that holds them, others float32; nan stays.
    """
    array = np.asarray(array)
    if array.dtype.kind in "iub":
        low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
        fits = (t for t in TYPES[:-1] if np.iinfo(t).min <= low and high <= np.iinfo(t).max)
        array = array.astype(next(fits))
    else:
        array = array.astype(np.float32)
    data = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    return {
        "type": array.dtype.name,
        "shape": list(array.shape),
        "base64": base64.b64encode(data).decode(),
    }


def write_shard(path: Path, key: str, content: Any) -> None:
    """Write a script that hands `content`, in which arrays are packed, to the page under `key`."""
    text = json.dumps(content, allow_nan=False, default=_plain, separators=(",", ":"))
    with atomic(path) as temporary:
        temporary.write_text(f"atlas.data({json.dumps(key)},{text});\n", "ascii")


def _plain(value: Any) -> Any:
    """numpy's numbers and arrays as JSON has them."""
    return value.item() if isinstance(value, np.generic) else packed(value)


def write_folder_manifest(manifest: str | Path, folder: Path, **description: Any) -> None:
    """Write the manifest of a folder of shards or images: digest and size of what is in it."""
    digest, size = hashlib.sha256(), 0
    for file in sorted(file for file in folder.iterdir() if not file.name.startswith(".")):
        content = file.read_bytes()
        digest.update(file.name.encode() + b"\0" + hashlib.sha256(content).digest())
        size += len(content)
    found = {"sha256": digest.hexdigest(), "bytes": size}
    write_manifest(manifest, description | found)
