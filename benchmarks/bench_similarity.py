"""Goals 1a and 1a': the LPIPS index of 256 directions from embeddings against lpips calls."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
from pathlib import Path

import numpy as np
import torch
from random_lpips import both_sides, crops
from side_by_side import compare

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from codespectra.interpretability import similarity

# As many distinct images as the five strongest of 256 neurons were found to have, of 50,000.
DIRECTIONS, M, IMAGES = 256, 5, 717
BATCH = 256  # config.yaml's
PAIRS_A_CALL, SHARE = 64, 20  # one pair a call is timed on one pair in SHARE


class Bench:
    """The same random trunk and shipped heads on both sides."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.images = crops(per_class=72, count=IMAGES)
        self.sets = np.stack([rng.choice(IMAGES, M, replace=False) for _ in range(DIRECTIONS)])
        self.peer, self.backbone = both_sides()
        first, second = np.triu_indices(M, k=1)
        self.pairs = np.stack([self.sets[:, first].ravel(), self.sets[:, second].ravel()])

    def ours(self) -> np.ndarray:
        starts = range(0, IMAGES, BATCH)
        batches = [self.backbone.embed(self.images[start : start + BATCH]) for start in starts]
        tables = {part: np.concatenate([one[part] for one in batches]) for part in batches[0]}
        return similarity.Embedding("lpips", tables, np.arange(IMAGES)).within(self.sets)["all"]

    @torch.inference_mode()
    def lpips_of(self, pairs: np.ndarray, pairs_a_call: int) -> np.ndarray:
        found = []
        for start in range(0, pairs.shape[1], pairs_a_call):
            first, second = (
                torch.from_numpy(self.images[rows]).permute(0, 3, 1, 2).contiguous() / 255
                for rows in pairs[:, start : start + pairs_a_call]
            )
            found.append(self.peer(first, second, normalize=True).flatten())
        return torch.cat(found).numpy()

    def theirs(self) -> np.ndarray:
        distances = self.lpips_of(self.pairs, PAIRS_A_CALL)
        return -distances.reshape(len(self.sets), -1).mean(axis=1)


def main() -> None:
    bench = Bench()
    ours, theirs = bench.ours(), bench.theirs()
    error = np.abs(ours - theirs)
    assert (error <= np.maximum(1e-7, 1e-5 * np.abs(theirs))).all()
    print(
        f"{bench.pairs.shape[1]} pairs of {IMAGES} images; largest difference {error.max():.1e} "
        f"on a mean of {np.abs(theirs).mean():.1e}"
    )
    compare(
        "1a",
        f"II of {DIRECTIONS} directions, top {M}, over an lpips call a pair",
        lambda: bench.lpips_of(bench.pairs[:, ::SHARE], 1),
        bench.ours,
        at_least=40,
        baseline_scale=SHARE,
    )
    compare(
        "1a'",
        f"II of {DIRECTIONS} directions, top {M}, over lpips calls of {PAIRS_A_CALL}",
        bench.theirs,
        bench.ours,
        at_least=8,
    )


if __name__ == "__main__":
    main()
