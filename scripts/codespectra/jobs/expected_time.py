"""How long jobs will take, by what Snakemake's benchmarks tell of earlier runs."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from codespectra.files.json_files import parse_json
from codespectra.files.regular_files import read_regular
from codespectra.jobs.words import counted, in_minutes, listed

# Of a benchmark: a line of JSON.
MOST_BYTES = 1 << 16


@dataclass(frozen=True)
class Timed:
    """A job that runs, the file of its benchmark, if it writes one, and what it waits for.

    `after` holds positions in the list of all jobs, each smaller than the job's own.
    """

    rule: str
    benchmark: str | None
    after: tuple[int, ...]


class Benchmarks:
    """The benchmarks of earlier runs: each is read once, and those that can't be are named."""

    def __init__(self) -> None:
        """None is read yet."""
        self._seconds: dict[str, float | None] = {}
        self.damaged: list[str] = []

    def seconds(self, file: str) -> float | None:
        """Wall seconds of the job's last run; None if there is no telling."""
        if file not in self._seconds:
            self._seconds[file] = None
            try:
                self._seconds[file] = read_seconds(file)
            except FileNotFoundError:
                pass
            except Exception:
                self.damaged.append(file)
        return self._seconds[file]

    def usual(self, files: Iterable[str]) -> float | None:
        """Their median over the files of all jobs of a rule."""
        known = [seconds for file in files if (seconds := self.seconds(file)) is not None]
        return statistics.median(known) if known else None


def read_seconds(file: str) -> float:
    """Wall seconds of the last run that a benchmark tells.

    Raises:
        Exception: of any kind, if it isn't one that Snakemake writes as JSON lines.
    """
    *_, last = read_regular(file, MOST_BYTES).splitlines()
    seconds = float(parse_json(last)["s"])
    if not 0 <= seconds < math.inf:
        raise ValueError(f"{seconds} seconds")
    return seconds


def expected_time(
    jobs: Sequence[Timed], alike: Mapping[str, Iterable[str]], cores: int | None
) -> list[str]:
    """Lines that say how long jobs will take, and for how many of them that is known.

    Args:
        jobs: all that run.
        alike: the benchmarks of all jobs of a rule that ever ran, by its name.
        cores: how many of them may run at a time; None if that isn't known.
    """
    benchmarks = Benchmarks()
    own = [benchmarks.seconds(job.benchmark) if job.benchmark else None for job in jobs]
    rules = {job.rule for job, seconds in zip(jobs, own, strict=True) if seconds is None}
    usual = {rule: benchmarks.usual(alike[rule]) for rule in rules}
    taken = [
        usual.get(job.rule, one) if one is None else one for job, one in zip(jobs, own, strict=True)
    ]
    told, known = (sum(one is not None for one in some) for some in (own, taken))
    unknown = [job.rule for job, one in zip(jobs, taken, strict=True) if one is None]
    lines = []
    if known:
        lines.append(
            f"expected: {_estimate(jobs, taken, cores)}, by earlier runs of {told} of "
            + counted(len(jobs))
            + (f" and of jobs like {known - told} more" if known > told else "")
            + (f"; nothing is known of {_of_rules(unknown)}" if unknown else "")
        )
    if benchmarks.damaged:
        lines.append(f"passed over, being no benchmark: {listed(sorted(benchmarks.damaged))}")
    return lines


def _of_rules(jobs: Sequence[str]) -> str:
    return f"{counted(len(jobs))} ({listed([*dict.fromkeys(jobs)])})"


def _estimate(jobs: Sequence[Timed], taken: Sequence[float | None], cores: int | None) -> str:
    """All seconds; with several cores also the least that they take side by side."""
    total = sum(filter(None, taken))
    if cores is None or cores < 2:
        return f"{in_minutes(total)} of computing"
    ends: list[float] = []
    for job, seconds in zip(jobs, taken, strict=True):
        ends.append(max((ends[at] for at in job.after), default=0) + (seconds or 0))
    least = in_minutes(max(total / cores, *ends))
    return f"{in_minutes(total)} of computing, at least {least} on {cores} cores"
