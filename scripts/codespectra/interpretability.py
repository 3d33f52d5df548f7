"""The Interpretability Index: how alike a direction's most exciting images are (B eq. 1)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from codespectra.directions import Directions, top_stimuli
from codespectra.errors import UserError

# Scores (sets,) of sets of images given as row indices (sets, members).
SetScore = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Metric:
    """One similarity: its name, the part of it (a backbone's layer, or `all`), its own value."""

    name: str
    part: str
    score: SetScore
    self_similarity: float = 0.0


def interpretability_index(
    directions: Directions, metrics: list[Metric], *, m: int, normalisation: str
) -> pd.DataFrame:
    """Score each direction with each metric: a row a direction and metric.

    Columns: direction, metric, part, ii (missing for dead directions), dead.

    Args:
        directions: K directions with the responses of N stimuli.
        metrics: the similarities.
        m: number of most exciting images, M.
        normalisation: `pairs`, the mean over pairs j != k; `code`, over all M^2 terms; `literal`,
            eq. 1 as printed, the double sum divided by M.

    Raises:
        UserError: fewer stimuli than m.
    """
    count = len(directions.responses)
    if m > count:
        raise UserError(f"interpretability.m: {m} is more than the {count} stimuli; lower it")
    dead = directions.dead
    sets = top_stimuli(directions.responses[:, ~dead], m)
    tables = []
    for metric in metrics:
        scores = np.full(len(dead), np.nan)
        if len(sets):
            scores[~dead] = normalised(
                metric.score(sets), m, normalisation, metric.self_similarity
            )
        table = pd.DataFrame({"direction": np.arange(len(dead)), "ii": scores, "dead": dead})
        tables.append(table.assign(metric=metric.name, part=metric.part))
    return pd.concat(tables, ignore_index=True)


def normalised(pair_mean: np.ndarray, m: int, how: str, self_similarity: float) -> np.ndarray:
    """Turn the mean over pairs into one of the three readings of B eq. 1."""
    if how == "pairs":
        return pair_mean
    total = m * (m - 1) * pair_mean + m * self_similarity
    return total / m**2 if how == "code" else total / m
