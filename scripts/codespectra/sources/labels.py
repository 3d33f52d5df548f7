"""What a file tells of its rows: names of stimuli, numbers of presentations."""

import h5py
import numpy as np

from codespectra.files.regular_files import shown
from codespectra.sources.held import Held

IDS, REPEATS = "stimulus_id", ("repeat", "repetition")
COLUMNS = (IDS, *REPEATS)  # what our readers look for beside the arrays
MOST_LETTERS = 1 << 28  # of all labels together
SLAB = 256
KINDS = "iufSU"  # of labels


def read_labels(group: h5py.Group, name: str, found: dict) -> list[str] | None:
    """A column of text, whole numbers, or AnnData's categories, as text; None if it isn't one.

    Args:
        group: that it is in.
        name: of it there.
        found: all that lies in the file itself.
    """
    key = f"{group.name}/{name}".lstrip("/")
    if f"{key}/codes" in found:
        codes, names = _plain(found[f"{key}/codes"]), _plain(found.get(f"{key}/categories"))
        if codes is None or names is None:
            return None
        return [names[int(code)] if 0 <= int(code) < len(names) else "" for code in codes]
    return _plain(found.get(f"{key}/values", found.get(key)))


def _plain(dataset: object) -> list[str] | None:
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        return None
    if dataset.shape is None or dataset.ndim != 1:
        return None
    if h5py.check_string_dtype(dataset.dtype) is not None:
        return _texts(dataset)
    return as_text(dataset[:]) if dataset.dtype.kind in KINDS else None


def _texts(dataset: h5py.Dataset) -> list[str]:
    """Text of any length: many may stand for one that is long."""
    labels, letters = [], 0
    for start in range(0, len(dataset), SLAB):
        labels += dataset.asstr(errors="replace")[start : start + SLAB].tolist()
        letters += sum(map(len, labels[start:]))
        if letters > MOST_LETTERS:
            raise ValueError(f"{dataset.name}: labels of more than {MOST_LETTERS:,} letters")
    return labels


def enter(held: Held, name: str, labels: list[str] | None) -> None:
    """Let one of `COLUMNS` tell ids or repeats, where it holds labels at all."""
    if labels is None:
        return
    held.others.pop(name, None)
    if name == IDS:
        held.ids = labels
    elif held.repeats is None:
        held.repeats = as_repeats(labels, name, held.remarks)


def as_text(values: np.ndarray) -> list[str]:
    """Labels as text; whole numbers without a decimal point."""
    if values.dtype.kind == "S":
        return [value.decode(errors="replace") for value in values.tolist()]
    if values.dtype.kind == "f" and np.all(np.mod(values, 1) == 0):
        values = values.astype(np.int64)
    return [str(value) for value in values.tolist()]


def as_repeats(labels: list[str], name: str, remarks: list[str]) -> list[int] | None:
    """Numbers of presentations; None, and a remark, where one is no whole number."""
    try:
        return [int(label) for label in labels]
    except ValueError as error:
        remarks.append(f"{name} isn't read as repeats: {shown(str(error))}")
        return None
