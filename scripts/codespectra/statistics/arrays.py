"""Numbers that a caller hands to a public function: as NumPy has them, or refused by argument.

NumPy arrays, torch tensors (on any device, with or without a gradient), pandas data frames, xarray
arrays and nested lists are alike. Doors of public functions call this, and nothing behind them.
"""

from collections.abc import Iterable
from typing import Any

import h5py
import numpy as np

from codespectra.errors import ArgumentError, first_line, nearest

KINDS = "an array, a tensor, a data frame or a list of rows of equal length"
TEMPORARY = 1 << 20  # numbers that are looked at at a time


def numbers(
    values: Any, argument: str, axes: str = "N, D", *, finite: bool = True, empty: bool = False
) -> np.ndarray:
    """Real numbers as an array with these axes, float32 or float64; not copied where they are that.

    Args:
        values: what the caller gave.
        argument: its name, which errors begin with.
        axes: names of the axes that are expected, such as "N, D".
        finite: whether nan and infinity are refused.
        empty: whether there may be none.

    Raises:
        ArgumentError: it isn't numbers, is complex, empty, of other axes, or holds nan or infinity.
    """
    found = _plain(values, argument)
    expected = f"expected ({axes}{'' if ', ' in axes else ','})"
    if found.dtype.kind == "c":
        raise ArgumentError(f"{argument} is complex; give its real part, or its magnitude")
    if found.dtype.kind not in "fiub":
        kind = type(values).__name__
        raise ArgumentError(f"{argument} is {kind} of {found.dtype}, no numbers; give {KINDS}")
    if not (found.size or empty):
        raise ArgumentError(f"{argument} of shape {found.shape} are empty, {expected}")
    if found.ndim != len(axes.split(", ")):
        raise ArgumentError(f"{argument} of shape {found.shape}, {expected}")
    exact = (found.dtype.kind in "iub" and found.dtype.itemsize > 2) or found.dtype.itemsize > 4
    found = found.astype(np.float64 if exact else np.float32, copy=False)
    if finite:
        _check_finite(found, argument)
    return found


def whole_number(value: Any, argument: str, *, least: int = 1, most: int | None = None) -> int:
    """A count that a caller gave, such as 5, np.int64(5) or 5.0.

    Raises:
        ArgumentError: it is no whole number from `least` to `most`.
    """
    try:
        found = int(value)
        right = found == value and found >= least and (most is None or found <= most)
    except Exception:  # A tensor, a text, nan, … may raise nearly anything.
        right = False
    if isinstance(value, bool) or not right:
        limits = f"from {least} on" if most is None else f"from {least} to {most}"
        raise ArgumentError(f"{argument}: {value!r} is no whole number {limits}")
    return found


def entries(values: Any, argument: str) -> np.ndarray:
    """One thing a stimulus, such as its label: numbers or text, (N,).

    Raises:
        ArgumentError: it is empty, or of other axes.
    """
    found = _plain(values, argument)
    if found.ndim != 1 or not len(found):
        raise ArgumentError(f"{argument} of shape {found.shape}, expected (N,), one a stimulus")
    return found


def one_of(value: Any, argument: str, allowed: Iterable[str]) -> str:
    """A word that a caller chose.

    Raises:
        ArgumentError: it isn't among those allowed; says which is nearest.
    """
    allowed = list(allowed)
    if value not in allowed:
        raise ArgumentError(f"unknown {argument} {value!r}; {nearest(str(value), allowed)}")
    return value


def rows_to_read(values: Any, argument: str, axes: str = "N, D", *, empty: bool = False) -> Any:
    """Rows (N, D) of `numbers`; an HDF5 dataset, read slab by slab, is returned as it is.

    So is whatever else has a shape and slices and doesn't offer itself as an array. Its numbers are
    left for whoever reads them to check.
    """
    lazy = hasattr(values, "shape") and not (
        hasattr(type(values), "__array__") or hasattr(values, "toarray")
    )
    if not (isinstance(values, h5py.Dataset) or lazy):
        return numbers(values, argument, axes, empty=empty)
    kind = getattr(values, "dtype", np.dtype("f4")).kind
    if len(values.shape) != 2 or 0 in values.shape or kind not in "fiu":
        raise ArgumentError(
            f"{argument} of shape {values.shape} and kind {kind!r}, expected real numbers ({axes})"
        )
    return values


def _plain(values: Any, argument: str) -> np.ndarray:
    """The values as NumPy has them, of whatever kind."""
    if np.ma.is_masked(values):
        raise ArgumentError(f"{argument} has masked entries; fill them, or drop their rows")
    if hasattr(values, "toarray"):
        raise ArgumentError(f"{argument} is sparse; give {argument}.toarray()")
    try:
        return np.asarray(_unwrapped(values))
    except Exception as error:  # Libraries raise nearly anything.
        raise ArgumentError(
            f"{argument} can't be read as numbers ({first_line(error)}); give {KINDS}"
        ) from error


def _unwrapped(values: Any) -> Any:
    if hasattr(values, "detach"):  # a torch tensor
        values = values.detach().cpu()
        return (values.float() if "bfloat16" in str(values.dtype) else values).numpy()
    if hasattr(values, "columns") and hasattr(values, "to_numpy"):  # a data frame
        found = values.to_numpy()
        numeric = found.dtype != object or "object" in map(str, values.dtypes)
        return found if numeric else values.to_numpy(dtype=np.float64, na_value=np.nan)
    if isinstance(values, list | tuple):
        return [_unwrapped(value) for value in values]
    return values


def _check_finite(found: np.ndarray, argument: str) -> None:
    step = max(1, TEMPORARY * len(found) // max(1, found.size))
    count, first = 0, None
    for start in range(0, len(found), step):
        bad = ~np.isfinite(found[start : start + step])
        if first is None and bad.any():
            first = np.argwhere(bad)[0] + (start, *(0,) * (found.ndim - 1))
        count += int(bad.sum())
    if first is not None:
        row, *column = first
        place = f"row {row} of {len(found)}" + "".join(f" (column {at})" for at in column)
        raise ArgumentError(
            f"{argument} of shape {found.shape} hold {count} numbers that are nan or infinite, the "
            f"first in {place}; drop or fill them"
        )
