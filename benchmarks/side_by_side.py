"""Rows of a benchmark: CPU-time ratios of a peer to our way, both interleaved in one process.

A shared machine makes wall times wander by more than the effects that are measured; CPU seconds
of the two sides, taken in turns, don't.

A benchmark is a module `bench_*.py` with `rows()`, which yields them, and `SMALL`: values of its
constants with which all of it runs in a second, for the tests. `make bench` sets one thread and the
path of the library and of tests/helpers. Peers that aren't in the lock are used where they can be
imported: `PYTHONPATH=FOLDER make bench`.
"""

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """What was measured against which peer; `ratio` and `ok` are None where the peer is missing."""

    measured: str
    peer: str
    ratio: float | None
    goal: str
    ok: bool | None
    ours: float | None = None  # CPU seconds
    theirs: float | None = None

    def __str__(self) -> str:
        ratio = "-" if self.ratio is None else f"{self.ratio:.2f}"
        ok = {True: "held", False: "MISSED", None: "not installed"}[self.ok]
        return f"{self.measured:62} {self.peer:44} {ratio:>9}  {self.goal:8} {ok}"


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU seconds of one call, all threads of this process together."""
    start = time.process_time()
    work()
    return time.process_time() - start


def compare(
    measured: str,
    peer: str,
    theirs: Callable[[], object],
    ours: Callable[[], object],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    repeats: int = 3,
    theirs_scale: float = 1.0,
    ours_scale: float = 1.0,
) -> Row:
    """A row of median CPU seconds.

    `at_least` is a goal for theirs / ours (a speed-up), `at_most` one for ours / theirs (an
    overhead). The scales multiply a side that was timed on a share of the work, or by the value.
    With one repeat, for what takes long, nothing is warmed up.
    """
    if repeats > 1:
        ours()  # warm both sides' caches and lazy imports outside the clock
    pairs = [(cpu_seconds(theirs), cpu_seconds(ours)) for _ in range(repeats)]
    slow = statistics.median(pair[0] for pair in pairs) * theirs_scale
    fast = statistics.median(pair[1] for pair in pairs) * ours_scale
    ratio = slow / fast if at_most is None else fast / slow
    return judged(measured, peer, ratio, at_least=at_least, at_most=at_most, ours=fast, theirs=slow)


def judged(
    measured: str,
    peer: str,
    ratio: float | None,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    ours: float | None = None,
    theirs: float | None = None,
) -> Row:
    """A row of a ratio, with its goal and whether that held; None where there was no peer."""
    goal = f"≥ {at_least:g}" if at_most is None else f"≤ {at_most:g}"
    if ratio is None:
        return Row(measured, peer, None, goal, None)
    held = ratio >= at_least if at_most is None else ratio <= at_most
    return Row(measured, peer, ratio, goal, held, ours, theirs)


def show(rows: Iterable[Row]) -> None:
    """Print each as it comes."""
    for row in rows:
        print(row, flush=True)
