"""What a reader finds in a file, before layers are chosen from it; and what can't be a layer."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from codespectra.sources.source import Rows

AT_LEAST = "expected numbers in at least two dimensions, a row a stimulus"
FEWER = "save it as an array of numbers"
# Zeros shrink to a 1,032nd by deflate; a header that says more than that, and much, is wrong.
MOST_FOLD, ALWAYS = 1_100, 1 << 30
MOST_CHUNK = 1 << 30  # bytes that are unpacked at once


class Passed(NamedTuple):
    """Why something in a file can't be a layer: what it is, and what to do if it should be one."""

    found: str
    remedy: str = FEWER


@dataclass
class Held:
    """Arrays of a file by their keys, in its order, and what else it holds.

    Attributes:
        arrays: numbers in at least two dimensions.
        others: everything else.
        ids: stimulus_id of each row, where the file tells.
        repeats: which presentation of its stimulus each row is, where the file tells.
        remarks: what is guessed or converted, in words.
    """

    arrays: dict[str, Rows] = field(default_factory=dict)
    others: dict[str, Passed] = field(default_factory=dict)
    ids: list[str] | None = None
    repeats: list[int] | None = None
    remarks: list[str] = field(default_factory=list)

    def add(self, key: str, found: Rows | Passed) -> None:
        """Enter what lies under a key."""
        if isinstance(found, Passed):
            self.others[key] = found
        else:
            self.arrays[key] = found


def why_not(shape: tuple[int, ...], dtype: np.dtype) -> Passed | None:
    """Why an array can't be a layer; None if it can."""
    if dtype.hasobject:
        return Passed("Python objects, which are never unpickled since that may run code")
    if dtype.names:
        return Passed(f"structured (fields {', '.join(dtype.names)})", "save one field as an array")
    if dtype.kind == "c":
        return Passed(f"complex ({dtype})", "save its magnitude, or real and imaginary part")
    if dtype.kind in "SUT":
        return Passed(f"text ({dtype})")
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        return Passed(f"of type {dtype}", "save it as float32 or float64")
    if len(shape) < 2:
        return Passed(f"{len(shape)}-D, shape {shape}", "save a row a stimulus, a column a unit")
    if 0 in shape:
        return Passed(f"empty, shape {shape}", "write its numbers")
    return None


def too_large(shape: tuple[int, ...], dtype: np.dtype, stored: int) -> Passed | None:
    """Why the size that an array says can't be true, for the bytes that are stored of it."""
    claimed = math.prod(shape) * dtype.itemsize
    if claimed <= max(ALWAYS, MOST_FOLD * stored):
        return None
    found = f"said to be {shape} of {dtype}, {claimed:,} bytes, with {stored:,} bytes stored"
    return Passed(found, "write it again")


def too_coarse(chunk: tuple[int, ...] | None, dtype: np.dtype) -> Passed | None:
    """Why an array's chunks can't be unpacked, each of which is read as a whole."""
    if chunk is None or math.prod(chunk) * dtype.itemsize <= MOST_CHUNK:
        return None
    found = f"in chunks of {chunk} {dtype}, more than {MOST_CHUNK:,} bytes each"
    return Passed(found, "write it again with smaller chunks")
