"""Which units of a layer are explained, their responses to a text, and the excerpts that show them.

A unit is a neuron of the layer's activations A (R tokens, D), or a random direction r in R^D with
entries N(0, 1/D), whose response is the scalar A r (paper A, fig. 7b). Layers of equal width and
depth share their directions, those of the untrained network too. `low_action` are the smoothest of
many such directions: those along which the response steps least from token to token.

An excerpt is a whole sequence. All functions are deterministic and see the same rounded responses,
so that a later job finds the same excerpts again. Rows are read in slabs of whole sequences.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from codespectra.capture.rows import SLAB, Rows
from codespectra.data.tokens import Tokens
from codespectra.errors import UserError
from codespectra.explanations.neuron_records import (
    RANDOM_SPLITS,
    TOP_SPLITS,
    ActivationRecord,
    NeuronId,
    NeuronRecord,
    Split,
    interleaved,
)
from codespectra.explanations.unit_kinds import LOW_ACTION, NEURON, PROJECTION
from codespectra.statistics.ranking import strongest

log = logging.getLogger("codespectra")

DIGITS = 6  # of a unit's responses, counted from its largest

# What a random stream is for: streams of different uses and numbers are independent.
_DIRECTION, _NEURONS, _EXCERPTS_OF_NEURON, _EXCERPTS_OF_DIRECTION = range(1, 5)


@dataclass(frozen=True)
class Excerpts:
    """Sequences that show a unit, by number.

    Attributes:
        top: (top,) those with the largest responses, strongest first, ties to the lowest number.
        random: (random,) of the others, in random order.
    """

    top: np.ndarray
    random: np.ndarray

    def split(self, name: Split) -> list[int]:
        """Sequences of the excerpts that `NeuronRecord.split` gives, in its order."""
        top = interleaved(self.top.tolist(), TOP_SPLITS, name)
        if name not in RANDOM_SPLITS:
            return top
        return top + interleaved(self.random.tolist(), RANDOM_SPLITS, name)


@dataclass(frozen=True)
class Text:
    """The tokens of S sequences as strings, and where each sequence's rows begin and end.

    Attributes:
        bounds: (S + 1,) rows; sequence s has bounds[s] to bounds[s + 1].
        strings: the tokens of each sequence.
    """

    bounds: np.ndarray
    strings: list[list[str]]

    @classmethod
    def of(cls, tokens: Tokens) -> "Text":
        """From the tokens of an activations file."""
        starts = np.flatnonzero(np.diff(tokens.sequence, prepend=-1))
        parts = np.split(tokens.token, starts[1:])
        strings = [[tokens.vocabulary[code] for code in codes] for codes in parts]
        return cls(np.append(starts, len(tokens.sequence)), strings)

    def rows(self, sequence: int) -> slice:
        """Rows of one sequence."""
        return slice(self.bounds[sequence], self.bounds[sequence + 1])


def direction(width: int, *, draw: int, depth: int, seed: int) -> np.ndarray:
    """Random direction r (width,) float32 with entries N(0, 1/width) (paper A, fig. 7b)."""
    noise = _stream(seed, depth, _DIRECTION, draw).standard_normal(width, dtype=np.float32)
    return noise / np.sqrt(np.float32(width))


def choose_units(
    rows: Rows, text: Text, *, units: int, draws: int, depth: int, seed: int
) -> pd.DataFrame:
    """The units of one layer that are explained, a row each: kind, unit, action.

    `neuron`: `units` of the neurons that vary, drawn without replacement, all if there are fewer.
    `projection`: draws 0 to `units` - 1. `low_action`: the `units` of all `draws` with the least
    action, least first; a draw can be of both kinds. Action: 1/2 sum of squared steps of the
    response within a sequence (paper A eq. 4, one axis, dt = 1), mean over sequences; r has length
    1 on average, so that neurons and directions compare.

    Memory: the directions (D, draws) and their responses to a slab, in float32.

    Args:
        rows: activations (R, D).
        text: where sequences begin and end.
        units: of each kind, at most `draws`.
        draws: directions among which the least action is sought.
        depth: of the layer; every depth has directions of its own.
        seed: of all draws.
    """
    width = rows.shape[1]
    directions = [direction(width, draw=draw, depth=depth, seed=seed) for draw in range(draws)]
    varies, neuron_action, action = _measure(rows, text, np.column_stack(directions))
    alive = np.flatnonzero(varies)
    if len(alive) < width:
        log.info("depth %d: %d of %d neurons never vary", depth, width - len(alive), width)
    rng = _stream(seed, depth, _NEURONS)
    neurons = np.sort(rng.choice(alive, min(units, len(alive)), replace=False))
    chosen = {
        NEURON: (neurons, neuron_action),
        PROJECTION: (np.arange(units), action),
        LOW_ACTION: (np.argsort(action, kind="stable")[:units], action),
    }
    return pd.concat(
        [
            pd.DataFrame({"kind": kind, "unit": numbers, "action": actions[numbers]})
            for kind, (numbers, actions) in chosen.items()
        ],
        ignore_index=True,
    )


def respond(rows: Rows, text: Text, chosen: pd.DataFrame, *, depth: int, seed: int) -> np.ndarray:
    """Responses (R, U) float64 of the chosen units, to six digits of each one's largest.

    Memory: these, one slab of the activations, and U directions of length D.

    Args:
        rows: activations (R, D).
        text: where sequences begin and end.
        chosen: a row a unit: kind, unit.
        depth: of the layer, as for `choose_units`.
        seed: as for `choose_units`.
    """
    width = rows.shape[1]
    weights = np.zeros((width, len(chosen)), np.float32)
    for column, (kind, unit) in enumerate(zip(chosen["kind"], chosen["unit"], strict=True)):
        if kind == NEURON:
            weights[unit, column] = 1
        else:
            weights[:, column] = direction(width, draw=unit, depth=depth, seed=seed)
    found = np.empty((rows.shape[0], len(chosen)))
    for slab in _slabs(text.bounds, width):
        found[slab] = rows[slab].astype(np.float32) @ weights
    return _rounded(found)


def find_excerpts(
    response: np.ndarray,
    text: Text,
    unit: NeuronId,
    kind: str,
    *,
    top: int,
    random: int,
    seed: int,
) -> Excerpts:
    """The sequences that show a unit best, and random ones of the others.

    Bills et al. (2023) draw their random excerpts from the whole data set, where they hardly ever
    meet the strongest. Here sequences are few: one that served the explanation could come again
    among those it is scored on. Hence an excerpt is in one of the two.

    Args:
        response: of the unit to each token (R,).
        text: the tokens.
        unit: layer (from 0) and number; with `seed` it seeds the random draw.
        kind: what the unit is; the two kinds of directions have the same excerpts.
        top: how many of the strongest, by their largest response.
        random: how many random ones.
        seed: of the draw.

    Raises:
        UserError: there are fewer sequences than `top` and `random` together.
    """
    count = len(text.strings)
    if top + random > count:
        raise UserError(
            f"language.explanations: top: {top} and random: {random} are more than the {count} "
            "sequences of the text; lower them or raise language.sequences"
        )
    peaks = np.maximum.reduceat(response, text.bounds[:-1])
    first = strongest(peaks[None], top)[0]
    purpose = _EXCERPTS_OF_NEURON if kind == NEURON else _EXCERPTS_OF_DIRECTION
    rng = _stream(seed, unit.layer_index + 1, purpose, unit.neuron_index)
    others = np.setdiff1d(np.arange(count), first)
    return Excerpts(first, rng.choice(others, random, replace=False))


def record_unit(
    response: np.ndarray, text: Text, unit: NeuronId, excerpts: Excerpts
) -> NeuronRecord:
    """A unit's excerpts and moments as neuron-explainer keeps them.

    The moments are of all tokens: variance with divisor R, skewness and kurtosis the third and
    fourth standardized moments without correction, so that a normal law has kurtosis 3 (neuron-
    explainer has fields for them and doesn't say how they were computed); nan if nothing varies.

    Args:
        response: of the unit to each token (R,).
        text: the tokens.
        unit: layer (from 0) and number.
        excerpts: what `find_excerpts` returns.
    """
    from scipy import stats  # half a second, on use

    varies = np.ptp(response) > 0
    return NeuronRecord(
        neuron_id=unit,
        random_sample=[excerpt(response, text, number) for number in excerpts.random],
        mean=float(response.mean()),
        variance=float(response.var()),
        skewness=float(stats.skew(response)) if varies else float("nan"),
        kurtosis=float(stats.kurtosis(response, fisher=False)) if varies else float("nan"),
        most_positive_activation_records=[
            excerpt(response, text, number) for number in excerpts.top
        ],
    )


def find_again(
    record: NeuronRecord, response: np.ndarray, text: Text, kind: str, *, seed: int
) -> Excerpts:
    """Find the sequences of a record's excerpts again, from the unit's responses (R,).

    Raises:
        UserError: the record shows others.
    """
    unit, top, random = (
        record.neuron_id,
        record.most_positive_activation_records,
        record.random_sample,
    )
    found = find_excerpts(response, text, unit, kind, top=len(top), random=len(random), seed=seed)
    numbers = [*found.top, *found.random]
    if [text.strings[number] for number in numbers] != [one.tokens for one in [*top, *random]]:
        raise UserError(
            f"records: {kind} {unit.neuron_index} at depth {unit.layer_index + 1} shows other "
            "excerpts than its activations give; delete the records of this model and rerun"
        )
    return found


def excerpt(response: np.ndarray, text: Text, sequence: int) -> ActivationRecord:
    """Tokens of one sequence and a unit's responses (R,) to them."""
    activations = response[text.rows(sequence)].tolist()
    return ActivationRecord(tokens=text.strings[sequence], activations=activations)


def _stream(seed: int, depth: int, purpose: int, number: int = 0) -> np.random.Generator:
    return np.random.default_rng([seed, depth, purpose, number])


def _slabs(bounds: np.ndarray, width: int) -> Iterator[slice]:
    """Rows of whole sequences, in order, of at most `SLAB` numbers unless one sequence has more."""
    start, most = 0, SLAB // width
    for end, following in zip(bounds[1:], [*bounds[2:], np.inf], strict=True):
        if following - start > most:
            yield slice(start, end)
            start = end


def _measure(
    rows: Rows, text: Text, directions: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which neurons vary (D,), their action (D,), and that of the directions (draws,)."""
    width, draws = directions.shape
    first, varies = rows[0], np.zeros(width, bool)
    neurons, projections = np.zeros(width), np.zeros(draws)
    is_start = np.zeros(rows.shape[0], bool)
    is_start[text.bounds[:-1]] = True
    for slab in _slabs(text.bounds, max(width, draws)):
        block = rows[slab]
        varies |= (block != first).any(axis=0)
        # No step leads from one sequence into the next.
        steps = np.diff(block.astype(np.float32), axis=0)[~is_start[slab][1:]]
        neurons += np.square(steps).sum(axis=0, dtype=np.float64)
        projections += np.square(steps @ directions).sum(axis=0, dtype=np.float64)
    half = 0.5 / len(text.strings)
    return varies, half * neurons, half * projections


def _rounded(responses: np.ndarray) -> np.ndarray:
    """Columns on a grid of their own, so that equal inputs tie and files stay small."""
    largest = np.abs(responses).max(axis=0)
    exponent = np.floor(np.log10(largest, out=np.zeros_like(largest), where=largest > 0))
    scale = 10.0 ** (DIGITS - 1 - exponent)
    return np.rint(responses * scale) / scale + 0.0
