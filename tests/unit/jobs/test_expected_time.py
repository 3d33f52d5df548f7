"""How long jobs will take, from the benchmarks of earlier ones."""

import json
from pathlib import Path

import pytest

from codespectra.jobs.expected_time import Timed, expected_time


def benchmark(folder: Path, name: str, seconds: object) -> str:
    """A benchmark as Snakemake writes it, with an earlier line that doesn't count."""
    file = folder / name
    lines = [json.dumps({"s": s, "h:m:s": "0:00:01", "max_rss": "NA"}) for s in (1e6, seconds)]
    file.write_text("\n".join(lines) + "\n")
    return str(file)


def test_own_times_count_first_then_the_median_of_the_rule(tmp_path):
    files = [benchmark(tmp_path, name, s) for name, s in {"a": 60, "b": 200, "c": 400}.items()]
    jobs = [
        Timed("fit", files[0], ()),
        Timed("fit", str(tmp_path / "new"), (0,)),
        Timed("draw", str(tmp_path / "never"), (1,)),
        Timed("fetch", None, ()),
    ]
    alike = {"fit": files, "draw": [], "fetch": []}
    (line,) = expected_time(jobs, alike, 1)
    assert line == (
        "expected: 4.3 min of computing, by earlier runs of 1 of 4 jobs and of jobs like 1 more; "
        "nothing is known of 2 jobs (draw, fetch)"
    )


@pytest.mark.parametrize(
    ("after", "cores", "least"),
    [([(), (), ()], 2, "15 s"), ([(), (0,), (1,)], 2, "30 s"), ([(), (), (0, 1)], 8, "20 s")],
)
def test_jobs_side_by_side_take_their_longest_chain_at_least(tmp_path, after, cores, least):
    file = benchmark(tmp_path, "a", 10)
    (line,) = expected_time([Timed("fit", file, waits) for waits in after], {"fit": []}, cores)
    assert line.startswith(f"expected: 30 s of computing, at least {least} on {cores} cores, by")


def test_nothing_is_promised_where_nothing_ran(tmp_path):
    assert expected_time([Timed("fit", str(tmp_path / "new"), ())], {"fit": []}, 2) == []


DAMAGED = {
    "empty": b"",
    "cut": b'{"s": 1.',
    "no object": b"[1]",
    "another": b'{"seconds": 1}',
    "no number": b'{"s": "NA"}',
    "none": b'{"s": null}',
    "negative": b'{"s": -1}',
    "endless": b'{"s": Infinity}',
    "no text": b"\xff\xfe\x00",
    "deep": b"[" * 60_000,
    "large": b" " * (1 << 17) + b'{"s": 1}',
}


@pytest.mark.parametrize("kind", [*DAMAGED, "folder"])
def test_what_is_no_benchmark_is_passed_over_and_named(tmp_path, kind):
    good, bad = benchmark(tmp_path, "good", 7), tmp_path / "bad"
    bad.mkdir() if kind == "folder" else bad.write_bytes(DAMAGED[kind])
    jobs = [Timed("fit", str(bad), ()), Timed("fit", good, ())]
    time, damaged = expected_time(jobs, {"fit": [str(bad), good]}, 1)
    assert time.startswith("expected: 14 s of computing, by earlier runs of 1 of 2 jobs")
    assert damaged.endswith(f"no benchmark: {bad}")
