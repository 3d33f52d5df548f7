"""The Interpretability Index: how alike a direction's most exciting images are (B eq. 1)."""

import numpy as np
import pandas as pd

from codespectra.directions import Directions, top_stimuli
from codespectra.errors import UserError


def most_exciting(directions: Directions, m: int) -> np.ndarray:
    """Rows of the M stimuli that excite each live direction most, (live, M).

    Raises:
        UserError: there are fewer stimuli than M.
    """
    count = len(directions.responses)
    if m > count:
        raise UserError(f"interpretability.m: {m} is more than the {count} stimuli; lower it")
    return top_stimuli(directions.responses[:, ~directions.dead], m)


def index_table(
    pair_means: np.ndarray,
    dead: np.ndarray,
    *,
    m: int,
    normalisation: str,
    self_similarity: float,
) -> pd.DataFrame:
    """Interpretability Index of each direction: direction, ii (missing where dead), dead.

    Args:
        pair_means: mean similarity over the pairs of each live direction's M images, (live,).
        dead: which directions respond to nothing, (K,).
        m: M.
        normalisation: `pairs`, the mean over pairs j != k; `code`, over all M^2 terms; `literal`,
            eq. 1 as printed, the double sum divided by M.
        self_similarity: similarity of an image with itself.
    """
    scores = np.full(len(dead), np.nan)
    total = m * (m - 1) * pair_means + m * self_similarity
    scores[~dead] = {"pairs": pair_means, "code": total / m**2, "literal": total / m}[normalisation]
    return pd.DataFrame({"direction": np.arange(len(dead)), "ii": scores, "dead": dead})
