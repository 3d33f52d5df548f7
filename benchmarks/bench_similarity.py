"""The LPIPS index of 256 directions from embeddings against lpips calls."""

from collections.abc import Iterator

import numpy as np
from random_lpips import both_sides, crops, embed, lpips_of
from side_by_side import Row, compare, show

# As many distinct images as the five strongest of 256 neurons were found to have, of 50,000.
DIRECTIONS, M, IMAGES = 256, 5, 717
PAIRS_A_CALL, SHARE = 64, 20  # one pair a call is timed on one pair in SHARE
SMALL = {"DIRECTIONS": 3, "IMAGES": 12}


class Bench:
    """The same random trunk and shipped heads on both sides."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.images = crops(per_class=-(-IMAGES // 9), count=IMAGES)
        self.sets = np.stack([rng.choice(IMAGES, M, replace=False) for _ in range(DIRECTIONS)])
        self.peer, self.backbone = both_sides()
        first, second = np.triu_indices(M, k=1)
        self.pairs = np.stack([self.sets[:, first].ravel(), self.sets[:, second].ravel()])

    def ours(self) -> np.ndarray:
        return embed(self.backbone, self.images, np.arange(IMAGES)).within(self.sets)["all"]

    def theirs(self) -> np.ndarray:
        distances = lpips_of(self.peer, self.images, self.pairs, PAIRS_A_CALL)
        return -distances.reshape(len(self.sets), -1).mean(axis=1)


def rows() -> Iterator[Row]:
    bench = Bench()
    ours, theirs = bench.ours(), bench.theirs()
    error = np.abs(ours - theirs)
    assert (error <= np.maximum(1e-7, 1e-5 * np.abs(theirs))).all()
    print(
        f"{bench.pairs.shape[1]} pairs of {IMAGES} images; largest difference {error.max():.1e} "
        f"on a mean of {np.abs(theirs).mean():.1e}"
    )
    yield compare(
        f"II of {DIRECTIONS} directions, top {M}",
        "an lpips call a pair",
        lambda: lpips_of(bench.peer, bench.images, bench.pairs[:, ::SHARE], 1),
        bench.ours,
        at_least=40,
        theirs_scale=SHARE,
    )
    yield compare(
        f"II of {DIRECTIONS} directions, top {M}",
        f"lpips calls of {PAIRS_A_CALL} pairs",
        bench.theirs,
        bench.ours,
        at_least=8,
    )


if __name__ == "__main__":
    show(rows())
