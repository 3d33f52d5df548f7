"""What a job that captures images does: all of them, one shard, or shards gathered."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from codespectra.capture import images
from codespectra.capture.activation_file import listed_dataset
from codespectra.capture.appended import keep_rows, take_rows
from codespectra.capture.layout import Layout, Written
from codespectra.capture.shard import WHOLE, Shard
from codespectra.data.stimulus_file import open_stimuli
from codespectra.errors import UserError
from codespectra.files.json_files import content_digest
from codespectra.files.manifests import read_manifest
from codespectra.models.hooks import Wanted
from codespectra.models.layer_inputs import named_layers
from codespectra.models.open_network import Subject, open_subject

# The attribute that tells of the images.
IMAGES = "stimuli_sha256"


@dataclass(frozen=True)
class ImageCapture:
    """Which network sees which images, and what is kept of it.

    Attributes:
        cfg: model, stimuli, noisy, dtype, precision, compile, wanted.
        subject: the network.
        shown: the stimuli's manifest.
        wanted: datasets of the file.
        attributes: of the file.
    """

    cfg: dict[str, Any]
    subject: Subject
    shown: dict[str, Any]
    wanted: list[Wanted]
    attributes: dict[str, Any]

    @property
    def identity(self) -> str:
        """Digest of all that the capture follows from."""
        return content_digest([self.attributes, dict(self.cfg)])

    @property
    def follows_from(self) -> str:
        """The same without the images."""
        attributes = {key: self.attributes[key] for key in self.attributes if key != IMAGES}
        return content_digest([attributes, dict(self.cfg)])

    @property
    def count(self) -> int:
        """Rows of all shards: noisy captures show every image twice."""
        return self.shown["count"] * (2 if self.cfg["noisy"] else 1)

    @property
    def layout(self) -> Layout:
        """The whole file."""
        return images.image_layout(
            self.wanted,
            self.count,
            dtype=self.cfg["dtype"],
            attributes=self.attributes,
            noisy=self.cfg["noisy"],
        )

    @property
    def predicts(self) -> bool:
        """Whether the network's own output names the labels' classes."""
        return self.shown["labelled"] and len(self.shown["classes"]) == self.subject.outputs

    def run(
        self,
        path: str | Path,
        stimuli: str | Path,
        *,
        batch: int,
        shard: Shard = WHOLE,
        accept: Callable[[int | None], None] = lambda correct: None,
    ) -> Written:
        """Capture the images of the file `stimuli` as `images.capture` says.

        Those that an earlier capture has seen aren't shown again (`appended`). With dropout on they
        are: the noise is another at another place.
        """
        if shard == WHOLE and not self.cfg["noisy"]:
            take_rows(path, self.layout, self.shown, self.follows_from)
        with open_stimuli(stimuli) as file:
            return images.capture(
                path,
                self.subject.network,
                self.subject.preprocess,
                images.Twice(file["images"]) if self.cfg["noisy"] else file["images"],
                file["labels"][:] if self.predicts else None,
                self.wanted,
                dtype=self.cfg["dtype"],
                batch=batch,
                attributes=self.attributes,
                accept=accept,
                noisy=self.cfg["noisy"],
                precision=self.cfg["precision"],
                compile=self.cfg["compile"],
                shard=shard,
            )

    def keep(self, path: str | Path, written: Written) -> None:
        """Let a capture of the set, once it has grown, take the rows of this one."""
        if not self.cfg["noisy"]:
            keep_rows(path, written, self.shown, self.follows_from)

    def accuracy(self, correct: int | None) -> float | None:
        """Share of right predictions, None where nothing is predicted.

        Raises:
            UserError: `cfg` expects another, by more than a point.
        """
        accuracy = None if correct is None else correct / self.count
        expected = self.cfg["expected_accuracy"]
        if expected is None or (accuracy is not None and abs(accuracy - expected) <= 0.01):
            return accuracy
        found = "no accuracy (labels and classes don't match)" if accuracy is None else accuracy
        raise UserError(
            f"models.{self.cfg['model']}.expected_accuracy: {found} on {self.cfg['stimuli']}, "
            f"expected {expected}; check the checkpoint, its preprocessing and the labels' order"
        )

    def manifest(self, data: str | Path, written: Written) -> dict[str, Any]:
        """What later stages need to know of the file `data`, and depend on."""
        return {
            "file": Path(data).name,
            "sha256": written.sha256,
            "identity": self.identity,
            "model": self.cfg["model"],
            "stimuli": self.cfg["stimuli"],
            "count": self.count,
            "noisy": self.cfg["noisy"],
            "dtype": self.cfg["dtype"],
            "precision": self.cfg["precision"],
            "compile": self.cfg["compile"],
            "differences": written.differences,
            "accuracy": self.accuracy(written.correct),
            "weights": self.subject.description["weights"],
            "checkpoint_sha256": self.subject.description["sha256"],
            "stimuli_sha256": self.shown["sha256"],
            "datasets": [listed_dataset(item, written) for item in self.wanted],
        }


def open_capture(
    cfg: dict[str, Any], code: str, checkpoint_manifest: str, stimuli_manifest: str, device: str
) -> ImageCapture:
    """Load what a capture needs; `code` is the digest of the script that captures.

    Raises:
        UserError: a file can't be read, or there is no such device.
    """
    subject = open_subject(checkpoint_manifest, stimuli_manifest, device)
    shown = read_manifest(stimuli_manifest)
    layers = named_layers((w["layer"] for w in cfg["wanted"]), subject.layers)
    available = {layer["name"]: layer for layer in layers}
    attributes = {
        "model": cfg["model"],
        "checkpoint_sha256": subject.description["sha256"],
        "stimuli": cfg["stimuli"],
        IMAGES: shown["sha256"],
        "preprocessing": str(subject.description["preprocessing"]),
        "precision": cfg["precision"],
        "compile": cfg["compile"],
        "code": code,
        "torch": torch.__version__,
        "torchvision": version("torchvision"),
        "h5py": h5py.__version__,
        "numpy": np.__version__,
    }
    wanted = [Wanted(available[w["layer"]], w["reduction"]) for w in cfg["wanted"]]
    return ImageCapture(cfg, subject, shown, wanted, attributes)
