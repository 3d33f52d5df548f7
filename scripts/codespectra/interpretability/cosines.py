"""Cosines of the embeddings of a stimulus set, the parts of a backbone taken as one vector.

What scores need of them, by either of two ways: of a small set all pairs are held; the rows of a
large one are read a block at a time, so that no array grows with the square of the images.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from codespectra.errors import UserError
from codespectra.interpretability.all_pairs import Tables
from codespectra.interpretability.embedding_table import read_rows

# Numbers of rows that are read at a time, and of sums over rows that are held: 256 MiB.
BLOCK_NUMBERS = 1 << 26


class Cosines(ABC):
    """Cosines between the embeddings of N images, which are given by their indices."""

    @abstractmethod
    def among(self, sets: np.ndarray) -> np.ndarray:
        """Of all pairs of images in each set (S, M): (S, M, M)."""

    @abstractmethod
    def of_means(self, sets: np.ndarray) -> np.ndarray:
        """Of the mean unit embeddings of the sets (S, M) with each other: (S, S)."""

    @abstractmethod
    def group_products(self, weights: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """Products of weighted sums of unit embeddings over groups of images with each other.

        Args:
            weights: of each image for each direction, (N, K).
            groups: of each image, (N,): 0 to G - 1.

        Returns:
            (G, G, K) float64.
        """


class HeldCosines(Cosines):
    """Of a set whose pairs are all held."""

    def __init__(self, squared_distances: np.ndarray, squared_lengths: np.ndarray):
        """Take |e_i - e_j|^2 (N, N) and |e_i|^2 (N,), none of which is zero."""
        lengths = np.sqrt(squared_lengths)
        products = (squared_lengths[:, None] + squared_lengths - squared_distances) / 2
        self.pairs = (products / lengths[:, None] / lengths).astype(np.float32)
        np.fill_diagonal(self.pairs, 1)

    def among(self, sets: np.ndarray) -> np.ndarray:
        return self.pairs[sets[:, :, None], sets[:, None]]

    def of_means(self, sets: np.ndarray) -> np.ndarray:
        sums = sum(self.pairs[images] for images in sets.T)  # of each set with each image
        return _cosines_of(sum(sums[:, images] for images in sets.T))

    def group_products(self, weights: np.ndarray, groups: np.ndarray) -> np.ndarray:
        rows = [np.flatnonzero(groups == group) for group in range(groups.max() + 1)]
        found = np.empty((len(rows), len(rows), weights.shape[1]))
        for second, own in enumerate(rows):
            each = weights * (self.pairs[:, own] @ weights[own])
            for first, others in enumerate(rows):
                found[first, second] = each[others].sum(axis=0, dtype=np.float64)
        return found


class ReadCosines(Cosines):
    """Of a set whose rows are read again for every question, one part after the other.

    Memory: two blocks of 256 MiB; for cosines of means the rows of their images in one part, and
    S^2 numbers.
    """

    def __init__(self, tables: Tables, squared_lengths: np.ndarray):
        """Take the rows (N, d) of each part, and |e_i|^2 (N,) over all, none of which is zero."""
        self.tables = tables
        self.scale = (1 / np.sqrt(squared_lengths)).astype(np.float32)

    def among(self, sets: np.ndarray) -> np.ndarray:
        found = np.zeros((*sets.shape, sets.shape[1]), dtype=np.float32)
        for table in self.tables.values():
            block = max(1, BLOCK_NUMBERS // (sets.shape[1] * table.shape[1]))
            for start in range(0, len(sets), block):
                rows = self._rows(table, sets[start : start + block])
                found[start : start + block] += rows @ rows.swapaxes(1, 2)
        return found

    def of_means(self, sets: np.ndarray) -> np.ndarray:
        products = np.zeros((len(sets), len(sets)), dtype=np.float32)
        for table in self.tables.values():
            needed, places = np.unique(sets, return_inverse=True)
            rows = self._rows(table, needed)
            sums = sum(rows[own] for own in places.reshape(sets.shape).T)
            products += sums @ sums.T
        return _cosines_of(products)

    def group_products(self, weights: np.ndarray, groups: np.ndarray) -> np.ndarray:
        count = groups.max() + 1
        found = np.zeros((count, count, weights.shape[1]))
        for table in self.tables.values():
            block = max(1, BLOCK_NUMBERS // (count * table.shape[1]))
            for start in range(0, weights.shape[1], block):
                chosen = slice(start, start + block)
                sums = self._group_sums(table, weights[:, chosen], groups).swapaxes(0, 1)
                found[:, :, chosen] += np.moveaxis(sums @ sums.swapaxes(1, 2), 0, 2)
        return found

    def _group_sums(self, table: Any, weights: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """Weighted sums (G, K, d) of the unit rows of a part over each group."""
        sums = np.zeros((groups.max() + 1, weights.shape[1], table.shape[1]), dtype=np.float32)
        step = max(1, BLOCK_NUMBERS // table.shape[1])
        for start in range(0, len(weights), step):
            chosen = slice(start, start + step)
            rows, own = table[chosen] * self.scale[chosen, None], groups[chosen]
            for group in np.unique(own):
                sums[group] += weights[chosen][own == group].T @ rows[own == group]
        return sums

    def _rows(self, table: object, images: np.ndarray) -> np.ndarray:
        """Unit rows of images of any shape, each read once."""
        needed, places = np.unique(images, return_inverse=True)
        rows = table[needed] if isinstance(table, np.ndarray) else read_rows(table, needed)
        return (rows * self.scale[needed, None])[places.reshape(images.shape)]


def squared_lengths(tables: Tables, metric: str) -> np.ndarray:
    """|e_i|^2 (N,) float64 of the embeddings of each image, over all parts.

    Raises:
        UserError: one is zero, so that it has no cosine.
    """
    found = np.zeros(len(next(iter(tables.values()))))
    for table in tables.values():
        step = max(1, BLOCK_NUMBERS // table.shape[1])
        for start in range(0, len(found), step):
            rows = table[start : start + step]
            found[start : start + step] += np.einsum("nd,nd->n", rows, rows, dtype=np.float64)
    if len(zero := np.flatnonzero(found == 0)):
        raise UserError(
            f"index.backbones: {metric} embeds {len(zero)} images as zeros, the first of them "
            f"image {zero[0]}, so that they have no cosine; leave that backbone or the images out"
        )
    return found


def _cosines_of(products: np.ndarray) -> np.ndarray:
    """From products of vectors with each other (S, S)."""
    lengths = np.sqrt(np.diagonal(products))
    return products / lengths[:, None] / lengths
