"""Further scores of directions beside the index: MIS, monosemanticity, and Semantic Lens' three.

Each is taken of all images, and of random two thirds of the groups of them, for its interval.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from codespectra.directions.directions import Directions
from codespectra.experiments.further_options import (
    CLARITY,
    MIS,
    MIS_LIMIT,
    MONOSEMANTICITY,
    POLYSEMANTICITY,
    REDUNDANCY,
    Options,
)
from codespectra.experiments.machine_interpretability import machine_interpretability, mis_design
from codespectra.experiments.psychophysics import Trials, make_trials, margins
from codespectra.interpretability.cosines import Cosines
from codespectra.interpretability.index import DEAD, LIVE, RARE
from codespectra.interpretability.monosemanticity import monosemanticity
from codespectra.interpretability.semantic_lens import clarity, polysemanticity, redundancy
from codespectra.interpretability.similarity import Similarity
from codespectra.statistics.hierarchy import reach_of
from codespectra.statistics.ranking import top_stimuli
from codespectra.statistics.subsamples import image_deviations, subsamples

OWN_SIMILARITY, COSINE = "the metric's own", "cosine of embeddings"

# A score of all images, then of each subsample of them: (1 + R, K).
Draws = np.ndarray


@dataclass(frozen=True)
class Metric:
    """A metric on a stimulus set: its similarity of some images, and cosines if it embeds them."""

    name: str
    similarity: Callable[[list[np.ndarray]], Similarity]
    cosines: Cosines | None = None


@dataclass(frozen=True)
class Parts:
    """All images, then subsamples of them: `groups` (N,) of images, `held` (1 + R, G) by part."""

    groups: np.ndarray
    held: np.ndarray

    @classmethod
    def of(cls, groups: np.ndarray, options: Options) -> "Parts":
        """Two thirds of the groups, 0 to G - 1, as often as the options say."""
        count = groups.max() + 1
        drawn = subsamples(count, options.resamples, options.seed)
        return cls(groups, np.vstack([np.ones((1, count), dtype=bool), drawn]))

    @property
    def count(self) -> int:
        """Of groups."""
        return self.held.shape[1]

    @property
    def smallest(self) -> int:
        """Images of the smallest part."""
        return int(self.held[:, self.groups].sum(axis=1).min())

    def __iter__(self) -> Iterator[np.ndarray]:
        """The images of each part, ascending."""
        return map(np.flatnonzero, self.held[:, self.groups])


def score_directions(
    found: Directions,
    signs: dict[str, np.ndarray],
    metrics: list[Metric],
    parts: Parts,
    options: Options,
) -> dict[str, dict[str, Draws]]:
    """Every score of each direction by metric; nan where a direction isn't live for a score.

    Args:
        found: K directions of a layer.
        signs: by metric, (K,) 1 or -1: which end of the responses is the stronger one.
        metrics: of the images.
        parts: of the images.
        options: of the scores.
    """
    of_trials, of_all, of_top = (
        np.flatnonzero(states(found, options.exciting(score)) == LIVE)
        for score in (MIS, MONOSEMANTICITY, CLARITY)
    )
    trials: dict[bytes, list[Trials]] = {}  # most metrics agree on the signs
    scores: dict[str, dict[str, Draws]] = {}
    for metric in metrics:
        own = signs[metric.name]
        if own.tobytes() not in trials:
            trials[own.tobytes()] = _trials(_oriented(found, own, of_trials), parts, options)
        measured = [(of_trials, _trial_scores(trials[own.tobytes()], metric, options))]
        if metric.cosines is not None:
            oriented = _oriented(found, own, of_all), _oriented(found, own, of_top)
            of_images = monosemanticity(oriented[0], metric.cosines, parts.groups, parts.held)
            measured.append((of_all, {MONOSEMANTICITY: of_images}))
            measured.append((of_top, _scores_of_top(oriented[1], metric.cosines, parts, options)))
        scores[metric.name] = {
            score: _scattered(values, live, len(own))
            for live, family in measured
            for score, values in family.items()
        }
    return scores


def _oriented(found: Directions, signs: np.ndarray, live: np.ndarray) -> np.ndarray:
    """Responses of some directions, larger ones stronger."""
    return found.responses[:, live] * signs[live].astype(np.float32)


def _scattered(values: np.ndarray, live: np.ndarray, count: int) -> Draws:
    found = np.full((len(values), count), np.nan)
    found[:, live] = values
    return found


def states(found: Directions, exciting: int) -> np.ndarray:
    """The state (K,) of each direction: `live`, `rare` or `dead`, as the index has them."""
    return np.where(found.dead, DEAD, np.where(found.rare(exciting), RARE, LIVE))


def _trials(responses: np.ndarray, parts: Parts, options: Options) -> list[Trials]:
    """Those of MIS among the images of each part."""
    design, found = mis_design(options), []
    for rows in parts:
        own = make_trials(responses[rows], 0.0, design)
        found.append(replace(own, references=rows[own.references], queries=rows[own.queries]))
    return found


def _trial_scores(trials: list[Trials], metric: Metric, options: Options) -> dict[str, Draws]:
    """MIS at the slope, and its limit."""
    similarity = metric.similarity([one.images for one in trials])
    found = [margins(similarity, one, mis_design(options)) for one in trials]
    slopes = {MIS: options.slope, MIS_LIMIT: np.inf}
    return {
        score: np.stack([machine_interpretability(own, slope) for own in found])
        for score, slope in slopes.items()
    }


def _scores_of_top(
    responses: np.ndarray, cosines: Cosines, parts: Parts, options: Options
) -> dict[str, Draws]:
    """Scores of the most exciting images of each part."""
    draws: dict[str, list[np.ndarray]] = {CLARITY: [], POLYSEMANTICITY: [], REDUNDANCY: []}
    for rows in parts:
        sets = rows[top_stimuli(responses[rows], options.top)]
        pairs = cosines.among(sets)
        draws[CLARITY].append(clarity(pairs))
        draws[POLYSEMANTICITY].append(polysemanticity(pairs))
        draws[REDUNDANCY].append(redundancy(cosines, sets))
    return {score: np.stack(values) for score, values in draws.items()}


def score_table(
    scores: dict[str, Draws], found: Directions, options: Options, groups: int
) -> pd.DataFrame:
    """A row a score and direction, with Student's 95 % interval over so many groups of images.

    Returns:
        score, similarity, slope (of MIS alone), images (that a score looks at), direction, state,
        value, low, high.
    """
    tables = []
    for score, (value, *draws) in scores.items():
        variance = np.mean(image_deviations(np.array(draws), groups) ** 2, axis=0)
        reach = stdtrit(groups - 1, 0.975) * np.sqrt(variance)
        columns = {
            **_described(score, options, len(found.responses)),
            "direction": np.arange(len(value)),
            "state": states(found, options.exciting(score)),
        }
        ends = {"value": value, "low": value - reach, "high": value + reach}
        tables.append(pd.DataFrame(columns | ends))
    return pd.concat(tables, ignore_index=True)


def _described(score: str, options: Options, count: int) -> dict[str, Any]:
    of_trials = score in (MIS, MIS_LIMIT)
    shown = options.of_trials if of_trials else options.top
    return {
        "score": score,
        "similarity": OWN_SIMILARITY if of_trials else COSINE,
        "slope": {MIS: options.slope, MIS_LIMIT: np.inf}.get(score, np.nan),
        "images": count if score == MONOSEMANTICITY else shown,
    }


def moments_table(scores: dict[str, Draws]) -> pd.DataFrame:
    """Mean and variance of each score over the live directions, on each subsample.

    Returns:
        score, draw, mean, variance, count.
    """
    tables = []
    for score, draws in scores.items():
        live = draws[1:, np.isfinite(draws[0])]
        columns = {"score": score, "draw": np.arange(len(live))}
        columns |= _moments(pd.DataFrame(live))
        tables.append(pd.DataFrame(columns | {"count": live.shape[1]}))
    return pd.concat(tables, ignore_index=True)


def _moments(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """Of the known values of each row; nan where there are none, or no two."""
    return {"mean": rows.mean(axis=1).to_numpy(), "variance": rows.var(axis=1).to_numpy()}


def means_table(table: pd.DataFrame, moments: pd.DataFrame, groups: int) -> pd.DataFrame:
    """Mean of each score over the live directions, whose variance and that over images add up.

    Args:
        table: of `score_table`.
        moments: of `moments_table`.
        groups: of images, two thirds of which are drawn.

    Returns:
        score, similarity, slope, images, directions, live, rare, dead (counts), mean, low, high.
    """
    rows = []
    for score, own in table.groupby("score", sort=False):
        known = own["value"].dropna()
        draws = moments.loc[moments["score"] == score, "mean"].to_numpy()
        over_images = float(np.mean(image_deviations(draws, groups) ** 2))
        variances = [float(known.var()) / max(len(known), 1), over_images]
        reach = np.nan
        if np.isfinite(variances).all():
            reach, _ = reach_of(variances, [np.inf, groups - 1])
        told = own.iloc[0][["score", "similarity", "slope", "images"]].to_dict()
        counts = {state: int((own["state"] == state).sum()) for state in (LIVE, RARE, DEAD)}
        mean = float(known.mean())
        ends = {"mean": mean, "low": mean - reach, "high": mean + reach}
        rows.append(told | {"directions": len(own)} | counts | ends)
    return pd.DataFrame(rows)
