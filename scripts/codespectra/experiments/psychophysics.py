"""Psychophysics in silico: which of two queries is like the references (B §2.3, eq. 2, 3).

A trial shows a direction's most and least exciting images as references and asks which of two
queries excites it more. The answer is the query that is more like the references. An axis of two
holds the positive side first, then the negative one.
"""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from codespectra.directions.directions import Directions
from codespectra.errors import UserError
from codespectra.experiments.preference import pooled_preference
from codespectra.experiments.trial_design import Design
from codespectra.interpretability.index import candidates
from codespectra.interpretability.parts import ALL
from codespectra.interpretability.similarity import Similarity
from codespectra.statistics.intervals import mean_interval
from codespectra.statistics.proportions import wilson_interval
from codespectra.statistics.ranking import top_stimuli

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
            live = candidates(directions, m)
            keys = {"layer": layer, "method": method, "direction": live.direction}
            for difficulty in design.difficulties:
                parts.append(make_trials(live.responses, difficulty, design))
                sheets.append(pd.DataFrame(keys | {"difficulty": difficulty}))
    arrays = ([getattr(part, field.name) for part in parts] for field in fields(Trials))
    return pd.concat(sheets, ignore_index=True), Trials(*map(np.concatenate, arrays))


def make_trials(responses: np.ndarray, difficulty: float, design: Design) -> Trials:
    """Trials of one difficulty, from responses (N, K).

    Either end is ranked by itself, ties to the lowest index. Queries are paired at random.
    """
    ranks = design.ranks(len(responses), difficulty)
    ends = [top_stimuli(side, ranks.end) for side in (responses, -responses)]
    ranked = np.stack(ends, axis=1)
    references = ranked[:, :, ranks.references : ranks.references + design.references]
    queries = ranked[:, :, ranks.queries :]
    queries[:, 1] = np.random.default_rng(design.seed).permuted(queries[:, 1], axis=1)
    own = responses[queries, np.arange(responses.shape[1])[:, None, None]]
    return Trials(references, queries, own[:, 0] > own[:, 1])


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
