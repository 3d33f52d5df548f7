"""Detection and fuzzing: can a judge who knows an explanation tell where the unit responds?

Paulo et al. 2024 (delphi). The judge sees the excerpts that the explanation's simulation is scored
on, shuffled, and answers 1 or 0 for each. Detection: whether it is one of those with the unit's
strongest responses, or of the random ones. Fuzzing: tokens are highlighted; among the strongest
those with at least `HIGHLIGHTED` of the excerpt's largest response, among the random ones as many
others, drawn anew; the judge answers whether they are those that the unit responds to. The score is
the balanced accuracy (TP / P + TN / N) / 2; what is answered otherwise is left out and counted.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from codespectra.explanations.neuron_records import (
    TOP_SPLITS,
    ActivationRecord,
    NeuronRecord,
    interleaved,
)
from codespectra.statistics.proportions import mean_of_shares

HIGHLIGHTED = 0.3  # of an excerpt's largest response, as in delphi
UNPARSED = math.nan  # an answer that is neither 1 nor 0

DETECTION, FUZZING = "detection", "fuzzing"
SCORES = (DETECTION, FUZZING)


class Context(NamedTuple):
    """An excerpt that a judge sees.

    Attributes:
        place: of the excerpt in the unit's `valid` split.
        tokens: L strings.
        highlighted: (L,) bool; none in detection.
        is_true: whether 1 is the right answer.
    """

    place: int
    tokens: list[str]
    highlighted: np.ndarray
    is_true: bool


# From the contexts of one score to an answer each: 1, 0 or `UNPARSED`.
Judge = Callable[[str, Sequence[Context]], Sequence[float]]
# Columns of a unit in the scores' table.
Judged = dict[str, float]


def judged(record: NeuronRecord, judge: Judge) -> Judged:
    """Both scores of an explanation, each with its interval, contexts that count, and unparsed.

    A judge is asked nothing where all contexts have the same right answer, and there is no score.

    Args:
        record: of the unit.
        judge: is given the score's name and its contexts.
    """
    columns = {}
    for score, contexts in ((DETECTION, to_detect(record)), (FUZZING, to_fuzz(record))):
        truth = [one.is_true for one in contexts]
        told_apart = any(truth) and not all(truth)
        columns |= _columns(score, truth, judge(score, contexts)) if told_apart else _columns(score)
    return columns


def unjudged() -> Judged:
    """The same of a unit without an explanation."""
    return {name: value for score in SCORES for name, value in _columns(score).items()}


def to_detect(record: NeuronRecord) -> list[Context]:
    """The excerpts of the `valid` split, nothing highlighted."""
    return [
        Context(place, excerpt.tokens, np.zeros(len(excerpt.tokens), bool), is_top)
        for place, (excerpt, is_top) in enumerate(_valid(record))
    ]


def to_fuzz(record: NeuronRecord) -> list[Context]:
    """The same with highlighted tokens; an excerpt where none can be is left out.

    Random excerpts have as many as the others do on average, rounded up, or all that there are.
    They are drawn by the unit's numbers, so that a later job highlights the same.
    """
    excerpts = _valid(record)
    right = [_responding(excerpt) for excerpt, _ in excerpts]
    counts = [
        int(tokens.sum()) for tokens, (_, is_top) in zip(right, excerpts, strict=True) if is_top
    ]
    count = math.ceil(np.mean(counts)) if counts else 0
    rng = np.random.default_rng([record.neuron_id.layer_index, record.neuron_id.neuron_index])
    contexts = [
        Context(place, excerpt.tokens, own if is_top else _drawn(~own, count, rng), is_top)
        for place, ((excerpt, is_top), own) in enumerate(zip(excerpts, right, strict=True))
    ]
    return [context for context in contexts if context.highlighted.any()]


def _valid(record: NeuronRecord) -> list[tuple[ActivationRecord, bool]]:
    """Excerpts of the `valid` split, and whether they are of the strongest."""
    excerpts = record.split("valid")
    tops = len(interleaved(record.most_positive_activation_records, TOP_SPLITS, "valid"))
    return [(excerpt, place < tops) for place, excerpt in enumerate(excerpts)]


def _responding(excerpt: ActivationRecord) -> np.ndarray:
    """Tokens with at least `HIGHLIGHTED` of the largest response; none if that isn't positive."""
    responses = np.array(excerpt.activations)
    return (responses >= HIGHLIGHTED * responses.max()) & (responses > 0)


def _drawn(possible: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """So many of the possible tokens, or all."""
    places = np.flatnonzero(possible)
    drawn = np.zeros(len(possible), bool)
    drawn[rng.choice(places, min(count, len(places)), replace=False)] = True
    return drawn


def _columns(score: str, truth: Sequence[bool] = (), answers: Sequence[float] = ()) -> Judged:
    right, given = np.array(truth, bool), np.array(answers, float)
    parsed = np.isfinite(given)
    shares = [
        (int((given[own] == answer).sum()), int(own.sum()))
        for answer, own in ((1, parsed & right), (0, parsed & ~right))
    ]
    accuracy, low, high = mean_of_shares(*shares)
    return {
        score: accuracy,
        f"{score}_low": low,
        f"{score}_high": high,
        f"{score}_contexts": int(parsed.sum()),
        f"{score}_unparsed": int((~parsed).sum()),
    }
