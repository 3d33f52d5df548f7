"""Random halves of a stimulus set, and the strongest responses inside each."""

import numpy as np

from codespectra.directions import top_stimuli
from codespectra.errors import UserError


def half_samples(count: int, draws: int, seed: int) -> np.ndarray:
    """Which of `count` stimuli each random half holds, (draws, count) bool."""
    rng = np.random.default_rng(seed)
    ranks = rng.random((draws, count)).argsort(axis=1).argsort(axis=1)
    return ranks < count // 2


def strongest_in_halves(
    responses: np.ndarray, halves: np.ndarray, m: int
) -> tuple[np.ndarray, np.ndarray]:
    """The m strongest stimuli of each direction within each half, ties to the lowest index.

    Args:
        responses: (N, K).
        halves: which stimuli each half holds, (draws, N).
        m: how many.

    Returns:
        Stimuli by strength (K, L), as many as any half needs, and the places in them of each
        half's strongest (draws, K, m).

    Raises:
        UserError: half of the stimuli are fewer than m.
    """
    count, held = len(responses), int(halves.sum(axis=1).min())
    if held < m:
        raise UserError(
            f"interpretability.m: {m} is more than the {held} stimuli of a half, on which "
            f"intervals rest; lower it or take a set of at least {2 * m}"
        )
    length = min(8 * m, count)
    lists = top_stimuli(responses, length)
    while (halves[:, lists].sum(axis=-1) < m).any():
        length = min(2 * length, count)
        lists = top_stimuli(responses, length)
    places = np.argsort(~halves[:, lists], axis=-1, kind="stable")[..., :m]
    return lists[:, : places.max(initial=0) + 1], places
