"""Damaged files: every flip and every cut is refused by name, or reads as it was."""

from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from codespectra.errors import UserError

# Few places of a file matter: the same ones every time.
SETTINGS = settings(max_examples=100, deadline=None, derandomize=True, database=None)
PLACES = st.floats(0, 1, exclude_max=True)


def flipped(content: bytes, place: float, bit: int) -> bytes:
    """The content with one bit turned over, at a share of its length."""
    changed = bytearray(content)
    changed[int(place * len(content))] ^= 1 << bit
    return bytes(changed)


def refused(path: Path, reader: Any) -> bool:
    """Whether a reader refuses a file; it must name it and what to delete."""
    try:
        reader(path)
    except UserError as error:
        assert str(error).startswith(f"{path}: ")
        assert "\n" not in str(error)
        assert "; delete " in str(error) and str(error).endswith(" and rerun")
        return True
    return False
