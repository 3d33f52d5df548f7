"""Spectra of rows that are counted more than once, or left out, from moments that add up.

A resample of the stimuli needs no more of them than its sums of scores and of their products inside
the leading subspace. These are added up while scores are read, so that neither scores nor how often
each is drawn are held for all stimuli.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from codespectra.capture.rows import Rows

BLOCK = 1 << 15  # stimuli whose scores and weights are held at once: 65 MB for 100 resamples


def score_blocks(scores: Rows) -> Iterator[tuple[slice, np.ndarray]]:
    """Which stimuli, and their scores (n, p) in float64."""
    for start in range(0, scores.shape[0], BLOCK):
        part = slice(start, min(start + BLOCK, scores.shape[0]))
        yield part, scores[part].astype(np.float64)


def multinomial_counts(count: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each stimulus is in each resample of as many, (resamples, n) for each block.

    First how many of a resample fall into each block is drawn, then how often each is which.
    """
    rng = np.random.default_rng(seed)
    sizes = np.diff([*range(0, count, BLOCK), count])
    for size, own in zip(sizes, rng.multinomial(count, sizes / count, resamples).T, strict=True):
        yield rng.multinomial(own, np.full(size, 1 / size))


def weighted_spectra(blocks: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Descending eigenvalues (R, p) of the covariance with each row counted so often.

    Args:
        blocks: scores (n, p) in float64, and how often each counts in each spectrum, (R, n).
    """
    count, total, second = np.zeros(()), np.zeros(()), np.zeros(())
    for rows, weights in blocks:
        counted = weights.astype(np.float64)
        count, total = count + counted.sum(axis=1), total + counted @ rows
        second = second + np.stack([_products(rows, own) for own in counted])
    return spectra_of_sums(count, total, second)


def _products(rows: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Sum (p, p) of the outer products of rows (n, p) that are counted so often."""
    drawn = counted > 0
    weighted = rows[drawn] * np.sqrt(counted[drawn])[:, None]
    return weighted.T @ weighted


def spectra_of_sums(count: np.ndarray, total: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Descending eigenvalues (R, p) from counts (R,), sums (R, p) and sums of products (R, p, p).

    The last are overwritten.
    """
    mean = total / count[:, None]
    for one, rows, drift in zip(second, count, mean, strict=True):
        one /= rows
        one -= np.outer(drift, drift)
    return np.linalg.eigvalsh(second)[:, ::-1]
