"""Capturing every ReLU into HDF5, against bare passes of the same network and thingsvision.

Two bare passes: the plain one, as a user would write it, and ours, channels-last like the capture.
thingsvision 2.7 keeps each module's last call, whole, in memory or in NPY files; ours all calls.
Time is compared by the value stored, memory with the same layers stored whole.
"""

import contextlib
import io
import math
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import peers
import torch
from side_by_side import Row, compare, judged, show

from codespectra.capture import images
from codespectra.data.preprocessing import Preprocess
from codespectra.models import architectures, hooks
from codespectra.models.layer_selection import select_layers

BATCH = 64
IMAGES, DEEP_IMAGES = 1024, 128  # that a ResNet-18 and a ResNet-50 get
NETWORK = {"name": "torchvision", "model": "resnet18"}
DEEP = {"name": "pytorch_cifar10", "model": "resnet50"}
TINY = {"name": "bottleneck_resnet", "width": 4, "blocks": [1, 1, 1, 1], "stem_stride": 1}
SMALL = {"IMAGES": 4, "DEEP_IMAGES": 2, "NETWORK": TINY, "DEEP": TINY}
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


def rows_of(bench: Bench, passes: int) -> Iterator[Row]:
    """Every row of one architecture; a pass a layer is repeated `passes` times."""
    for reduction, at_most in (("spatial_mean", 1.15), ("stride", 1.25)):
        for bare, work in (
            ("the plain pass", bench.plain_pass),
            ("a channels-last pass", bench.channels_last_pass),
        ):
            yield compare(
                f"capture of every ReLU, {reduction}, {bench.name}",
                bare,
                work,
                lambda reduction=reduction: bench.capture(bench.relus, reduction),
                at_most=at_most,
                repeats=3,
            )
    yield compare(
        f"capture of {len(bench.relus)} layers in one pass, {bench.name}",
        "a pass a layer",
        bench.one_pass_a_layer,
        lambda: bench.capture(bench.relus, "stride"),
        at_least=0.7 * len(bench.relus),
        repeats=passes,
    )


def against_thingsvision(bench: Bench, before: int) -> Iterator[Row]:
    """CPU seconds by the value stored, and the most memory held beyond `before`."""
    last = {layer["module"]: layer for layer in bench.relus}  # its last call
    said = {
        "measured": f"capture of whole ReLU layers into files, a value, {bench.name}",
        "peer": "thingsvision",
    }
    held = {"measured": "its memory", "peer": "thingsvision", "at_most": 0.1}
    extractor = peers.thingsvision_extractor(bench.plain)
    if extractor is None:
        yield judged(**said, ratio=None, at_least=1.5)
        yield judged(**held, ratio=None)
        return
    images = torch.from_numpy(bench.images).permute(0, 3, 1, 2).contiguous()
    mean, std = (torch.tensor(SETTINGS[key]).view(3, 1, 1) for key in ("mean", "std"))
    batches = [(batch / 255 - mean) / std for batch in images.split(BATCH)]

    def theirs() -> None:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            extractor.extract_features(
                batches,
                module_names=list(last),
                flatten_acts=True,
                output_type="ndarray",
                output_dir=str(bench.folder / "thingsvision"),
            )

    def ours() -> Path:
        return bench.capture(bench.relus, "none")

    def values(layers: Iterable[dict]) -> int:
        return sum(math.prod(layer["shape"]) for layer in layers)

    share = values(last.values()) / values(bench.relus)
    yield compare(**said, theirs=theirs, ours=ours, at_least=1.5, ours_scale=share)
    peaks = [
        peak(work) - before for work in (lambda: bench.capture(list(last.values()), "none"), theirs)
    ]
    yield judged(**held, ratio=peaks[0] / peaks[1])


def peak(work: Callable[[], object]) -> int:
    """Kilobytes that this process holds at most during a call."""
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak
    work()
    return memory("VmHWM")


def memory(name: str) -> int:
    """A line of what Linux says of this process."""
    text = Path("/proc/self/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+)", text)[1])


def rows() -> Iterator[Row]:
    images = np.random.default_rng(0).integers(256, size=(IMAGES, 32, 32, 3), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench("ResNet-18", NETWORK, images, Path(folder))
        before = memory("VmRSS")
        yield from rows_of(bench, passes=1)
        yield from against_thingsvision(bench, before)
        yield from rows_of(Bench("ResNet-50", DEEP, images[:DEEP_IMAGES], Path(folder)), passes=1)


if __name__ == "__main__":
    show(rows())
