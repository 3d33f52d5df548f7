"""All pairs of a set's embeddings, held: their similarity, and what cosines follow from."""

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from codespectra.interpretability.parts import ALL
from codespectra.interpretability.similarity import Parts, Similarity, all_squared_distances

# Images of a set whose pairs are held: 256 MiB; and numbers of rows that are: 2 GiB.
MOST_IMAGES, MOST_NUMBERS = 1 << 13, 1 << 29

Tables = Mapping[str, np.ndarray | h5py.Dataset]


class AllPairs(Similarity):
    """A metric whose similarity of all pairs of images (N, N) is held; its parts are summed."""

    self_similarity = 0.0

    def __init__(self, metric: str, pairs: np.ndarray):
        """Take the similarity of all pairs."""
        self.metric, self.pairs = metric, pairs

    def within(self, sets: np.ndarray) -> Parts:
        first, second = np.triu_indices(sets.shape[1], k=1)
        return {ALL: self.pairs[sets[:, first], sets[:, second]].mean(axis=1, dtype=np.float64)}

    def among(self, sets: np.ndarray) -> Parts:
        return {ALL: self.pairs[sets[:, :, None], sets[:, None]]}

    def between(self, images: np.ndarray, others: np.ndarray) -> Parts:
        return {ALL: self.pairs[images[:, None], others]}

    def matrix(self, images: np.ndarray) -> Parts:
        return {ALL: self.pairs[np.ix_(images, images)]}


def pairs_fit(tables: Tables) -> bool:
    """Whether all pairs of the images of these parts can be held, and one part at a time read."""
    count = len(next(iter(tables.values())))
    widest = max(table.shape[1] for table in tables.values())
    return count <= MOST_IMAGES and count * widest <= MOST_NUMBERS


def rows_fit(tables: Tables) -> bool:
    """Whether the rows of all parts can be held."""
    return sum(len(table) * table.shape[1] for table in tables.values()) <= MOST_NUMBERS


def pairwise(tables: Tables) -> np.ndarray:
    """|e_i - e_j|^2 (N, N) float32 of all pairs, summed over parts, of which one is read a time."""
    total: Any = sum(all_squared_distances(table[:]) for table in tables.values())
    return total
