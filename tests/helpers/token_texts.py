"""Tokens of sequences, drawn at random, and captures of text as the rules find them."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from codespectra.capture.manifest_layers import part_item
from codespectra.data.tokens import Tokens, write_tokens
from codespectra.files.hdf5_files import create_hdf5, hdf5_digest, rows_digest
from codespectra.files.manifests import write_manifest


def random_tokens(lengths: Sequence[int], vocabulary: list[str], seed: int = 0) -> Tokens:
    rng = np.random.default_rng(seed)
    return Tokens(
        token=rng.integers(len(vocabulary), size=sum(lengths)).astype(np.int32),
        sequence=np.repeat(np.arange(len(lengths), dtype=np.int32), lengths),
        position=np.concatenate([np.arange(n, dtype=np.int32) for n in lengths]),
        vocabulary=vocabulary,
    )


def write_text_capture(
    folder: Path,
    layers: dict[str, np.ndarray],
    tokens: Tokens,
    parts: dict[str, Iterable[str]],
    **manifest: Any,
) -> dict[str, list[str]]:
    """Rows of layers at tokens, and the manifest of their parts: inputs of a rule's script."""
    data = folder / "text.h5"
    with create_hdf5(data) as file:
        write_tokens(file, tokens)
        for name, rows in layers.items():
            file.create_dataset(f"tokens/{name}", data=rows)
    datasets = [
        {
            "key": f"tokens/{name}",
            "sha256": rows_digest(layers[name], len(tokens.token)).hexdigest(),
            "part": part,
            "layer": name,
            "depth": depth,
        }
        for part, names in parts.items()
        for depth, name in enumerate(names, start=1)
    ]
    known = {
        "weights": "train",
        "count": len(tokens.token),
        "datasets": datasets,
        "holds": [part_item(part, [*names]) for part, names in parts.items()],
        "sha256": hdf5_digest(data),
    }
    write_manifest(folder / "text.json", known | manifest)
    return {"data": [str(data)], "manifests": [str(folder / "text.json")]}
