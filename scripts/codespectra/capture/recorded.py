"""Activations of a file as a capture writes them: matched to stimuli, reduced, streamed.

Repeats of a stimulus are averaged; for cross-validation the file is written a second time, with the
mean of every other repeat of all stimuli first and that of the others after it.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from codespectra.capture.activation_file import write_rows
from codespectra.capture.layout import Layout, Written
from codespectra.capture.recorded_rows import MatchedRows
from codespectra.capture.rows import SLAB
from codespectra.errors import UserError
from codespectra.models.hooks import Sink, Wanted
from codespectra.sources.rows import in_slabs, rows_at
from codespectra.sources.source import Rows, Source


def without_nan(
    source: Source, names: Sequence[str], matched: MatchedRows, drop: bool
) -> MatchedRows:
    """The stimuli of whose rows every number is finite in float32.

    Raises:
        UserError: there are others and they aren't to be dropped, or nothing is left.
    """
    bad = np.zeros(source.layers[names[0]].shape[0], bool)
    for name in names:
        start = 0
        for block in in_slabs(source.layers[name], SLAB):
            bad[start : start + len(block)] |= ~_finite(block)
            start += len(block)
    wrong = bad[matched.rows].any(axis=0)
    if not wrong.any():
        return matched
    lines = np.flatnonzero(bad)
    found = f"{bad.sum()} of {len(bad)} rows hold NaN or infinite numbers, first row {lines[0] + 1}"
    if not drop:
        raise UserError(f"{found}; mend the file, or say drop_nan: true to leave them out")
    if wrong.all():
        raise UserError(f"{found}, and nothing is left without them; mend the file")
    words = f"{found}: {wrong.sum()} of {matched.stimuli} stimuli are left out"
    return MatchedRows(matched.rows[:, ~wrong], [*matched.remarks, words])


def _finite(block: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        values = block.reshape(len(block), -1).astype(np.float32, copy=False)
    return np.all(np.isfinite(values), axis=1)


def write_recorded(
    path: str | Path,
    source: Source,
    wanted: list[Wanted],
    matched: MatchedRows,
    *,
    noisy: bool,
    dtype: str,
    attributes: dict[str, Any],
    follows_from: Sequence[Any],
) -> Written:
    """Write the matched rows of a source as `write_rows` does.

    Args:
        path: ends in .h5.
        source: what is read.
        wanted: layers of `recorded_layers`, and how each is reduced.
        matched: its rows; repeats are averaged.
        noisy: write the mean of the first, third, … repeat of all stimuli, and after it that of the
            second, fourth, …
        dtype: float32 or float16.
        attributes: of the file.
        follows_from: what a killed job's file must have come from too, to be gone on with.

    Raises:
        UserError: too little disk, or the file can't be read.
    """
    rows = matched.rows
    if noisy:
        half = len(rows) // 2
        rows = np.concatenate([rows[0 : 2 * half : 2], rows[1 : 2 * half : 2]], axis=1)

    def show(chosen: np.ndarray, _: slice, sink: Sink) -> int:
        for item in wanted:
            found = _mean_of_rows(source.layers[item.layer["name"]], chosen)
            sink(item, item.reduce(torch.from_numpy(found)))
        return 0

    layout = Layout(wanted, range(rows.shape[1] + 1), dtype, attributes, follows_from=follows_from)
    batch = min(_rows_at_once(source.layers[item.layer["name"]]) for item in wanted)
    return write_rows(
        path, layout, lambda stimuli: rows[:, stimuli], show, batch=max(1, batch // len(rows))
    )


def _rows_at_once(rows: Rows) -> int:
    return max(1, SLAB // math.prod(rows.shape[1:]))


def _mean_of_rows(rows: Rows, indices: np.ndarray) -> np.ndarray:
    """Float32 mean of rows over repeats, of indices (R, N)."""
    if len(indices) == 1:
        return rows_at(rows, indices[0]).astype(np.float32)
    total: Any = sum(rows_at(rows, repeat).astype(np.float64) for repeat in indices)
    return (total / len(indices)).astype(np.float32)
