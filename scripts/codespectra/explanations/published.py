"""Published explanations of neurons, scored again from the excerpts stored with them.

The public files of Bills et al. 2023: `{layer}/{neuron}.jsonl`, counted from 0, each with one line
of `NeuronSimulationResults`; 307,200 files for GPT-2 XL.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from codespectra.errors import UserError
from codespectra.explanations.neuron_records import (
    NeuronSimulationResults,
    ScoredSimulation,
    read_lines,
)
from codespectra.explanations.scores import rescored, unscored
from codespectra.files.folder_walk import files_below
from codespectra.files.regular_files import refusing
from codespectra.jobs.progress import progress

TOLERANCE = 1e-4  # of a stored score: beyond it, it isn't that of the stored excerpts
DIFFERS = "the stored score isn't that of the stored excerpts"

Row = dict[str, Any]


def read_published(folder: str | Path) -> pd.DataFrame:
    """Published explanations, a row each, and one for a neuron without; read file by file.

    Returns:
        In the order of layers and neurons: layer_index, depth (from 1), neuron_index, explanation,
        score_stored, score (from the stored excerpts), rsquared, absolute_dev, n_tokens,
        n_sequences, note (why the score is missing or isn't the stored one; else empty).

    Raises:
        UserError: no such files, or one of them is damaged or another neuron's.
    """
    files = progress(published_files(folder), desc="explanations")
    return pd.DataFrame([row for path in files for row in _rows(path)])


def published_files(folder: str | Path) -> list[Path]:
    """Files `{layer}/{neuron}.jsonl` of a folder by layer and neuron; others are passed over.

    Raises:
        UserError: there are none.
    """
    with refusing(folder, "no readable folder", "correct language.explanations.published"):
        found = [path for path in files_below(folder, "*/*.jsonl") if _is_numbered(path)]
    if not found:
        raise UserError(
            f"language.explanations.published: {folder} has no file {{layer}}/{{neuron}}.jsonl, "
            "such as 0/17.jsonl; give the folder `explanations` of the published data"
        )
    return sorted(found, key=_indices)


def _is_numbered(path: Path) -> bool:
    return path.parent.name.isdecimal() and path.stem.isdecimal()


def _indices(path: Path) -> tuple[int, int]:
    return int(path.parent.name), int(path.stem)


def _rows(path: Path) -> list[Row]:
    layer, neuron = _indices(path)
    results = _only_line(path)
    said = results.neuron_id
    if (said.layer_index, said.neuron_index) != (layer, neuron):
        raise UserError(
            f"{path}: holds neuron {said.neuron_index} of layer {said.layer_index}, not the one "
            "that its name says; fetch it again"
        )
    unit = {"layer_index": layer, "depth": layer + 1, "neuron_index": neuron}
    return [
        unit | {"explanation": explained.explanation} | _score(explained.scored_simulation)
        for explained in results.scored_explanations or unscored(said).scored_explanations
    ]


def _only_line(path: Path) -> NeuronSimulationResults:
    lines = list(read_lines(path, NeuronSimulationResults, remedy="fetch it again"))
    if len(lines) != 1:
        raise UserError(f"{path}: has {len(lines)} lines, expected 1; fetch it again")
    return lines[0]


def _score(simulation: ScoredSimulation) -> Row:
    stored = simulation.ev_correlation_score
    row: Row = rescored(simulation)
    sequences, note = row.pop("n_records"), row.pop("note")
    if abs(stored - row["score"]) > TOLERANCE:
        note = DIFFERS
    return {"score_stored": stored} | row | {"n_sequences": sequences, "note": note}


def largest_difference(table: pd.DataFrame) -> float:
    """Largest |stored - recomputed| score where both are finite; nan where none are."""
    return float((table["score_stored"] - table["score"]).abs().max())
