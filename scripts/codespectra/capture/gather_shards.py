"""Gather shards into one activations file of virtual HDF5 datasets, without a copy."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import h5py

from codespectra.capture.activation_file import describe_dataset, write_axes, write_head
from codespectra.capture.layout import Layout, Written
from codespectra.capture.shard import Shard
from codespectra.errors import UserError
from codespectra.files.hdf5_files import create_hdf5, hdf5_digest, open_hdf5, rows_digest
from codespectra.files.manifests import read_manifest


def gather(
    path: str | Path,
    layout: Layout,
    shards: Sequence[str | Path],
    correct: int | None,
    differences: Mapping[str, float] = MappingProxyType({}),
) -> Written:
    """Write the file of `layout`, whose datasets point to the rows in `shards`: these must stay.

    It says the same as a file that one job wrote, so that its `hdf5_digest` is the same. The
    shards are named relative to it: the folder of both can be moved.

    Args:
        path: of the file.
        layout: of the whole.
        shards: the files, in order.
        correct: right predictions of all (`correct_in`).
        differences: from float32 (`differences_in`).

    Raises:
        UserError: a shard is missing, damaged, or of another capture.
    """
    path = Path(path)
    parts = [layout.part(Shard(k, len(shards))) for k in range(1, len(shards) + 1)]
    for shard, part in zip(shards, parts, strict=True):
        _check(Path(shard), part)
    names = [os.path.relpath(shard, path.parent) for shard in shards]
    with create_hdf5(path) as file:
        write_head(file, layout)
        for item in layout.wanted:
            virtual = h5py.VirtualLayout((layout.rows, item.width), layout.dtype)
            for name, part in zip(names, parts, strict=True):
                source = h5py.VirtualSource(name, item.key, (part.rows, item.width), layout.dtype)
                first = int(layout.offsets[part.stimuli.start])
                if part.rows:
                    virtual[first : first + part.rows] = source
            virtual.dcpl.set_obj_track_times(False)
            describe_dataset(file.create_virtual_dataset(item.key, virtual), item)
        write_axes(file, layout)
    with open_hdf5(path) as file:
        rows = {x.key: rows_digest(file[x.key], layout.rows).hexdigest() for x in layout.wanted}
    return Written(correct, hdf5_digest(path, rows), rows, differences=dict(differences))


def shard_manifest(data: str | Path, identity: str, written: Written) -> dict[str, Any]:
    """Manifest of the shard `data`, for gathering: its digest and its right predictions."""
    return {
        "file": Path(data).name,
        "sha256": written.sha256,
        "identity": identity,
        "correct": written.correct,
        "differences": written.differences,
    }


def correct_in(manifests: Sequence[str | Path]) -> int | None:
    """Right predictions of all shards, by their manifests; None where nothing is predicted."""
    found = [read_manifest(manifest)["correct"] for manifest in manifests]
    return None if None in found else sum(found)


def differences_in(manifests: Sequence[str | Path]) -> dict[str, float]:
    """How far each dataset is from float32, of which all shards take the same sample."""
    return read_manifest(manifests[0])["differences"]


def _check(shard: Path, part: Layout) -> None:
    """Refuse a shard of other stimuli, of another network, or captured by other packages."""
    with open_hdf5(shard) as file:
        # Its code is the script's that captured it.
        found = {key: file.attrs.get(key) for key in part.attributes if key != "code"}
        expected: dict[str, Any] = {key: str(part.attributes[key]) for key in found}
        for item in part.wanted:
            dataset = file.get(item.key)
            found[item.key] = dataset and (dataset.shape, dataset.dtype.name)
            expected[item.key] = ((part.rows, item.width), part.dtype)
    for key, value in expected.items():
        if found[key] != value:
            raise UserError(
                f"{shard}: {key} is {found[key]}, expected {value}; delete it and rerun"
            )
