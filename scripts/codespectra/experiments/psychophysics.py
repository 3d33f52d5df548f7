"""Psychophysics in silico: which of two queries is like the references (B §2.3, eq. 2, 3).

A trial shows a direction's most and least exciting images as references and asks which of two
queries excites it more. The answer is the query that is more like the references. An axis of two
holds the positive side first, then the negative one.
"""

from dataclasses import dataclass, fields

import h5py
import numpy as np
import pandas as pd

from codespectra.directions.directions import Directions
from codespectra.errors import UserError
from codespectra.experiments.preference import pooled_preference
from codespectra.experiments.trial_design import Design, Ranks
from codespectra.interpretability.index import live_directions
from codespectra.interpretability.parts import ALL
from codespectra.interpretability.similarity import Similarity
from codespectra.statistics.intervals import mean_interval
from codespectra.statistics.proportions import wilson_interval
from codespectra.statistics.ranking import top_stimuli
from codespectra.statistics.row_blocks import column_blocks

CONTEXT = ["model", "weights", "stimuli", "stimulus_count", "m"]
LayerDirections = dict[str, dict[str, Directions]]


@dataclass(frozen=True)
class Trials:
    """Images of K directions with T trials each.

    A trial whose queries raise the same response has no right answer and isn't counted. Since no
    positive reference is weaker than its query and no negative one stronger, the images of a
    counted trial are all distinct.
    """

    references: np.ndarray  # (K, 2, R), the most extreme first
    queries: np.ndarray  # (K, 2, T), of trial t at the same place on both sides
    counted: np.ndarray  # (K, T) bool

    @property
    def images(self) -> np.ndarray:
        """All images that are shown, sorted."""
        return np.unique(np.concatenate([self.references.ravel(), self.queries.ravel()]))


def lay_out(found: LayerDirections, m: int, design: Design) -> tuple[pd.DataFrame, Trials]:
    """Trials of every live direction at every difficulty.

    Args:
        found: directions by layer and method.
        m: as many images must excite a live direction.
        design: of the trials; `trial_design.shortages` finds none.

    Returns:
        layer, method, direction, difficulty: a row for each of the K; and the trials.

    Raises:
        UserError: a method's directions have no sign.
    """
    sheets, parts = [], []
    for layer, methods in found.items():
        for method, directions in methods.items():
            if directions.two_sided:
                raise UserError(
                    f"interpretability.psychophysics.methods: {method} has no sign of its own, so "
                    "that no end of its responses is the stronger one; leave it out"
                )
            live = live_directions(directions, m)[1]
            keys = {"layer": layer, "method": method, "direction": live}
            for difficulty in design.difficulties:
                parts.append(make_trials(directions.responses, difficulty, design, live))
                sheets.append(pd.DataFrame(keys | {"difficulty": difficulty}))
    arrays = ([getattr(part, field.name) for part in parts] for field in fields(Trials))
    return pd.concat(sheets, ignore_index=True), Trials(*map(np.concatenate, arrays))


def make_trials(
    responses: np.ndarray | h5py.Dataset,
    difficulty: float,
    design: Design,
    columns: np.ndarray | None = None,
) -> Trials:
    """Trials of one difficulty, from responses (N, K) to all directions or some of their columns.

    Either end is ranked by itself, ties to the lowest index. Queries are paired at random.
    """
    ranks = design.ranks(responses.shape[0], difficulty)
    columns = np.arange(responses.shape[1]) if columns is None else columns
    blocks = column_blocks(responses, columns)
    parts = zip(*(_ends(rows, ranks, design) for rows in blocks), strict=True)
    references, queries, own = (np.concatenate(part) for part in parts)
    order = np.tile(np.arange(design.trials), (len(queries), 1))
    order = np.random.default_rng(design.seed).permuted(order, axis=1)
    for ends in (queries, own):
        ends[:, 1] = np.take_along_axis(ends[:, 1], order, axis=1)
    return Trials(references, queries, own[:, 0] > own[:, 1])


def _ends(responses: np.ndarray, ranks: Ranks, design: Design) -> tuple[np.ndarray, ...]:
    """References, queries and responses to these by rank at either end: (K, 2, ...) each."""
    ends = [top_stimuli(responses, ranks.end, sign=sign) for sign in (1, -1)]
    ranked = np.stack(ends, axis=1)
    queries = ranked[:, :, ranks.queries :]
    own = responses[queries, np.arange(responses.shape[1])[:, None, None]]
    return ranked[:, :, ranks.references : ranks.references + design.references], queries, own


def answer(similarity: Similarity, trials: Trials, design: Design) -> np.ndarray:
    """Score of each trial's answer (K, T): 1 right, 0 wrong, 0.5 a tie; nan if it isn't counted."""
    return (1 + np.sign(margins(similarity, trials, design))) / 2


def margins(similarity: Similarity, trials: Trials, design: Design) -> np.ndarray:
    """How much more a trial's positive query is preferred (K, T); nan if it isn't counted."""
    sides = 1 if design.sides == "positive" else 2
    count, ends, each = trials.queries.shape  # there may be none, which leaves no size to infer
    queries = trials.queries.reshape(count, ends * each)
    references = np.repeat(trials.references[:, :sides], queries.shape[1], axis=0)
    liked = preference(similarity, queries.ravel(), references, design.pool)
    positive, negative = np.moveaxis(liked.reshape(trials.queries.shape), 1, 0)
    return np.where(trials.counted, positive - negative, np.nan)


def preference(
    similarity: Similarity, images: np.ndarray, references: np.ndarray, pool: str
) -> np.ndarray:
    """Similarity to the positive references, less that to the negative ones if there are any.

    Args:
        similarity: a metric.
        images: (U,).
        references: of each image, (U, 1 or 2, R).
        pool: `min`, the nearest reference counts (eq. 2); `mean`, all alike.
    """
    count, sides, each = references.shape
    values = similarity.between(images, references.reshape(count, sides * each))[ALL]
    return pooled_preference(values.reshape(references.shape), pool)


def accuracy_table(sheet: pd.DataFrame, right: np.ndarray, metric: str) -> pd.DataFrame:
    """Accuracy of each direction (eq. 3), a tie counting half; missing without a counted trial.

    The sheet of `lay_out` with the columns metric, trials, correct, accuracy.
    """
    counted, correct = np.isfinite(right).sum(axis=1), np.nansum(right, axis=1)
    accuracy = np.divide(correct, counted, out=np.full(len(right), np.nan), where=counted > 0)
    return sheet.assign(metric=metric, trials=counted, correct=correct, accuracy=accuracy)


def by_method(accuracy: pd.DataFrame) -> pd.DataFrame:
    """Accuracy of a method at each difficulty, with two 95 % intervals.

    Wilson's takes all trials as independent, while those of one direction share references; the
    other is Student's, of the mean over directions.

    Args:
        accuracy: `accuracy_table`s with the columns that `write_scores` puts before them.

    Returns:
        For each metric, method and difficulty of a layer: trials, correct, accuracy, wilson_low,
        wilson_high; and over directions: directions, mean, low, high.
    """
    groups = accuracy.groupby([*CONTEXT, "layer", "method", "metric", "difficulty"], sort=False)
    table = groups[["trials", "correct"]].sum().reset_index()
    table["accuracy"] = table["correct"] / table["trials"]
    table[["wilson_low", "wilson_high"]] = [
        wilson_interval(row.correct, row.trials) for row in table.itertuples()
    ]
    table["directions"] = groups["accuracy"].count().to_numpy()
    table[["mean", "low", "high"]] = [
        mean_interval(own.to_numpy()) for _, own in groups["accuracy"]
    ]
    return table
