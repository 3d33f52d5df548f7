"""The Interpretability Index on random two thirds of the images, and its intervals."""

from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from codespectra.data.stimulus_file import labels_of
from codespectra.directions.directions import Directions
from codespectra.errors import UserError
from codespectra.interpretability.index import LIVE, Candidates, Index, by_method, candidates
from codespectra.interpretability.similarity import Similarity
from codespectra.statistics.ranking import top_stimuli
from codespectra.statistics.subsamples import image_deviations


def image_groups(resampled: str, stimuli: str | Path, count: int) -> np.ndarray:
    """Which of the groups of images that are drawn whole each belongs to (count,).

    Its class where `resampled` is `classes`, as tiles of one photograph are alike; else itself.

    Raises:
        UserError: the file of the stimuli has no labels, or fewer than three classes.
    """
    if resampled == "classes":
        return labels_of(stimuli, "index.resampled")[0]
    return np.arange(count)


def index_draws(
    table: pd.DataFrame,
    found: dict[str, Directions],
    similarities: list[Similarity],
    index: Index,
    held: np.ndarray,
) -> np.ndarray:
    """The index (rows, resamples) of an `index_table` on random two thirds of the images.

    Directions and their signs stay as they are; each subsample has its own most exciting images.
    `image_deviations` says what the draws tell of fresh images.

    Args:
        table, found, similarities, index: of `index_table`.
        held: which stimuli each subsample holds, (resamples, N).
    """
    every = {method: candidates(directions, index.m) for method, directions in found.items()}
    lists, chosen = _strongest(every.values(), held, index.m)
    draws = np.full((len(table), len(held)), np.nan)
    places = table.groupby(["method", "metric", "part"], sort=False).indices
    for similarity in similarities:
        pairs = {part: _pair_means(v, chosen) for part, v in similarity.among(lists).items()}
        scores = {k: index.of_pairs(v, similarity.self_similarity) for k, v in pairs.items()}
        for method, one, own in by_method(every, scores):
            for part, values in own.items():
                rows = places[method, similarity.metric, part]
                kept = table["sign"].to_numpy()[rows][one.direction] == one.sign
                draws[rows[one.direction[kept]]] = values[kept]
    return draws


def with_intervals(table: pd.DataFrame, draws: np.ndarray, groups: int) -> pd.DataFrame:
    """An `index_table` with the columns low and high: 95 %, Student's, from its `index_draws`.

    `groups` counts what the draws took two thirds of.
    """
    variance = np.mean(image_deviations(draws.T, groups) ** 2, axis=0)
    reach = stdtrit(groups - 1, 0.975) * np.sqrt(variance)
    return table.assign(low=table["ii"] - reach, high=table["ii"] + reach)


def draws_by_method(table: pd.DataFrame, draws: np.ndarray) -> pd.DataFrame:
    """Mean and variance of the live directions' index on each subsample, by method.

    Returns:
        method, metric, part, draw, mean, variance, count.
    """
    groups = []
    for keys, rows in table.groupby(["method", "metric", "part"], sort=False).indices.items():
        values = draws[rows][table["state"].to_numpy()[rows] == LIVE]
        head = dict(zip(("method", "metric", "part"), keys, strict=True))
        columns = {"draw": np.arange(draws.shape[1]), **_moments(values), "count": len(values)}
        groups.append(pd.DataFrame(head | columns))
    return pd.concat(groups, ignore_index=True)


def _moments(values: np.ndarray) -> dict[str, np.ndarray]:
    if len(values) < 2:
        missing = np.full(values.shape[1], np.nan)
        return {"mean": values[0] if len(values) else missing, "variance": missing}
    return {"mean": values.mean(axis=0), "variance": values.var(axis=0, ddof=1)}


def images_of_draws(found: Iterable[Directions], m: int, held: np.ndarray) -> np.ndarray:
    """Images that `index_table` and `index_draws` compare, sorted."""
    return np.unique(_strongest([candidates(directions, m) for directions in found], held, m)[0])


def _strongest(
    every: Collection[Candidates], held: np.ndarray, m: int
) -> tuple[np.ndarray, np.ndarray]:
    """`strongest_inside` of all candidates (C) in a row, without a matrix of all their responses.

    Returns:
        Stimuli by strength (C, L) and the places in them of each subsample's (resamples, C, m).
    """
    found = [strongest_inside(one.responses, held, m) for one in every]
    length = max(lists.shape[1] for lists, _ in found)
    longest = [
        lists if lists.shape[1] == length else top_stimuli(one.responses, length)
        for one, (lists, _) in zip(every, found, strict=True)
    ]
    return np.concatenate(longest), np.concatenate([places for _, places in found], axis=1)


def _pair_means(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Mean (S, resamples) over the pairs of chosen places (resamples, S, M) in values (S, L, L)."""
    first, second = np.triu_indices(chosen.shape[-1], k=1)
    sets = np.arange(len(values))[None, :, None]
    return values[sets, chosen[..., first], chosen[..., second]].mean(axis=-1).T


def strongest_inside(
    responses: np.ndarray, held: np.ndarray, m: int
) -> tuple[np.ndarray, np.ndarray]:
    """The m strongest stimuli of each direction within each subsample, ties to the lowest index.

    Args:
        responses: (N, K).
        held: which stimuli each subsample holds, (resamples, N).
        m: how many.

    Returns:
        Stimuli by strength (K, L), as many as any subsample needs, and the places in them of each
        one's strongest (resamples, K, m).

    Raises:
        UserError: a subsample has fewer than m.
    """
    count, fewest = len(responses), int(held.sum(axis=1).min())
    if fewest < m:
        raise UserError(
            f"m: {m} is more than the {fewest} stimuli of a subsample, on "
            f"which intervals rest; lower it or take a set of at least {3 * m // 2}"
        )
    length = min(8 * m, count)
    lists = top_stimuli(responses, length)
    while (held[:, lists].sum(axis=-1) < m).any():
        length = min(2 * length, count)
        lists = top_stimuli(responses, length)
    places = np.argsort(~held[:, lists], axis=-1, kind="stable")[..., :m]
    return lists[:, : places.max(initial=0) + 1], places
