"""The activations of one network's layers, as long as its job needs them."""

from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from codespectra.capture.images import capture
from codespectra.data.stimulus_file import open_stimuli
from codespectra.files.json_files import content_digest
from codespectra.models.hooks import Wanted
from codespectra.models.reductions import refusal
from codespectra.zoo.depths import unit_reduction
from codespectra.zoo.network import ZooSubject

PACKAGES = ("torch", "torchvision", "timm", "h5py", "numpy")


def reduction_for(measure: str, layer: dict[str, Any], cfg: dict[str, Any]) -> str:
    """How a measure reads a layer: of the exponent as its options say, else units' means."""
    return cfg[measure]["reduction"] if measure == "exponent" else unit_reduction(layer)


def capture_layers(
    path: Path,
    subject: ZooSubject,
    layers: Iterable[dict[str, Any]],
    cfg: dict[str, Any],
    stimuli: str | Path,
    *,
    follows: list[str],
    batch: int,
) -> None:
    """Write each layer's activations under the reductions of all measures of `cfg`.

    A job that was killed goes on from what it left, if that follows from the same.

    Raises:
        UserError: an activation isn't finite, or the disk is too small.
    """
    wanted = {}
    for layer in layers:
        for measure in ("exponent", "ii", "mis"):
            if measure in cfg and not refusal(layer, reduction_for(measure, layer, cfg)):
                item = Wanted(layer, reduction_for(measure, layer, cfg))
                wanted[item.key] = item
    attributes = {"follows_from": content_digest(follows)}
    with open_stimuli(stimuli) as file:
        capture(
            *(path, subject.network, subject.preprocess, file["images"], None, [*wanted.values()]),
            dtype="float32",
            batch=batch,
            attributes=attributes | {name: version(name) for name in PACKAGES},
        )
