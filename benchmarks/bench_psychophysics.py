"""Psychophysics of 256 directions from embeddings against lpips calls."""

from collections.abc import Iterator

import numpy as np
import torch
from random_lpips import both_sides, crops, embed
from side_by_side import Row, compare, show

from codespectra.experiments.psychophysics import Trials, answer
from codespectra.experiments.trial_design import Design

# As many distinct images as the trials of 256 neurons were found to show, of 50,000.
DIRECTIONS, IMAGES = 256, 9339
DESIGN = Design(
    difficulties=(0.0,),
    trials=20,
    references=9,
    restrict="both",
    sides="positive",
    pool="min",
    seed=0,
)
PAIRS_SHARE, QUERIES_SHARE = 160, 80  # the peers are timed on one trial in so many
SMALL = {"DIRECTIONS": 2, "IMAGES": 60, "PAIRS_SHARE": 20, "QUERIES_SHARE": 20}


class Bench:
    """The same random trunk and shipped heads on both sides, and the same random trials."""

    def __init__(self):
        self.images = crops(per_class=-(-IMAGES // 9), count=IMAGES)
        self.trials = self._trials()
        self.peer, self.backbone = both_sides()
        self.pixels = torch.from_numpy(self.images).permute(0, 3, 1, 2).contiguous() / 255

    def _trials(self) -> Trials:
        """Every image is shown at least once."""
        shown = DESIGN.references + 2 * DESIGN.trials
        rng = np.random.default_rng(0)
        again = rng.choice(IMAGES, DIRECTIONS * shown - IMAGES)
        shown = rng.permutation(np.r_[np.arange(IMAGES), again]).reshape(DIRECTIONS, shown)
        references, queries = shown[:, None, :9], shown[:, 9:].reshape(DIRECTIONS, 2, -1)
        return Trials(references, queries, np.ones((DIRECTIONS, DESIGN.trials), dtype=bool))

    def ours(self) -> np.ndarray:
        shown = embed(self.backbone, self.images, np.arange(IMAGES))
        return answer(shown, self.trials, DESIGN)

    @torch.inference_mode()
    def lpips_answers(self, share: int, references_a_call: int) -> np.ndarray:
        """Whether the strong query is nearer, of one trial in `share`."""
        right = []
        for trial in range(0, DIRECTIONS * DESIGN.trials, share):
            direction, place = divmod(trial, DESIGN.trials)
            groups = np.split(
                self.trials.references[direction, 0], DESIGN.references // references_a_call
            )
            nearest = [
                min(self._least(query, group) for group in groups)
                for query in self.trials.queries[direction, :, place]
            ]
            right.append(nearest[0] < nearest[1])
        return np.array(right)

    def _least(self, query: int, references: np.ndarray) -> float:
        first = self.pixels[[query]].expand(len(references), -1, -1, -1)
        return self.peer(first, self.pixels[references], normalize=True).min().item()


def rows() -> Iterator[Row]:
    bench = Bench()
    ours, theirs = bench.ours().ravel(), bench.lpips_answers(QUERIES_SHARE, DESIGN.references)
    np.testing.assert_array_equal(ours[::QUERIES_SHARE], theirs)
    print(f"{len(theirs)} of {ours.size} answers compared, {IMAGES} images; all equal")
    for each, share, a_call, at_least in (
        ("pair", PAIRS_SHARE, 1, 60),
        ("query", QUERIES_SHARE, DESIGN.references, 20),
    ):
        yield compare(
            f"psychophysics, {DIRECTIONS} x {DESIGN.trials} trials",
            f"an lpips call a {each}",
            lambda share=share, a_call=a_call: bench.lpips_answers(share, a_call),
            bench.ours,
            at_least=at_least,
            theirs_scale=share,
            repeats=1,
        )


if __name__ == "__main__":
    show(rows())
