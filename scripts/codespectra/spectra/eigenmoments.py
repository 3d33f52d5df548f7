"""Moments of a covariance's eigenvalues, without the bias of a sample's eigenvalues.

Few stimuli spread a sample's eigenvalues out, and noise adds to them. The population's mean powers
of eigenvalues have unbiased estimates all the same (Kong & Valiant 2017, Annals of Statistics 45,
2218): products along cycles of distinct stimuli. Of two repeats of the stimuli these are moments of
the covariance that the repeats share, whatever their noise (Pospisil & Pillow 2025, PNAS).
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import comb

from codespectra.capture.rows import SLAB, Rows
from codespectra.errors import ArgumentError
from codespectra.statistics.arrays import rows_to_read

ORDERS = 10  # as in Pospisil & Pillow
FEWEST = 80  # stimuli: 40 differences, of which cycles take up to 10
BLOCK = 512  # stimuli among which cycles go: work grows with its square, and blocks are averaged
BLOCKS = 8  # at most: more stimuli than that are left out, by chance


@dataclass(frozen=True)
class Moments:
    """Means over the D ranks of eigenvalue ** k, for k from 1 on, in units of `scale` ** k.

    Attributes:
        values: (orders,); the first is 1. Of noisy repeats the later ones may be negative.
        covariance: (orders, orders) of `values` over draws of the stimuli.
        width: D.
        scale: the mean eigenvalue, in squared units of the activations.
        stimuli: how many were used.
    """

    values: np.ndarray
    covariance: np.ndarray
    width: int
    scale: float
    stimuli: int


def eigenmoments(
    first: Rows, second: Rows | None = None, *, orders: int = ORDERS, seed: int = 0
) -> Moments:
    """Moments of the stimuli's covariance; given repeats, of the covariance between them.

    Stimuli are drawn in pairs and subtracted, which takes their mean away. Products of the
    differences are float32, all that follows from them float64.

    Args:
        first: (N, D).
        second: (N, D), the second repeat of the same stimuli; None for a code without noise.
        orders: the highest k.
        seed: of the pairs.

    Raises:
        ArgumentError: fewer than 80 stimuli, repeats of different shapes, or nothing varies.
    """
    first = rows_to_read(first, "first")
    second = None if second is None else rows_to_read(second, "second")
    n, width = first.shape
    if n < FEWEST:
        raise ArgumentError(f"first: {n} stimuli, at least {FEWEST} needed for eigenmoments")
    if second is not None and second.shape != first.shape:
        shapes = f"{first.shape} and {second.shape}"
        raise ArgumentError(f"first and second have shapes {shapes}, not one")
    used = min(n, BLOCKS * BLOCK) // 2 * 2
    drawn = np.random.default_rng(seed).permutation(n)[:used]
    ours = _differences(first, drawn)
    theirs = ours if second is None else _differences(second, drawn)
    unit = 2.0 ** np.frexp(max(np.abs(ours).max(), np.abs(theirs).max()))[1]
    ours, theirs = ours / np.float32(unit), theirs / np.float32(unit)  # no square overflows
    edges = np.linspace(0, used // 2, -(-used // BLOCK) + 1).astype(int)
    products = [
        (ours[start:stop] @ theirs[start:stop].T).astype(np.float64)
        for start, stop in pairwise(edges)
    ]
    scale = sum(np.trace(block) for block in products) / (used // 2 * width)
    if not scale > 0:
        raise ArgumentError("first: nothing varies, or nothing that the repeats share")
    found = [_block_moments(block / scale, width, orders) for block in products]
    share = np.diff(edges) / edges[-1]
    values = share @ np.stack([values for values, _ in found])
    covariance = np.tensordot(share**2, np.stack([spread for _, spread in found]), axes=1)
    return Moments(values, covariance, width, float(scale * unit**2), used)


def _differences(rows: Rows, drawn: np.ndarray) -> np.ndarray:
    """Differences (n / 2, D) float32 of pairs of the rows drawn, over the square root of two."""
    place = np.full(rows.shape[0], -1)
    place[drawn] = np.arange(len(drawn))
    taken = np.empty((len(drawn), rows.shape[1]), np.float32)
    step = max(1, SLAB // rows.shape[1])
    for start in range(0, rows.shape[0], step):
        into = place[start : start + step]
        taken[into[into >= 0]] = rows[start : start + step][into >= 0]
    return (taken[::2] - taken[1::2]) / np.float32(2**0.5)


def _block_moments(products: np.ndarray, width: int, orders: int) -> tuple[np.ndarray, np.ndarray]:
    """Moments (orders,) of inner products (n, n), and their covariance by leaving one out."""
    n, order = len(products), np.arange(1, orders + 1)
    through = cycle_sums(products, orders)
    total = through.sum(axis=1) / order
    without = (total[:, None] - through) / (comb(n - 1, order) * width)[:, None]
    away = without - without.mean(axis=1, keepdims=True)
    return total / (comb(n, order) * width), (n - 1) / n * away @ away.T


def cycle_sums(products: np.ndarray, orders: int) -> np.ndarray:
    """Sums (orders, n) of the products along all cycles i1 < i2 < ... < ik through each index.

    With F the strict upper and L the strict lower triangle, index i stands after a steps up and b
    steps before the way back in diag(F^a L F^b), a + b = k - 1.

    Args:
        products: (n, n) float64 A, whose cycle of k is A[i1, i2] ... A[ik-1, ik] A[ik, i1].
        orders: the largest k, at least 2.
    """
    up, down = np.triu(products, 1), np.tril(products, -1)
    powers = [np.eye(len(products)), up]
    for _ in range(orders - 2):
        powers.append(powers[-1] @ up)
    closed = [down, *(down @ power for power in powers[1:])]
    sums = [np.diag(products)]
    for last in range(1, orders):
        sums.append(
            sum(np.einsum("ij,ji->i", powers[last - b], closed[b]) for b in range(last + 1))
        )
    return np.stack(sums)
