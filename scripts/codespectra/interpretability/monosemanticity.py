"""Monosemanticity score: how alike the images are that a direction responds to (Pach et al. 2025).

With a the responses scaled to [0, 1] and z the images' unit embeddings it is

    MS = sum_{i<j} a_i a_j z_i.z_j / sum_{i<j} a_i a_j
       = (|sum_i a_i z_i|^2 - sum_i a_i^2) / ((sum_i a_i)^2 - sum_i a_i^2),

so that one pass over the images tells it of all pairs. The scale of `a` cancels; its zero doesn't.
"""

import numpy as np

from codespectra.interpretability.cosines import Cosines


def monosemanticity(
    responses: np.ndarray, cosines: Cosines, groups: np.ndarray, held: np.ndarray
) -> np.ndarray:
    """The score of each direction on parts of the images, responses scaled as with all of them.

    Args:
        responses: (N, K).
        cosines: of the N images.
        groups: of each image, (N,): 0 to G - 1.
        held: which groups each part holds, (P, G).

    Returns:
        (P, K) float64; nan where fewer than two images respond above the lowest response.
    """
    weights = responses - responses.min(axis=0)
    weights /= np.where(weights.any(axis=0), weights.max(axis=0), 1)
    held = held.astype(np.float64)
    sums, squares = (held @ _by_group(weights**power, groups) for power in (1, 2))
    with_others = np.einsum("pg,ghk->phk", held, cosines.group_products(weights, groups))
    return _score(np.einsum("ph,phk->pk", held, with_others), sums, squares)


def _score(product: np.ndarray, total: np.ndarray, squares: np.ndarray) -> np.ndarray:
    pairs = total**2 - squares
    enough = pairs > 1e-9 * total**2  # one image alone makes no pair, but for rounding
    return np.divide(product - squares, pairs, out=np.full_like(pairs, np.nan), where=enough)


def _by_group(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Sums (G, K) float64 of (N, K) over each group."""
    found = [values[groups == g].sum(axis=0, dtype=np.float64) for g in range(groups.max() + 1)]
    return np.stack(found)
