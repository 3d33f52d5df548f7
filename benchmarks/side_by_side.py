"""CPU-time ratios of a baseline to our way, both interleaved in one process.

A shared machine makes wall times wander by more than the effects that are measured; CPU seconds
of the two sides, taken in turns, don't.

`make bench` sets one thread and the path of the library and of tests/helpers.
"""

import statistics
import time
from collections.abc import Callable


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU seconds of one call, all threads of this process together."""
    start = time.process_time()
    work()
    return time.process_time() - start


def compare(
    goal_id: str,
    what: str,
    baseline: Callable[[], object],
    ours: Callable[[], object],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    repeats: int = 3,
    baseline_scale: float = 1.0,
) -> None:
    """Print one row: median CPU seconds of both sides, their ratio, the goal and whether it held.

    `at_least` is a goal for baseline / ours (a speed-up), `at_most` one for ours / baseline (an
    overhead). `baseline_scale` multiplies a baseline that was timed on a share of the work.
    """
    ours()  # warm both sides' caches and lazy imports outside the clock
    pairs = [(cpu_seconds(baseline), cpu_seconds(ours)) for _ in range(repeats)]
    slow = statistics.median(pair[0] for pair in pairs) * baseline_scale
    fast = statistics.median(pair[1] for pair in pairs)
    if at_least is not None:
        ratio, goal, held = slow / fast, f">= {at_least:g} x", slow / fast >= at_least
    else:
        ratio, goal, held = fast / slow, f"<= {at_most:g} of it", fast / slow <= at_most
    scaled = " (scaled)" if baseline_scale != 1 else ""
    print(
        f"{goal_id:4} {what:58} {slow:9.3f}s{scaled} {fast:9.4f}s {ratio:8.2f}  goal {goal:13}"
        f" {'held' if held else 'MISSED'}",
        flush=True,
    )
