"""Bits that a power-law code holds, and those it loses against a white one (paper A, eq. 3)."""

import math
from typing import NamedTuple

from scipy.special import gammaln


class EntropyBounds(NamedTuple):
    """Upper bounds of a code's entropy in bits: three readings of paper A's theorem 4."""

    paper: float
    from_std: float
    supplement: float


def capacity_loss(alpha: float, width: int) -> dict[str, float]:
    """Bits lost by a power-law code of `width` units m against a white one (paper A, eq. 3).

    `paper_bits` is |alpha| m log2(m / e), or 0 for 1 and 2 units, where Stirling's approximation
    is below 0; `exact_bits` is |alpha| log2(m!) without it. Eigenvalues are variances: a derivation
    from widths, that is from standard deviations, halves both (`*_from_std_bits`).

    Raises:
        ValueError: `width` < 1.
    """
    if width < 1:
        raise ValueError(f"width {width} is below 1")
    paper = abs(alpha) * width * max(0.0, math.log2(width / math.e))
    exact = abs(alpha) * float(gammaln(width + 1)) / math.log(2)
    return {
        "paper_bits": paper,
        "exact_bits": exact,
        "paper_from_std_bits": paper / 2,
        "exact_from_std_bits": exact / 2,
    }


def entropy_bounds(alpha: float, width: int, bits: float) -> EntropyBounds:
    """Most bits that a code of m units with variances i^alpha holds (paper A, theorem 4).

    `paper` is the main text's m n - |alpha| m log2(m / e); theorem 4 takes the variances for
    standard deviations, and the loss is half of that if they are not (`from_std`). No entropy is
    below 0. `supplement` is the printed m n - alpha m log2(m / e), whose sign would give steep
    codes more bits than white ones.

    Args:
        alpha: exponent, negative for variances that fall.
        width: m, at least 3 (Stirling's approximation).
        bits: n of each unit.

    Raises:
        ValueError: fewer than 3 units.
    """
    if width < 3:
        raise ValueError(f"width {width} is below 3")
    loss = capacity_loss(alpha, width)
    white = width * bits
    return EntropyBounds(
        paper=max(0.0, white - loss["paper_bits"]),
        from_std=max(0.0, white - loss["paper_from_std_bits"]),
        supplement=white - math.copysign(loss["paper_bits"], alpha),
    )
