"""What a run has done, stage by stage: how many jobs, and the seconds that they took."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from codespectra.jobs.words import counted, in_minutes, listed

# At most so many lines of stages.
LINES = 20


@dataclass
class WhatRan:
    """The jobs of a run by their ids: which rule each is of, when it started, how long it took.

    `standing` counts the jobs whose results stay as they were.
    """

    rules: Mapping[int, str]
    standing: int
    started: dict[int, float] = field(default_factory=dict)
    took: dict[int, float] = field(default_factory=dict)
    failed: dict[int, None] = field(default_factory=dict)

    def start(self, job: int, now: float) -> None:
        """A job starts, or starts once more."""
        self.started[job] = now
        self.failed.pop(job, None)

    def finish(self, job: int, now: float) -> None:
        """A job has ended well."""
        if job in self.rules:
            self.took[job] = now - self.started.get(job, now)

    def fail(self, job: int) -> None:
        """A job has ended in an error."""
        if job in self.rules:
            self.failed[job] = None

    def lines(self) -> list[str]:
        """What ran, what failed and what didn't run; the longest stages first."""
        by_rule: dict[str, list[float]] = {}
        for job, seconds in self.took.items():
            by_rule.setdefault(self.rules[job], []).append(seconds)
        stages = sorted(by_rule.items(), key=lambda stage: -sum(stage[1]))
        lines = [
            f"What ran: {counted(len(self.took))}, {in_minutes(sum(self.took.values()))} in all; "
            f"{counted(self.standing)} left as they were"
        ]
        lines += [f"    {rule}: {_spent(seconds)}" for rule, seconds in stages[:LINES]]
        if rest := stages[LINES:]:
            lines.append(f"    {len(rest)} more: {_spent([s for _, each in rest for s in each])}")
        waiting = [job for job in self.rules if job not in self.took and job not in self.failed]
        for word, jobs in {"failed": self.failed, "not run": waiting}.items():
            if jobs:
                rules = listed([*dict.fromkeys(self.rules[job] for job in jobs)])
                lines.append(f"    {word}: {counted(len(jobs))} ({rules})")
        return lines


def _spent(seconds: list[float]) -> str:
    return f"{counted(len(seconds))}, {in_minutes(sum(seconds))}"
