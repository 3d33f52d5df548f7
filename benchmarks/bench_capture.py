"""Goals 5a to 5c: capturing every ReLU into HDF5 against bare forward passes of the same network.

Two bare passes: the plain one, as a user would write it, and ours, channels-last like the capture.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from side_by_side import compare

from codespectra.capture import images
from codespectra.data.preprocessing import Preprocess
from codespectra.models import architectures, hooks
from codespectra.models.layer_selection import select_layers

BATCH = 64
SETTINGS = {"side": 32, "mean": (0.4914, 0.4822, 0.4465), "std": (0.2471, 0.2435, 0.2616)}


@dataclass
class Bench:
    """One architecture with images in [0, 255], and every way to pass them through it."""

    name: str
    architecture: dict[str, str]
    images: np.ndarray
    folder: Path

    def __post_init__(self):
        torch.manual_seed(0)
        self.plain = architectures.build(self.architecture, 10).eval()
        self.network = architectures.build(self.architecture, 10).eval()
        self.network.load_state_dict(self.plain.state_dict())
        self.network.to(memory_format=torch.channels_last)
        self.preprocess = Preprocess(SETTINGS, torch.device("cpu"))
        available = architectures.describe_layers(self.architecture, 10, 32)
        self.relus = select_layers([{"type": "ReLU"}], available)

    def plain_pass(self) -> None:
        mean, std = (torch.tensor(SETTINGS[key]).view(3, 1, 1) for key in ("mean", "std"))
        with torch.inference_mode():
            for start in range(0, len(self.images), BATCH):
                batch = torch.from_numpy(self.images[start : start + BATCH]).permute(0, 3, 1, 2)
                self.plain((batch.contiguous().float() / 255 - mean) / std)

    def channels_last_pass(self) -> None:
        with torch.inference_mode():
            for start in range(0, len(self.images), BATCH):
                self.network(self.preprocess(self.images[start : start + BATCH]))

    def capture(self, layers: list[dict], reduction: str) -> Path:
        path = self.folder / "activations.h5"
        images.capture(
            path,
            self.network,
            self.preprocess,
            self.images,
            None,
            [hooks.Wanted(layer, reduction) for layer in layers],
            dtype="float32",
            batch=BATCH,
            attributes={},
        )
        return path

    def one_pass_a_layer(self) -> None:
        for layer in self.relus:
            self.capture([layer], "stride")


def report(bench: Bench, passes: int) -> None:
    """Print every row of one architecture; a pass a layer is repeated `passes` times."""
    for goal, reduction, at_most in (("5a", "spatial_mean", 1.15), ("5b", "stride", 1.25)):
        for kind, bare in (
            ("plain", bench.plain_pass),
            ("channels-last", bench.channels_last_pass),
        ):
            compare(
                goal,
                f"{bench.name}: every ReLU, {reduction}, over {kind} pass",
                bare,
                lambda reduction=reduction: bench.capture(bench.relus, reduction),
                at_most=at_most,
                repeats=5,
            )
    compare(
        "5c",
        f"{bench.name}: {len(bench.relus)} layers in one pass, over one each",
        bench.one_pass_a_layer,
        lambda: bench.capture(bench.relus, "stride"),
        at_least=0.7 * len(bench.relus),
        repeats=passes,
    )


def main() -> None:
    images = np.random.default_rng(0).integers(256, size=(1024, 32, 32, 3), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        resnet18 = {"name": "torchvision", "model": "resnet18"}
        report(Bench("ResNet-18", resnet18, images, Path(folder)), passes=3)
        resnet50 = {"name": "pytorch_cifar10", "model": "resnet50"}
        report(Bench("ResNet-50", resnet50, images[:128], Path(folder)), passes=1)


if __name__ == "__main__":
    main()
