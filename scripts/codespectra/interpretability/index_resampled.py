"""The Interpretability Index on random two thirds of the images, and its intervals."""

from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from codespectra.data.stimulus_file import labels_of
from codespectra.interpretability.index import LIVE, Candidates, Index, index_rows
from codespectra.interpretability.similarity import Similarity
from codespectra.statistics.subsamples import image_deviations

Key = TypeVar("Key", bound=Hashable)


def image_groups(resampled: str, stimuli: str | Path, count: int) -> np.ndarray:
    """Which of the groups of images that are drawn whole each belongs to (count,).

    Its class where `resampled` is `classes`, as tiles of one photograph are alike; else itself.

    Raises:
        UserError: the file of the stimuli has no labels, or fewer than three classes.
    """
    if resampled == "classes":
        return labels_of(stimuli, "index.resampled")[0]
    return np.arange(count)


def resampled_index(
    every: Mapping[Key, Candidates], similarity: Similarity, index: Index
) -> Iterator[tuple[Key, pd.DataFrame, np.ndarray]]:
    """By key: rows of an `index_table`, and their index (rows, resamples) on each subsample.

    Directions and their signs stay as they are; each subsample has its own most exciting images.
    `image_deviations` says what the draws tell of fresh images. The metric's file is read once for
    all keys, of which none changes the order of another's sums.

    Args:
        every: candidates of each method and layer, with their places in random two thirds.
        similarity: a metric that holds all images.
        index: of `index_table`.
    """
    answers = similarity.of_lists([(one.lists, one.places) for one in every.values()])
    for (key, one), (means, drawn) in zip(every.items(), answers, strict=True):
        table = index_rows(one, means, similarity, index)
        draws = np.full((len(table), len(one.places)), np.nan)
        for part, rows in table.groupby("part", sort=False).indices.items():
            kept = table["sign"].to_numpy()[rows][one.direction] == one.sign
            scores = index.of_pairs(drawn[part][kept], similarity.self_similarity)
            draws[rows[one.direction[kept]]] = scores
        yield key, table, draws


def with_intervals(table: pd.DataFrame, draws: np.ndarray, groups: int) -> pd.DataFrame:
    """An `index_table` with the columns low and high: 95 %, Student's, from its `resampled_index`.

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
