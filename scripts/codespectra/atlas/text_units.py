"""Explained units of language models: their explanations with scores, and excerpts with tokens."""

from typing import Any

import pandas as pd

from codespectra.explanations.detection import SCORES
from codespectra.explanations.neuron_records import ActivationRecord, NeuronRecord

KEYS = ["layer", "kind", "unit"]
# Excerpts of each sort that are shown.
EXCERPTS = 12


def unit_rows(units: pd.DataFrame, scores: pd.DataFrame) -> list[dict[str, Any]]:
    """A row a unit, in the order of its record: where it is, its action, its explanations.

    Args:
        units: table of the kind `units`.
        scores: of all explainers, of the kind `explanations`; may be empty.
    """
    judged = [f"{score}{end}" for score in SCORES for end in ("", "_low", "_high")]
    told = ["explainer", "explanation", "score", "n_tokens", *judged]
    explained = {
        key: rows[told].astype(object).where(rows[told].notna(), None).to_dict("records")
        for key, rows in (scores.groupby(KEYS, sort=False) if len(scores) else ())
    }
    return [
        {name: row[name] for name in (*KEYS, "part", "depth", "action")}
        | {"explanations": explained.get(tuple(row[name] for name in KEYS), [])}
        for row in units.to_dict("records")
    ]


def excerpts_of(record: NeuronRecord) -> dict[str, Any]:
    """The excerpts of a unit: those of highest activation, and random ones."""
    return {
        "mean": record.mean,
        "variance": record.variance,
        "top": [_excerpt(one) for one in record.most_positive_activation_records[:EXCERPTS]],
        "random": [_excerpt(one) for one in record.random_sample[:EXCERPTS]],
    }


def _excerpt(record: ActivationRecord) -> dict[str, Any]:
    return {"tokens": record.tokens, "activations": record.activations}
