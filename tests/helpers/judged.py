"""The verdict on a single statistic."""

from codespectra.claims.judges import Judge, Side
from codespectra.statistics.evidence import Evidence


def alone(judge: Judge, found: Evidence) -> str:
    """By its own 95 % interval."""
    return Side(*judge(found), found.freedom).stands(0.05)
