"""Goals 1b, 1c and 1c': all pairs of 256 units over 50,000 images against sorts and lpips calls.

Activations: layer1 of an untrained bottleneck ResNet, batch norms calibrated, averaged over places.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import resource
import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
from random_lpips import both_sides, crops
from side_by_side import compare
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from codespectra.data.preprocessing import Preprocess
from codespectra.directions.directions import neurons
from codespectra.experiments import synergy
from codespectra.interpretability.index import Index
from codespectra.interpretability.similarity import Embedding
from codespectra.models import architectures

M, BATCH = 5, 256
WIDTH = 64  # 256 units in layer1
SAMPLE = 128  # pairs of units on which baselines are timed, and agreement is asserted


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
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1
    network.train()(preprocess(images[:: len(images) // 1000]))
    network.eval()
    batches = range(0, len(images), BATCH)
    found = [network(preprocess(images[start : start + BATCH])) for start in batches]
    return torch.cat([block.mean(dim=(2, 3)) for block in found]).numpy()


class Bench:
    """The same activations, random trunk and shipped heads on both sides."""

    def __init__(self):
        self.images = crops(per_class=5000, count=50_000)
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
        used = np.unique(pairs.sets)
        batches = [
            self.backbone.embed(self.images[used[start : start + BATCH]])
            for start in range(0, len(used), BATCH)
        ]
        tables = {part: np.concatenate([batch[part] for batch in batches]) for part in batches[0]}
        similarity = Embedding("lpips", tables, used)
        units, sums = synergy.score_pairs(pairs, [similarity], Index(M, "pairs"))["lpips"]
        return pairs, units, sums, synergy.synergies(pairs, units, sums)

    @torch.inference_mode()
    def lpips_of(self, images: np.ndarray, pairs_a_call: int) -> float:
        """The index of a set of images."""
        first, second = (images[places] for places in np.triu_indices(M, k=1))
        found = []
        for start in range(0, len(first), pairs_a_call):
            chosen = slice(start, start + pairs_a_call)
            one, other = (
                torch.from_numpy(self.images[rows[chosen]]).permute(0, 3, 1, 2).contiguous() / 255
                for rows in (first, second)
            )
            found.append(self.peer(one, other, normalize=True).flatten())
        return -float(torch.cat(found).mean(dtype=torch.float64))

    def check(self) -> None:
        """The same sets as a stable sort, the same index as lpips, of units and of sums."""
        pairs, units, sums, _ = self.synergies()
        images = pairs.images[self.places]
        np.testing.assert_array_equal(images, self.each(partial(self.by_argsort, kind="stable")))
        expected = [self.lpips_of(top, 10) for top in (*images, *pairs.unit_images)]
        error = np.abs(np.concatenate([sums[self.places], units]) - expected)
        assert (error <= np.maximum(1e-7, 1e-5 * np.abs(expected))).all()
        print(
            f"{len(sums)} pairs, {len(np.unique(pairs.sets))} distinct images, mean |r| "
            f"{np.abs(pairs.correlation).mean():.2f}; largest difference of II {error.max():.1e} "
            f"on a mean of {np.abs(sums).mean():.1e}"
        )


def main() -> None:
    bench = Bench()
    bench.check()
    what = "top 5 of 32,640 sums of 50,000, over"
    row = partial(compare, ours=bench.top, baseline_scale=bench.scale)
    row("1b", f"{what} argsort a pair", lambda: bench.each(bench.by_argsort), at_least=20)
    row("1b", f"{what} argpartition a pair", lambda: bench.each(bench.by_argpartition), at_least=2)
    what = "32,640 synergies, over"
    row = partial(compare, ours=bench.synergies, baseline_scale=bench.scale)
    row(
        "1c",
        f"{what} argsort + lpips an image pair",
        lambda: [bench.lpips_of(top, 1) for top in bench.each(bench.by_argsort)],
        at_least=250,
    )
    row(
        "1c'",
        f"{what} argpartition + lpips a unit pair",
        lambda: [bench.lpips_of(top, 10) for top in bench.each(bench.by_argpartition)],
        at_least=80,
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory of the process, its 50,000 images included: {peak:.1f} GiB")


if __name__ == "__main__":
    main()
