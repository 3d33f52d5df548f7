"""The captured activations of a run as one, whichever files hold them (study/pieces)."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import h5py

from codespectra.capture.manifest_layers import part_item
from codespectra.errors import UserError
from codespectra.files.hdf5_files import open_hdf5
from codespectra.files.json_files import content_digest
from codespectra.files.manifests import read_manifest

# What the manifest of a file tells of that file alone.
OWN = {"file", "sha256", "identity", "holds", "datasets", "accuracy", "differences"}


class Captured:
    """Open activations files: a name is looked up in each in turn."""

    def __init__(self, files: Sequence[h5py.File]):
        """Look at files, which stay open."""
        self._files = files

    def __getitem__(self, name: str) -> h5py.Dataset | h5py.Group:
        holder = next((file for file in self._files if name in file), self._files[0])
        return holder[name]


@contextmanager
def open_captured(paths: Sequence[str | Path]) -> Iterator[Captured]:
    """Yield the activations files of a run, opened as `open_hdf5` does.

    Raises:
        UserError: one is missing, damaged, or of another schema version.
    """
    with ExitStack() as stack:
        yield Captured([stack.enter_context(open_hdf5(path)) for path in paths])


def read_layers(paths: Sequence[str | Path], cfg: dict[str, Any]) -> dict[str, Any]:
    """The manifests of a run's activations files as one, with the datasets of an analysis alone.

    Args:
        paths: of the manifests.
        cfg: of the analysis: layers and reduction.

    Raises:
        UserError: a manifest is damaged, or they are of different captures.
    """
    told = [read_manifest(path) for path in paths]
    known = {(item["layer"], item["reduction"]): item for one in told for item in one["datasets"]}
    chosen = [known[layer, cfg["reduction"]] for layer in cfg["layers"]]
    return _as_one(paths, told, chosen)


def read_parts(paths: Sequence[str | Path], parts: dict[str, list[Any]]) -> dict[str, Any]:
    """The same of a language model, with the datasets of these of its parts.

    Args:
        paths: of the manifests.
        parts: selectors of each.
    """
    told = [read_manifest(path) for path in paths]
    chosen = []
    for item in itertools.starmap(part_item, parts.items()):
        holder = next(one for one in told if list(item) in one["holds"])
        chosen += [dataset for dataset in holder["datasets"] if dataset["part"] == item[0]]
    return _as_one(paths, told, chosen)


def _as_one(
    paths: Sequence[str | Path], told: list[dict[str, Any]], datasets: list[dict[str, Any]]
) -> dict[str, Any]:
    """What all manifests tell, `datasets`, and a digest of these, whichever files hold them."""
    common = [{key: one[key] for key in one if key not in OWN} for one in told]
    for path, other in zip(paths, common, strict=True):
        if differing := [key for key in common[0] if other.get(key) != common[0][key]]:
            raise UserError(
                f"{path}: its {differing[0]} is another than in {paths[0]}; delete both, which "
                "the workflow makes again"
            )
    digest = content_digest([[item["key"], item["sha256"]] for item in datasets])
    return common[0] | {"sha256": digest, "datasets": datasets}
