"""What a run has done, stage by stage: how many jobs, and the seconds that they took."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from codespectra.jobs.words import counted, in_minutes, listed

# At most so many lines of stages.
LINES = 20


@dataclass(frozen=True)
class Ran:
    """A job of a run, and the seconds that it took; None if it hasn't ended well."""

    rule: str
    seconds: float | None
    failed: bool = False


def lines_of_what_ran(jobs: Sequence[Ran], standing: int) -> list[str]:
    """What ran, the longest stages first; what failed, and what didn't run for that.

    Args:
        jobs: all that were to run.
        standing: how many didn't have to, since their results stand.
    """
    took: dict[str, list[float]] = {}
    for job in jobs:
        if job.seconds is not None:
            took.setdefault(job.rule, []).append(job.seconds)
    stages = sorted(took.items(), key=lambda stage: -sum(stage[1]))
    lines = [
        f"What ran: {_spent(took.values())} in all; "
        f"the results of {counted(standing)} stay as they were"
    ]
    lines += [f"{rule}: {_spent([seconds])}" for rule, seconds in stages[:LINES]]
    if rest := [seconds for _, seconds in stages[LINES:]]:
        lines.append(f"{len(rest)} more stages: {_spent(rest)}")
    for word, failed in (("failed", True), ("not run", False)):
        rules = [job.rule for job in jobs if job.seconds is None and job.failed == failed]
        if rules:
            lines.append(f"{word}: {counted(len(rules))} ({listed([*dict.fromkeys(rules)])})")
    return lines


def _spent(stages: Iterable[Sequence[float]]) -> str:
    seconds = [one for stage in stages for one in stage]
    return f"{counted(len(seconds))}, {in_minutes(sum(seconds))}"
