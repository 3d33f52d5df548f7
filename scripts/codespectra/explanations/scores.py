"""How well simulated activations predict a unit's own (Bills et al. 2023).

The score of an explanation is the correlation of the two over the tokens of all held-out excerpts
together, `ev_correlation_score` in neuron-explainer's files, which hold two more scores.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from codespectra.explanations.neuron_records import (
    ActivationRecord,
    NeuronId,
    NeuronSimulationResults,
    Scale,
    ScoredExplanation,
    ScoredSequenceSimulation,
    ScoredSimulation,
    SequenceSimulation,
)


def ev_correlation(true: ArrayLike, simulated: ArrayLike) -> float:
    """Pearson correlation of activations (n,); nan where `why_undefined` has a reason."""
    if why_undefined(true, simulated):
        return math.nan
    with np.errstate(all="ignore"):  # variances that overflow or vanish give nan
        return float(np.corrcoef(np.asarray(true), np.asarray(simulated))[0, 1])


def why_undefined(true: ArrayLike, simulated: ArrayLike) -> str:
    """Why activations (n,) have no correlation; empty if they have one."""
    if not np.size(true):
        return "no simulated excerpts"
    for what, values in (("activations", true), ("simulated activations", simulated)):
        if not np.isfinite(values).all():
            return f"the {what} are not all finite"
        if np.ptp(values) == 0:
            return f"the {what} don't vary"
    return ""


def rsquared(true: ArrayLike, simulated: ArrayLike) -> float:
    """1 - mean (true - simulated)^2 / mean true^2 of activations (n,).

    As neuron-explainer defines it: against zero, not the mean, so that it says nothing about
    simulations on another scale than the activations'. nan where these are all zero.
    """
    true, simulated = np.asarray(true, dtype=float), np.asarray(simulated, dtype=float)
    return _unexplained_from_one(np.square(true - simulated), np.square(true))


def absolute_dev(true: ArrayLike, simulated: ArrayLike) -> float:
    """1 - mean |true - simulated| / mean |true| of activations (n,); see `rsquared`."""
    true, simulated = np.asarray(true, dtype=float), np.asarray(simulated, dtype=float)
    return _unexplained_from_one(np.abs(true - simulated), np.abs(true))


def _unexplained_from_one(residual: np.ndarray, size: np.ndarray) -> float:
    total = size.sum()
    return float(1 - residual.sum() / total) if total else math.nan


def scored(
    unit_id: NeuronId,
    explanation: str,
    records: Sequence[ActivationRecord],
    simulated: Iterable[ArrayLike],
    scale: Scale,
) -> NeuronSimulationResults:
    """A unit's explanation with its scores on held-out excerpts.

    Args:
        unit_id: the unit.
        explanation: what the simulator was given.
        records: the excerpts, `NeuronRecord.split("valid")`.
        simulated: for each excerpt its simulated activations, a number a token.
        scale: of `simulated`: the unit's own, or the 0 to 10 of prompts.

    Raises:
        ValueError: a simulation is missing or has another length than its excerpt.
    """
    sequences = [
        _scored_sequence(record, np.asarray(values, dtype=float), scale)
        for record, values in zip(records, simulated, strict=True)
    ]
    return _results(
        unit_id,
        explanation,
        ScoredSimulation(scored_sequence_simulations=sequences, **_scores(*_joined(sequences))),
    )


def unscored(unit_id: NeuronId, explanation: str = "") -> NeuronSimulationResults:
    """The results of a unit whose explainer or simulator failed: no excerpts, null scores."""
    return _results(unit_id, explanation, ScoredSimulation(scored_sequence_simulations=[]))


def _results(
    unit_id: NeuronId, explanation: str, simulation: ScoredSimulation
) -> NeuronSimulationResults:
    only = ScoredExplanation(explanation=explanation, scored_simulation=simulation)
    return NeuronSimulationResults(neuron_id=unit_id, scored_explanations=[only])


def _scored_sequence(
    record: ActivationRecord, values: np.ndarray, scale: Scale
) -> ScoredSequenceSimulation:
    simulation = SequenceSimulation(
        tokens=record.tokens,
        expected_activations=values.tolist(),
        activation_scale=scale,
        distribution_values=[],
        distribution_probabilities=[],
    )
    return ScoredSequenceSimulation(
        simulation=simulation,
        true_activations=record.activations,
        **_scores(np.array(record.activations), values),
    )


def _scores(true: np.ndarray, simulated: np.ndarray) -> dict[str, Any]:
    return {
        "ev_correlation_score": ev_correlation(true, simulated),
        "rsquared_score": rsquared(true, simulated),
        "absolute_dev_explained_score": absolute_dev(true, simulated),
    }


def _joined(sequences: Iterable[ScoredSequenceSimulation]) -> tuple[np.ndarray, np.ndarray]:
    """True and simulated activations (n,) of all excerpts, one after the other."""
    true, simulated = [], []
    for sequence in sequences:
        true += sequence.true_activations
        simulated += sequence.simulation.expected_activations
    return np.array(true, dtype=float), np.array(simulated, dtype=float)


def rescored(simulation: ScoredSimulation) -> dict[str, float | int | str]:
    """Scores recomputed from the stored excerpts; those stored with them are ignored.

    Returns:
        score, rsquared, absolute_dev, n_tokens, n_records, and note: why the score is missing.
    """
    sequences = simulation.scored_sequence_simulations
    true, simulated = _joined(sequences)
    return {
        "score": ev_correlation(true, simulated),
        "rsquared": rsquared(true, simulated),
        "absolute_dev": absolute_dev(true, simulated),
        "n_tokens": len(true),
        "n_records": len(sequences),
        "note": why_undefined(true, simulated),
    }


def score_row(results: NeuronSimulationResults) -> dict[str, float | int | str]:
    """The recomputed scores of a unit's only explanation, as columns of the scores' table.

    Raises:
        ValueError: the unit has none, or several.
    """
    (only,) = results.scored_explanations
    return rescored(only.scored_simulation)
