"""The Interpretability Index: how alike a direction's most exciting images are (B eq. 1)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from codespectra.directions.directions import Directions
from codespectra.errors import ArgumentError, UserError
from codespectra.interpretability.parts import ALL
from codespectra.interpretability.similarity import Parts, Similarity
from codespectra.statistics.arrays import one_of, whole_number
from codespectra.statistics.ranking import top_stimuli

LIVE, DEAD, RARE = "live", "dead", "rare"


@dataclass(frozen=True)
class Index:
    """How the Interpretability Index of a direction follows from its m most exciting images.

    `normalisation` says how their pairs are averaged: `pairs`, the mean over pairs j != k; `code`,
    over all M^2 terms; `literal`, eq. 1 as printed, the double sum divided by M.
    """

    m: int
    normalisation: str = "pairs"

    def __post_init__(self) -> None:
        """Refuse what isn't a number of images, or a normalisation.

        Raises:
            ArgumentError: says what is allowed.
        """
        whole_number(self.m, "m", least=2)
        one_of(self.normalisation, "normalisation", ("pairs", "code", "literal"))

    def of_pairs(self, means: np.ndarray, self_similarity: float) -> np.ndarray:
        """The index from the mean similarity over pairs, any shape."""
        total = self.m * (self.m - 1) * means + self.m * self_similarity
        scaled = {"pairs": means, "code": total / self.m**2, "literal": total / self.m}
        return scaled[self.normalisation]


@dataclass(frozen=True)
class Candidates:
    """The live directions, whose images are compared; those without a sign of their own in both.

    Columns of `responses` (N, C) belong to `direction` (C,) with `sign` (C,).
    """

    responses: np.ndarray
    direction: np.ndarray
    sign: np.ndarray
    state: np.ndarray  # (K,) of all directions


def candidates(found: Directions, m: int) -> Candidates:
    """Live directions: a constant response is `dead`, one that fewer than m images raise `rare`.

    Raises:
        ArgumentError: there are fewer stimuli than M.
    """
    count = len(found.responses)
    if m > count:
        raise ArgumentError(f"m: {m} is more than the {count} stimuli; lower it")
    state = np.where(found.dead, DEAD, np.where(found.rare(m), RARE, LIVE))
    live = np.flatnonzero(state == LIVE)
    # Copied only where some are left out: responses are what a large set fills the memory with.
    responses = found.responses if len(live) == len(state) else found.responses[:, live]
    signs = np.ones(len(live), dtype=int)
    if found.two_sided:
        responses, live = np.hstack([responses, -responses]), np.tile(live, 2)
        signs = np.concatenate([signs, -signs])
    return Candidates(responses, live, signs, state)


def index_table(
    found: dict[str, Directions], similarities: list[Similarity], index: Index
) -> pd.DataFrame:
    """Interpretability Index of every direction of a layer, each metric and part.

    Of a direction without a sign of its own, each metric keeps the better one.

    Args:
        found: the layer's directions by method.
        similarities: metrics that hold all images.
        index: how pairs are averaged.

    Raises:
        ArgumentError: M is more than the stimuli, or the directions are of other numbers of them.

    Returns:
        method, metric, part, direction, state, sign, ii; missing where the state isn't `live`.
    """
    counts = {method: len(directions.responses) for method, directions in found.items()}
    if len({*counts.values()}) != 1:
        raise ArgumentError(f"found holds responses of other numbers of stimuli: {counts}")
    every = {method: candidates(directions, index.m) for method, directions in found.items()}
    sets = np.concatenate([top_stimuli(one.responses, index.m) for one in every.values()])
    tables = []
    for similarity in similarities:
        scores = _scores(similarity, sets, index)
        for method, one, own in by_method(every, scores):
            kept = _better_signs(one, own[ALL])
            for part, values in own.items():
                rows = _rows(one, kept, values)
                tables.append(rows.assign(method=method, metric=similarity.metric, part=part))
    table = pd.concat(tables, ignore_index=True)
    return table[["method", "metric", "part", "direction", "state", "sign", "ii"]]


def check_live(found: dict[str, Directions], layer: str, m: int) -> None:
    """Refuse a layer whose units can't be compared.

    Raises:
        UserError: fewer than 2 of the units have m most exciting images.
    """
    units = found.get("neurons")
    if units is not None and m > len(units.responses):
        raise UserError(f"index.m: {m} is more than the {len(units.responses)} stimuli; lower it")
    live = 2 if units is None else int((candidates(units, m).state == LIVE).sum())
    if live < 2:
        raise UserError(
            f"layer {layer}: {live} of {len(units.vectors)} units have {m} exciting images among "
            f"the {len(units.responses)} stimuli, at least 2 are needed; lower index.m, "
            "leave the layer out of directions.layers, or take another set"
        )


def exciting_images(found: Iterable[Directions], m: int) -> np.ndarray:
    """The m most exciting images of all live directions together, each once, sorted: (U,)."""
    sets = [top_stimuli(candidates(directions, m).responses, m) for directions in found]
    return np.unique(np.concatenate(sets))


def _scores(similarity: Similarity, sets: np.ndarray, index: Index) -> Parts:
    means = similarity.within(sets)
    own = similarity.self_similarity
    return {part: index.of_pairs(values, own) for part, values in means.items()}


def by_method(
    every: dict[str, Candidates], scores: Parts
) -> Iterator[tuple[str, Candidates, Parts]]:
    """Split the scores of all candidates by method: its name, its candidates, their scores."""
    start = 0
    for method, one in every.items():
        stop = start + len(one.direction)
        yield method, one, {part: values[start:stop] for part, values in scores.items()}
        start = stop


def _better_signs(one: Candidates, scores: np.ndarray) -> np.ndarray:
    """Which candidates count: of each direction the one with the higher score, ties to plus."""
    best = np.full(len(one.state), -np.inf)
    np.maximum.at(best, one.direction, scores)
    reached = scores == best[one.direction]
    plus = np.zeros(len(one.state), dtype=bool)
    plus[one.direction[reached & (one.sign > 0)]] = True
    return reached & ((one.sign > 0) | ~plus[one.direction])


def _rows(one: Candidates, kept: np.ndarray, scores: np.ndarray) -> pd.DataFrame:
    count = len(one.state)
    ii, sign = np.full(count, np.nan), np.ones(count, dtype=int)
    ii[one.direction[kept]], sign[one.direction[kept]] = scores[kept], one.sign[kept]
    state = one.state
    return pd.DataFrame({"direction": np.arange(count), "state": state, "sign": sign, "ii": ii})
