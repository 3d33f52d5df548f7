"""Embeddings that a file holds: matched to the images of a set, and scaled for their distance."""

from collections.abc import Iterator

import numpy as np

from codespectra.capture.recorded_rows import BY_ID, FileRows, ShownStimuli, match_rows
from codespectra.errors import UserError
from codespectra.files.regular_files import shown
from codespectra.sources.rows import rows_at
from codespectra.sources.source import Source

NUMBERS = 1 << 22  # that are read at once
COSINE = "cosine"


def rows_of_images(
    shapes: dict[str, tuple[int, ...]],
    ids: list[str] | None,
    repeats: list[int] | None,
    how: str,
    images: ShownStimuli | None,
) -> tuple[np.ndarray, list[str]]:
    """The row of each image (N,) in the file's arrays, and what is to be said of it.

    Args:
        shapes: of the arrays by name.
        ids: stimulus_id of each row, where the file or its table tells.
        repeats: which presentation of its stimulus each row is, likewise.
        how: `by_id` or `in_order`.
        images: of the set; None: they aren't known yet, and rows that could be theirs are all.

    Raises:
        UserError: an array is no matrix, or rows and images don't match; begins with the key.
    """
    for name, shape in shapes.items():
        if len(shape) != 2:
            found = f"{name} has shape {tuple(shape)}, expected a matrix, a row an image"
            raise UserError(f"layers: {found}; name matrices alone, or average its other axes")
    count, columns = next(iter(shapes.values()))
    if images is None:
        return np.arange(count), []
    if how != BY_ID and count == images.count and None not in (ids, images.ids):
        _check_order(ids, images)
    matched = match_rows(FileRows(count, ids, repeats, columns), how, images)
    if matched.repeats > 1:
        found = f"{matched.repeats} rows an image of {images.name}, expected one"
        raise UserError(f"rows: {found}; average them, or leave the others out of the table")
    (rows,) = matched.rows
    again = ["rows are sorted by their ids"] if (np.diff(rows) < 0).any() else []
    return rows, [*matched.remarks, *again]


def _check_order(ids: list[str], images: ShownStimuli) -> None:
    other = [row for row, name in enumerate(ids) if name != images.ids[row]]
    if other:
        row, own, name = other[0] + 1, ids[other[0]], images.ids[other[0]]
        raise UserError(
            f"rows: in_order, but row {row} is of {shown(own)}, and image {row} of {images.name} "
            f"is {shown(name)} ({len(other)} of {len(ids)} differ); say by_id, which sorts them"
        )


def embeddings_of(
    source: Source, rows: np.ndarray, distance: str
) -> Iterator[dict[str, np.ndarray]]:
    """Rows (n, d) of each array, some images at a time, float32; a single one is `embedding`.

    Their squared distance is `distance`: for `cosine`, 1 - cos, they are of length sqrt(1/2).

    Raises:
        UserError: a row isn't finite, or has no direction for its cosine.
    """
    step = max(1, NUMBERS // max(array.shape[1] for array in source.layers.values()))
    for start in range(0, len(rows), step):
        chosen = rows[start : start + step]
        found = {
            name: _scaled(rows_at(array, chosen).astype(np.float64), chosen, name, distance)
            for name, array in source.layers.items()
        }
        # Files of several sets may have several names, and an .npy's array has its file's.
        yield dict(zip(["embedding"], found.values(), strict=True)) if len(found) == 1 else found


def _scaled(found: np.ndarray, rows: np.ndarray, name: str, distance: str) -> np.ndarray:
    with np.errstate(over="ignore"):
        finite = np.all(np.isfinite(found.astype(np.float32)), axis=1)
    _refuse(~finite, rows, name, "NaN or infinite numbers", "finite ones in single precision")
    if distance != COSINE:
        return found.astype(np.float32)
    length = np.linalg.norm(found, axis=1, keepdims=True)
    _refuse(length[:, 0] == 0, rows, name, "zeros alone", "a direction, for cosine")
    return (found / (2**0.5 * length)).astype(np.float32)


def _refuse(wrong: np.ndarray, rows: np.ndarray, name: str, found: str, expected: str) -> None:
    if wrong.any():
        row = rows[wrong].min() + 1
        raise UserError(f"{name}: row {row} holds {found}, expected {expected}; mend the file")
