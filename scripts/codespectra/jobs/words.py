"""Counts, names and times as lines about jobs say them."""

from collections.abc import Sequence

# In one list, at most so many names.
NAMES = 5


def counted(jobs: int) -> str:
    """`1 job`, `2 jobs`."""
    return f"{jobs} job{'s' * (jobs != 1)}"


def listed(names: Sequence[str]) -> str:
    """`a, b, c`, and how many more."""
    more = len(names) - NAMES
    return ", ".join(names[:NAMES]) + (f" and {more} more" if more > 0 else "")


def in_minutes(seconds: float) -> str:
    """A time for people: `12 s`, `1.7 min`, `25 min`, `2.5 h`."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.2g} min" if seconds < 99.5 * 60 else f"{seconds / 3600:.1f} h"
