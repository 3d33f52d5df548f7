"""Nonnegative matrix factorisation by coordinate descent, a few times faster than scikit-learn's.

The same steps in the same order: a row's coordinates don't depend on other rows, so blocks of rows
that stay in the cache may take all their steps one after the other, and each step is one product
of a vector and a matrix. Source: Cichocki & Phan 2009, "Fast local algorithms for large scale
nonnegative matrix and tensor factorizations".
"""

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

BLOCK_ROWS = 512
TOLERANCE = 1e-4  # of the projected gradient, as a share of the first iteration's

Matrix = NDArray[np.float32]


def random_start(matrix: Matrix, k: int, seed: int) -> tuple[Matrix, Matrix]:
    """Codes (N, k) and parts (k, D) whose product is about as large as the matrix (N, D)."""
    rng = np.random.default_rng(seed)
    size = np.sqrt(matrix.mean(dtype=np.float64) / k)
    shapes = (len(matrix), k), (k, matrix.shape[1])
    codes, parts = (size * np.abs(rng.standard_normal(shape)) for shape in shapes)
    return codes.astype(np.float32), parts.astype(np.float32)


def factorise(
    matrix: Matrix, codes: Matrix, parts: Matrix, iterations: int
) -> tuple[Matrix, Matrix, bool]:
    """Descend from codes (N, K) and parts (K, D) on the squared error of codes @ parts.

    Returns:
        Codes, parts, and whether the projected gradient fell to `TOLERANCE` of what it was.
    """
    codes, loadings = codes.copy(), parts.T.copy()
    first = None
    for _ in tqdm(range(iterations), desc="nmf", disable=None, leave=False):
        off = _sweep(codes, loadings.T @ loadings, matrix @ loadings)
        off += _sweep(loadings, codes.T @ codes, matrix.T @ codes)
        first = off if first is None else first
        if off <= TOLERANCE * first:
            return codes, loadings.T, True
    return codes, loadings.T, False


def _sweep(codes: Matrix, gram: Matrix, products: Matrix) -> float:
    """Set each coordinate of codes (R, K) to its best in turn, in place.

    Args:
        codes: of the rows.
        gram: products of the parts with each other (K, K).
        products: of the rows with the parts (R, K).

    Returns:
        Sum of the projected gradient's magnitudes.
    """
    off = 0.0
    for start in range(0, len(codes), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        block, wanted = codes[rows].T.copy(), products[rows].T.copy()
        for k in np.flatnonzero(gram.diagonal()):
            gradient = gram[k] @ block - wanted[k]
            free = np.where(block[k] > 0, gradient, np.minimum(gradient, 0))
            off += float(np.abs(free).sum())
            block[k] = np.maximum(block[k] - gradient / gram[k, k], 0)
        codes[rows] = block.T
    return off
