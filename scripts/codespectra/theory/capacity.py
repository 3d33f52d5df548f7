"""What coding theory predicts: compression of sparse features, and dropout's capacity.

Source: "paper A", section 2 with eqs. 1 and 2, and its supplement, sections 2.1 and 2.3.
Logarithms are base 2 and every quantity is in bits, unless it is said to be a share.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr, xlogy


class DropoutBounds(NamedTuple):
    """Theorem 3 for one neuron, in bits; `paper_low` is its lower bound as printed."""

    low: float
    high: float
    paper_low: float


class Capacity(NamedTuple):
    """A channel's capacity lies in [bits, bits + gap]; `inputs` (n,) are the best probabilities."""

    bits: float
    gap: float
    inputs: NDArray[np.float64]


class LayeredCapacity(NamedTuple):
    """Capacity after 1..N dropout layers, each (N,)."""

    uncorrected: NDArray[np.float64]
    corrected: NDArray[np.float64]


def compression_rate(sparsity: ArrayLike, entropy_bits: float) -> NDArray[np.float64]:
    """Least dimensions per feature R(S) = 1 - S + h(S) / H, h the binary entropy in bits.

    The paper's eq. 1 lost the signs of h(S) = -S log S - (1 - S) log(1 - S) that lemma 2 has.

    Args:
        sparsity: share of features that are zero, any shape, in 0..1.
        entropy_bits: H of one feature that isn't zero; inf leaves 1 - S.

    Raises:
        ValueError: a sparsity outside 0..1, or H not above 0.
    """
    sparsity = np.asarray(sparsity, dtype=np.float64)
    if not ((sparsity >= 0) & (sparsity <= 1)).all():
        raise ValueError(f"sparsity {sparsity} is not within 0..1")
    if not entropy_bits > 0:
        raise ValueError(f"entropy_bits = {entropy_bits} must be above 0")
    binary_entropy = (entr(sparsity) + entr(1 - sparsity)) / math.log(2)
    return 1 - sparsity + binary_entropy / entropy_bits


def dropout_bounds(capacity_bits: float, dropout: float) -> DropoutBounds:
    """Bounds of a neuron's capacity under dropout with rate D (paper A, theorem 3).

    (1 - e)(1 - D) C <= C_dropout <= (1 - D) C. The supplement's proof gives (1 - D)(C - d) with
    d = -log2(1 - 2^-C), that is e = d / C, and `low`. The theorem prints e = d, and `paper_low`,
    which is as true and looser.

    Args:
        capacity_bits: C of the neuron without dropout, at least 1.
        dropout: rate D in 0..1.

    Raises:
        ValueError: C below 1, or D outside 0..1.
    """
    if not capacity_bits >= 1:
        raise ValueError(f"capacity_bits = {capacity_bits} must be at least 1")
    kept = 1 - _checked_rate(dropout)
    zero_symbol = -math.log2(1 - 2.0**-capacity_bits)
    return DropoutBounds(
        low=kept * (capacity_bits - zero_symbol),
        high=kept * capacity_bits,
        paper_low=kept * capacity_bits * (1 - zero_symbol),
    )


def dropout_channel(symbols: int, dropout: float) -> NDArray[np.float64]:
    """Probabilities (sent, received) of a neuron under dropout: any symbol may turn into symbol 0.

    0 is itself a symbol that can be sent (paper A's supplement, section 2.3).

    Raises:
        ValueError: fewer than two symbols, or a rate outside 0..1.
    """
    if symbols < 2:
        raise ValueError(f"{symbols} symbols: a channel needs at least 2")
    channel = (1 - _checked_rate(dropout)) * np.eye(symbols)
    channel[:, 0] += dropout
    return channel


def dropout_capacity(capacity_bits: int, dropout: float, *, tolerance: float = 1e-9) -> Capacity:
    """Exact capacity of `dropout_channel` with 2^C symbols, in bits; theorem 3 bounds it.

    The channel is a square of side 2^C, of 8 MB at C = 10.
    """
    return blahut_arimoto(dropout_channel(2**capacity_bits, dropout), tolerance=tolerance)


def blahut_arimoto(channel: ArrayLike, *, tolerance: float = 1e-9) -> Capacity:
    """Capacity of a discrete memoryless channel, by alternating maximisation.

    With D_x the divergence (bits) of what x gives from what is received overall, sum p_x D_x and
    max D_x hold the capacity between them; iterations end when they are within `tolerance`.
    Source: Blahut 1972, Arimoto 1972 (IEEE Trans. Inf. Theory 18).

    Args:
        channel: (sent, received), rows sum to 1.
        tolerance: largest gap between the bounds, in bits.

    Raises:
        ValueError: rows that are no probabilities, or a tolerance not above 0.
    """
    channel = np.asarray(channel, dtype=np.float64)
    if not (channel >= 0).all() or not np.allclose(channel.sum(axis=1), 1):
        raise ValueError("rows of a channel must be probabilities that sum to 1")
    if not tolerance > 0:
        raise ValueError(f"tolerance = {tolerance} must be above 0")
    channel = channel[:, channel.any(axis=0)]  # what is never received has no logarithm
    negative_entropy = xlogy(channel, channel).sum(axis=1)
    inputs = np.full(len(channel), 1 / len(channel))
    while True:
        divergence = (negative_entropy - channel @ np.log(inputs @ channel)) / math.log(2)
        low, high = float(inputs @ divergence), float(divergence.max())
        if high - low <= tolerance:
            return Capacity(low, high - low, inputs)
        inputs = inputs * np.exp2(divergence - high)
        inputs /= inputs.sum()


def layered_capacity(capacity: float, dropout: float, layers: int) -> LayeredCapacity:
    """Capacity after each of 1..N dropout layers (paper A, eq. 2 and fig. 2 b, c).

    Without error correction each layer loses the share D of what is left, C (1 - D)^N; a code
    with redundancy for one layer's loss restores itself after each layer, C (1 - D).

    Args:
        capacity: C without dropout, in bits; 1 gives shares.
        dropout: rate D in 0..1.
        layers: N.

    Raises:
        ValueError: a rate outside 0..1.
    """
    kept = 1 - _checked_rate(dropout)
    depth: Any = np.arange(1, layers + 1)
    return LayeredCapacity(capacity * kept**depth, np.full(layers, capacity * kept))


def _checked_rate(dropout: float) -> float:
    if not 0 <= dropout <= 1:
        raise ValueError(f"dropout = {dropout} is not within 0..1")
    return dropout
