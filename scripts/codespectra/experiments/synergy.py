"""Synergy: whether two units added are more interpretable than either alone (B §3.6, eq. 8)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from codespectra.directions.directions import Directions
from codespectra.interpretability.index import Index, live_responses
from codespectra.interpretability.parts import ALL
from codespectra.interpretability.similarity import Similarity
from codespectra.statistics.ranking import strongest, top_stimuli

# Pairs that are added at once: their sums, 3 MB for 50,000 images, stay in the cache.
BLOCK_PAIRS = 16

# The index of each unit (U,) and of each pair's sum (P,), by metric.
Scores = dict[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Pairs:
    """All pairs a < b of a layer's U live units, and the most exciting images of both.

    `first` and `second` (P,) are places in `direction` (U,).
    """

    direction: np.ndarray
    unit_images: np.ndarray  # (U, M)
    first: np.ndarray
    second: np.ndarray
    correlation: np.ndarray  # (P,)
    images: np.ndarray  # (P, M)

    @property
    def sets(self) -> np.ndarray:
        """Images of the units, then of the pairs' sums, (U + P, M)."""
        return np.concatenate([self.unit_images, self.images])


def pairs_of_units(units: Directions, m: int) -> Pairs:
    """Every pair of live units, with the m strongest images of its summed z-scores.

    Raises:
        UserError: there are fewer stimuli than m.
    """
    responses, live = live_responses(units, m)
    scores = z_scores(responses)
    first, second = np.triu_indices(len(scores), k=1)
    correlations = np.clip(scores @ scores.T / scores.shape[1], -1, 1)
    return Pairs(
        direction=live,
        unit_images=top_stimuli(responses, m),
        first=first,
        second=second,
        correlation=correlations[first, second],
        images=strongest_of_sums(scores, m),
    )


def z_scores(responses: np.ndarray) -> np.ndarray:
    """Responses (N, U) less their mean, in standard deviations: a row a unit, (U, N) float32."""
    rows = np.array(responses.T, dtype=np.float32, order="C")
    for row in rows:
        centred = row - row.mean(dtype=np.float64)
        row[:] = centred / centred.std()
    return rows


def strongest_of_sums(rows: np.ndarray, count: int) -> np.ndarray:
    """Indices of the `count` largest of row a + row b, for all pairs a < b of rows (U, N).

    Pairs are in the order of `np.triu_indices`; the sums (P, N) are never held at once.

    Returns:
        (P, count), largest first, ties to the lowest index.
    """
    units, width = rows.shape
    sums = np.empty((BLOCK_PAIRS, width), dtype=rows.dtype)
    found = [np.empty((0, count), dtype=np.int64)]
    for a in range(units):
        for start in range(a + 1, units, BLOCK_PAIRS):
            others = rows[start : start + BLOCK_PAIRS]
            found.append(strongest(np.add(rows[a], others, out=sums[: len(others)]), count))
    return np.concatenate(found)


def score_pairs(pairs: Pairs, similarities: list[Similarity], index: Index) -> Scores:
    """Interpretability Index of each unit and of each pair's sum, by metric.

    Sets of the same images are scored once: a synergy of zero is exactly zero.
    """
    distinct, places = np.unique(np.sort(pairs.sets, axis=1), axis=0, return_inverse=True)
    found = {}
    for similarity in similarities:
        means = similarity.within(distinct)[ALL][places]
        values = index.of_pairs(means, similarity.self_similarity)
        units, sums = np.split(values, [len(pairs.direction)])
        found[similarity.metric] = units, sums
    return found


def synergies(pairs: Pairs, units: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """II(a + b) - max(II(a), II(b)) of every pair (P,) (B eq. 8)."""
    return sums - np.maximum(units[pairs.first], units[pairs.second])


def synergy_table(pairs: Pairs, scores: Scores) -> pd.DataFrame:
    """Every pair and metric: a, b, correlation, metric, ii of the sum, synergy."""
    tables = []
    for metric, (units, sums) in scores.items():
        columns = {
            "a": pairs.direction[pairs.first],
            "b": pairs.direction[pairs.second],
            "correlation": pairs.correlation,
            "metric": metric,
            "ii": sums,
            "synergy": synergies(pairs, units, sums),
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def unit_table(pairs: Pairs, scores: Scores) -> pd.DataFrame:
    """Every live unit and metric: direction, metric, ii, best_synergy and its best_partner.

    `best_ii` is the highest II(a + b) that it reaches, be it with another partner. Ties go to the
    first partner.
    """
    tables = []
    for metric, (units, sums) in scores.items():
        gains = _with_each_partner(pairs, synergies(pairs, units, sums))
        columns = {
            "direction": pairs.direction,
            "metric": metric,
            "ii": units,
            "best_synergy": gains.max(axis=1),
            "best_partner": pairs.direction[gains.argmax(axis=1)],
            "best_ii": _with_each_partner(pairs, sums).max(axis=1),
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def image_table(pairs: Pairs, scores: Scores, count: int) -> pd.DataFrame:
    """Images behind the `count` pairs of highest synergy: of both units, and of their sum.

    Returns:
        metric, pair (1 is the best; ties to the first), a, b, synergy, role (a, b or a+b), ii of
        that role, rank, image.
    """
    tables = []
    for metric, (units, sums) in scores.items():
        gains = synergies(pairs, units, sums)
        best = strongest(gains[None], min(count, len(gains)))[0]
        for rank, pair in enumerate(best, start=1):
            shown = _images_of_pair(pairs, pair, units, sums)
            tables.append(shown.assign(metric=metric, pair=rank, synergy=gains[pair]))
    table = pd.concat(tables, ignore_index=True)
    return table[["metric", "pair", "a", "b", "synergy", "role", "ii", "rank", "image"]]


def _images_of_pair(pairs: Pairs, pair: int, units: np.ndarray, sums: np.ndarray) -> pd.DataFrame:
    a, b = pairs.first[pair], pairs.second[pair]
    shown = {
        "a": (units[a], pairs.unit_images[a]),
        "b": (units[b], pairs.unit_images[b]),
        "a+b": (sums[pair], pairs.images[pair]),
    }
    head = {"a": pairs.direction[a], "b": pairs.direction[b]}
    rank = np.arange(1, pairs.images.shape[1] + 1)
    return pd.concat(
        pd.DataFrame(head | {"role": role, "ii": ii, "rank": rank, "image": images})
        for role, (ii, images) in shown.items()
    )


def _with_each_partner(pairs: Pairs, values: np.ndarray) -> np.ndarray:
    """Values of pairs (P,) as rows of units (U, U), -inf with itself."""
    count = len(pairs.direction)
    table = np.full((count, count), -np.inf)
    table[pairs.first, pairs.second] = table[pairs.second, pairs.first] = values
    return table
