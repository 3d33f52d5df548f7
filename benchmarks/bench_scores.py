"""The monosemanticity of 2,048 units over 50,000 images in one pass, over its double sum."""

import resource
from collections.abc import Iterator

import numpy as np
from side_by_side import Row, compare, show

from codespectra.interpretability.all_pairs import pairs_fit, pairwise
from codespectra.interpretability.cosines import Cosines, HeldCosines, ReadCosines, squared_lengths
from codespectra.interpretability.monosemanticity import monosemanticity
from codespectra.statistics.subsamples import random_groups, subsamples

IMAGES, UNITS = 50_000, 2048
WIDTH, GROUPS = 512, 30  # numbers of an embedding, as CLIP's; groups of images that are resampled
CHECKED = 2000, 32  # images and units of which all double sums are compared
BLOCK = 1000  # images whose pairs with all others the double sum takes at a time
TIMED = 2  # of these blocks, of one unit
SMALL = {"IMAGES": 1000, "UNITS": 8, "CHECKED": (500, 4), "WIDTH": 32}


class Bench:
    """Rectified responses of any sparseness, and embeddings that some of them go with."""

    def __init__(self, images: int, units: int):
        rng = np.random.default_rng(0)
        rows = rng.standard_normal((images, WIDTH), dtype=np.float32)
        directions = rng.standard_normal((WIDTH, units), dtype=np.float32) / WIDTH**0.5
        shift = np.linspace(-1, 2, units, dtype=np.float32)
        noise = rng.standard_normal((images, units), dtype=np.float32)
        self.responses = np.maximum(rows @ directions + noise - shift, 0)
        self.tables = {"all": rows + 0.5}
        self.groups = random_groups(images, GROUPS, 0)
        lengths = squared_lengths(self.tables, "bench")
        self.unit_rows = self.tables["all"] / np.sqrt(lengths)[:, None]
        self.cosines: Cosines = ReadCosines(self.tables, lengths)
        if pairs_fit(self.tables):
            self.cosines = HeldCosines(pairwise(self.tables), lengths)

    def ours(self) -> np.ndarray:
        """Of all units, with 20 subsamples of the images."""
        held = np.vstack([np.ones((1, GROUPS), dtype=bool), subsamples(GROUPS, 20, 0)])
        return monosemanticity(self.responses, self.cosines, self.groups, held)[0]

    def double_sum(self, unit: int, blocks: int | None = None) -> float:
        """Of one unit, pair by pair; of so many blocks of rows alone, if told."""
        values = self.responses[:, unit].astype(np.float64)
        weights = (values - values.min()) / np.ptp(values)
        above = below = 0.0
        for start in range(0, len(weights), BLOCK)[:blocks]:
            chosen = slice(start, start + BLOCK)
            pairs = weights[chosen, None] * weights
            pairs[np.arange(len(pairs)), np.arange(start, start + len(pairs))] = 0
            above += np.vdot(pairs, self.unit_rows[chosen] @ self.unit_rows.T)
            below += pairs.sum()
        return above / below


def check() -> None:
    """All units of a small set, held and read."""
    bench = Bench(*CHECKED)
    expected = [bench.double_sum(unit) for unit in range(CHECKED[1])]
    held = bench.ours()
    bench.cosines = ReadCosines(bench.tables, squared_lengths(bench.tables, "bench"))
    error = np.abs(np.stack([held, bench.ours()]) - expected).max()
    assert error <= 1e-6
    print(f"{CHECKED[1]} units x {CHECKED[0]} images; largest difference {error:.1e}")


def rows() -> Iterator[Row]:
    check()
    bench = Bench(IMAGES, UNITS)
    blocks = -(-IMAGES // BLOCK)
    yield compare(
        f"monosemanticity of {UNITS:,} units x {IMAGES:,} images",
        "its double sum over pairs",
        lambda: bench.double_sum(0, TIMED),
        bench.ours,
        at_least=100,
        repeats=1,
        theirs_scale=UNITS * blocks / min(TIMED, blocks),
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory of the process: {peak:.1f} GiB")


if __name__ == "__main__":
    show(rows())
