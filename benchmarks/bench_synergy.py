"""All pairs of 256 units over 50,000 images against sorts and lpips calls.

Activations: layer1 of an untrained bottleneck ResNet, batch norms calibrated, averaged over places.
"""

import resource
from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from random_lpips import BATCH, both_sides, crops, embed, lpips_of
from side_by_side import Row, compare, show
from torch import nn

from codespectra.data.preprocessing import Preprocess
from codespectra.directions.directions import neurons
from codespectra.experiments import synergy
from codespectra.interpretability.index import Index
from codespectra.models import architectures
from codespectra.training.batchnorm import recalibrate

M = 5
IMAGES = 50_000
WIDTH = 64  # 256 units in layer1
SAMPLE = 128  # pairs of units on which peers are timed, and agreement is asserted
SMALL = {"IMAGES": 300, "WIDTH": 2, "SAMPLE": 6}


@torch.inference_mode()
def activations(images: np.ndarray) -> np.ndarray:
    """Of layer1, nonnegative and correlated, (N, 256)."""
    torch.manual_seed(0)
    architecture = {"name": "bottleneck_resnet", "width": WIDTH, "blocks": [1], "stem_stride": 4}
    whole = architectures.build(architecture, 10)
    network = nn.Sequential(whole.conv1, whole.bn1, whole.relu, whole.layer1)
    network.to(memory_format=torch.channels_last)
    settings = {"side": None, "mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25)}
    preprocess = Preprocess(settings, torch.device("cpu"))
    recalibrate(network, preprocess, torch.from_numpy(images[:: max(1, len(images) // 1000)]))
    batches = range(0, len(images), BATCH)
    found = [network(preprocess(images[start : start + BATCH])) for start in batches]
    return torch.cat([block.mean(dim=(2, 3)) for block in found]).numpy()


class Bench:
    """The same activations, random trunk and shipped heads on both sides."""

    def __init__(self):
        self.images = crops(per_class=IMAGES // 9, count=IMAGES)
        self.units = neurons(activations(self.images))
        self.rows = synergy.z_scores(self.units.responses)
        pairs = np.stack(np.triu_indices(len(self.rows), k=1), axis=1)
        self.scale = len(pairs) / SAMPLE
        self.places = np.linspace(0, len(pairs) - 1, SAMPLE).astype(int)
        self.sample = pairs[self.places]
        self.peer, self.backbone = both_sides()

    def top(self) -> np.ndarray:
        return synergy.strongest_of_sums(self.rows, M)

    def by_argsort(self, pair: np.ndarray, kind: str | None = None) -> np.ndarray:
        a, b = pair
        return np.argsort(-(self.rows[a] + self.rows[b]), kind=kind)[:M]

    def by_argpartition(self, pair: np.ndarray) -> np.ndarray:
        a, b = pair
        return np.argpartition(self.rows[a] + self.rows[b], -M)[-M:]

    def each(self, work) -> list[np.ndarray]:
        return [work(pair) for pair in self.sample]

    def synergies(self) -> tuple[synergy.Pairs, np.ndarray, np.ndarray, np.ndarray]:
        """From activations and pixels to all pairs: images, index of units and sums, synergy."""
        pairs = synergy.pairs_of_units(self.units, M)
        similarity = embed(self.backbone, self.images, np.unique(pairs.sets))
        units, sums = synergy.score_pairs(pairs, [similarity], Index(M, "pairs"))["lpips"]
        return pairs, units, sums, synergy.synergies(pairs, units, sums)

    def index_by_lpips(self, images: np.ndarray, pairs_a_call: int) -> float:
        """Of a set of images."""
        pairs = images[np.stack(np.triu_indices(M, k=1))]
        return -lpips_of(self.peer, self.images, pairs, pairs_a_call).mean(dtype=np.float64)

    def check(self) -> None:
        """The same sets as a stable sort, the same index as lpips, of units and of sums."""
        pairs, units, sums, _ = self.synergies()
        images = pairs.images[self.places]
        np.testing.assert_array_equal(images, self.each(partial(self.by_argsort, kind="stable")))
        expected = [self.index_by_lpips(top, 10) for top in (*images, *pairs.unit_images)]
        error = np.abs(np.concatenate([sums[self.places], units]) - expected)
        assert (error <= np.maximum(1e-7, 1e-5 * np.abs(expected))).all()
        print(
            f"{len(sums)} pairs, {len(np.unique(pairs.sets))} distinct images, mean |r| "
            f"{np.abs(pairs.correlation).mean():.2f}; largest difference of II {error.max():.1e} "
            f"on a mean of {np.abs(sums).mean():.1e}"
        )


def rows() -> Iterator[Row]:
    bench = Bench()
    bench.check()
    pairs = f"{round(bench.scale * SAMPLE):,}"
    row = partial(compare, ours=bench.top, theirs_scale=bench.scale)
    what = f"top {M} of {pairs} sums of {IMAGES:,}"
    yield row(what, "argsort a pair", lambda: bench.each(bench.by_argsort), at_least=20)
    yield row(what, "argpartition a pair", lambda: bench.each(bench.by_argpartition), at_least=2)
    row = partial(compare, ours=bench.synergies, theirs_scale=bench.scale, repeats=1)
    yield row(
        f"{pairs} synergies",
        "argsort, and an lpips call an image pair",
        lambda: [bench.index_by_lpips(top, 1) for top in bench.each(bench.by_argsort)],
        at_least=250,
    )
    yield row(
        f"{pairs} synergies",
        "argpartition, and an lpips call a unit pair",
        lambda: [bench.index_by_lpips(top, 10) for top in bench.each(bench.by_argpartition)],
        at_least=80,
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory of the process, its 50,000 images included: {peak:.1f} GiB")


if __name__ == "__main__":
    show(rows())
