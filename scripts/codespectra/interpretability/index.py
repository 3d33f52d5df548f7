"""The Interpretability Index: how alike a direction's most exciting images are (B eq. 1)."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from codespectra.directions.directions import Directions
from codespectra.errors import ArgumentError, UserError
from codespectra.interpretability.parts import ALL
from codespectra.interpretability.similarity import Parts, Similarity
from codespectra.statistics.arrays import one_of, whole_number
from codespectra.statistics.ranking import strongest_inside

LIVE, DEAD, RARE = "live", "dead", "rare"
COLUMNS = ["method", "metric", "part", "direction", "state", "sign", "ii"]


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

    Rows of `lists` (C, L), most exciting stimuli by strength, belong to `direction` (C,) with
    `sign` (C,). The m strongest are the first of each list; those of subsets of the stimuli, where
    there are any, are at the `places` (subsets, C, m) in it.
    """

    lists: np.ndarray
    direction: np.ndarray
    sign: np.ndarray
    state: np.ndarray  # (K,) of all directions
    places: np.ndarray


def live_directions(found: Directions, m: int) -> tuple[np.ndarray, np.ndarray]:
    """State (K,) of directions and the live ones: `dead` is a constant response, `rare` one that
    fewer than m images raise.

    Raises:
        ArgumentError: there are fewer stimuli than M.
    """
    count = found.responses.shape[0]
    if m > count:
        raise ArgumentError(f"m: {m} is more than the {count} stimuli; lower it")
    state = np.where(found.dead, DEAD, np.where(found.rare(m), RARE, LIVE))
    return state, np.flatnonzero(state == LIVE)


def candidates(found: Directions, m: int, held: np.ndarray | None = None) -> Candidates:
    """Most exciting stimuli of the live directions; responses are read block by block.

    Args:
        found: directions.
        m: how many of the stimuli.
        held: which stimuli each subset holds, (subsets, N), for `Candidates.places`.

    Raises:
        ArgumentError: there are fewer stimuli than M, in all or in a subset.
    """
    state, live = live_directions(found, m)
    signs = (1, -1) if found.two_sided else (1,)
    held = np.ones((0, found.responses.shape[0]), dtype=bool) if held is None else held
    columns = live if len(live) < len(state) else None
    lists, places = strongest_inside(found.responses, held, m, columns=columns, signs=signs)
    return Candidates(lists, np.tile(live, len(signs)), np.repeat(signs, len(live)), state, places)


def live_responses(found: Directions, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Responses (N, L) of the live directions, none of them two-sided, and which these are."""
    live = live_directions(found, m)[1]
    # Copied only where some are left out: responses are what a large set fills the memory with.
    whole = len(live) == found.responses.shape[1]
    return found.responses if whole else found.responses[:, live], live


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
    counts = {method: directions.responses.shape[0] for method, directions in found.items()}
    if len({*counts.values()}) != 1:
        raise ArgumentError(f"found holds responses of other numbers of stimuli: {counts}")
    every = {method: candidates(directions, index.m) for method, directions in found.items()}
    sets = np.concatenate([one.lists for one in every.values()])
    tables = []
    for similarity in similarities:
        means = similarity.within(sets)
        start = 0
        for method, one in every.items():
            own = slice(start, start := start + len(one.lists))
            rows = index_rows(
                one, {x: values[own] for x, values in means.items()}, similarity, index
            )
            tables.append(rows.assign(method=method))
    return pd.concat(tables, ignore_index=True)[COLUMNS]


def index_rows(one: Candidates, means: Parts, similarity: Similarity, index: Index) -> pd.DataFrame:
    """Rows of an `index_table` of a method, part by part, without the method's name.

    Args:
        one: its candidates (C).
        means: similarity (C,) of each one's images, by part.
        similarity: the metric that they are by.
        index: how pairs are averaged.
    """
    own = similarity.self_similarity
    scores = {part: index.of_pairs(values, own) for part, values in means.items()}
    kept = _better_signs(one, scores[ALL])
    tables = [_rows(one, kept, values).assign(part=part) for part, values in scores.items()]
    return pd.concat(tables, ignore_index=True).assign(metric=similarity.metric)


def check_live(found: dict[str, Directions], layer: str, m: int) -> None:
    """Refuse a layer whose units can't be compared.

    Raises:
        UserError: fewer than 2 of the units have m most exciting images.
    """
    units = found.get("neurons")
    if units is None:
        return
    count = units.responses.shape[0]
    if m > count:
        raise UserError(f"index.m: {m} is more than the {count} stimuli; lower it")
    if (live := len(live_directions(units, m)[1])) < 2:
        raise UserError(
            f"layer {layer}: {live} of {len(units.vectors)} units have {m} exciting images among "
            f"the {count} stimuli, at least 2 are needed; lower index.m, "
            "leave the layer out of directions.layers, or take another set"
        )


def exciting_images(found: Iterable[Directions], m: int) -> np.ndarray:
    """The m most exciting images of all live directions together, each once, sorted: (U,)."""
    return np.unique(np.concatenate([candidates(one, m).lists for one in found]))


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
