"""Nonnegative parts and codes by coordinate descent, in the order of scikit-learn's.

One sweep changes the code of every row for each part in turn (Cichocki & Phan 2009). Steps and
stopping are scikit-learn's, to rounding. Its loop takes a part at a time, row by row; here the
gradients of a panel of parts are one product, which each step within it corrects, in blocks of rows
that stay in the cache.
"""

import numpy as np

from codespectra.capture.rows import Rows, binary_scale
from codespectra.errors import ArgumentError
from codespectra.statistics.row_blocks import row_blocks

TOLERANCE = 1e-4  # scikit-learn's default, of the first sweep's violation
BLOCK = 2**19  # codes that stay in the cache
PANEL = 16  # parts


def factorise(
    rows: np.ndarray, codes: np.ndarray, parts: np.ndarray, sweeps: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Codes (N, K) and parts (K, D), both >= 0, whose product is nearest to rows (N, D) >= 0.

    Args:
        rows: float32, as are the others.
        codes: where the descent starts.
        parts: likewise.
        sweeps: at most; fewer where the conditions of an optimum are violated 1e4 times less than
            in the first.

    Returns:
        Codes, parts, and how many sweeps there were.
    """
    codes, parts = codes.T.copy(), parts.copy()
    first = 0.0
    for done in range(1, sweeps + 1):  # noqa: B007
        violation = _descend(codes, parts @ parts.T, parts @ rows.T)
        violation += _descend(parts, codes @ codes.T, codes @ rows)
        first = first or violation
        if violation <= TOLERANCE * first:
            break
    return codes.T, parts, done


def nonnegative_code(
    rows: np.ndarray, parts: np.ndarray, sweeps: int, *, tolerance: float = TOLERANCE
) -> tuple[np.ndarray, int]:
    """Codes (N, K) >= 0 for which codes @ parts (K, D) is nearest to rows (N, D) >= 0.

    The descent starts from zero, and takes at most that many sweeps, fewer where the rows together
    violate the conditions of an optimum so much less than in the first. With tolerance 0 the code
    of a row is the same whatever rows stand beside it.

    Returns:
        The codes, and how many sweeps there were.

    Raises:
        ArgumentError: an activation is negative.
    """
    check_nonnegative(rows)
    if len(rows) > 1 and (rows == rows[0]).all():  # rounding would pass for differences
        code, done = nonnegative_code(rows[:1], parts, sweeps, tolerance=tolerance)
        return np.repeat(code, len(rows), axis=0), done
    codes = np.zeros((len(parts), len(rows)))
    if not parts.any():
        return codes.T, 1
    scale = binary_scale(rows)
    # Where parts outnumber units rounding grows from sweep to sweep: in float32 to 1e-5.
    exact, parts = rows.astype(np.float64) / scale, parts.astype(np.float64)
    gram, products = parts @ parts.T, parts @ exact.T
    first = 0.0
    for done in range(1, sweeps + 1):  # noqa: B007
        violation = _descend(codes, gram, products)
        first = first or violation
        if violation <= tolerance * first:
            break
    return codes.T * scale, done


def check_nonnegative(activations: Rows) -> None:
    """Refuse activations (N, D) that NMF can't take.

    Raises:
        ArgumentError: one is negative.
    """
    if (lowest := min(rows.min() for _, rows in row_blocks(activations))) < 0:
        raise ArgumentError(
            f"activations go down to {lowest:.3g}, but NMF takes none below 0; take layers that "
            "end with a ReLU, or leave nmf out"
        )


def _descend(codes: np.ndarray, gram: np.ndarray, products: np.ndarray) -> float:
    """One sweep, which changes codes (K, N), and how far they were from an optimum.

    `gram` (K, K) are the inner products of parts, `products` (K, N) those of parts with rows.
    """
    violation, step = 0.0, max(1, BLOCK // len(codes))
    for start in range(0, codes.shape[1], step):
        rows = slice(start, start + step)
        for first in range(0, len(codes), PANEL):
            panel = slice(first, first + PANEL)
            violation += _descend_panel(
                codes[panel, rows],
                gram[panel, panel],
                gram[panel] @ codes[:, rows] - products[panel, rows],
            )
    return violation


def _descend_panel(codes: np.ndarray, gram: np.ndarray, gradients: np.ndarray) -> float:
    """The steps of a few parts, one after the other; each changes the gradients of the next."""
    violation = 0.0
    for part, (code, gradient) in enumerate(zip(codes, gradients, strict=True)):
        violation += float(np.abs(np.where(code > 0, gradient, np.minimum(gradient, 0))).sum())
        if gram[part, part] == 0:
            continue
        change = np.maximum(code - gradient / gram[part, part], 0) - code
        code += change
        gradients[part + 1 :] += gram[part + 1 :, part, None] * change
    return violation
