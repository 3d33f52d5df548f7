"""What a run has done, from its jobs."""

from codespectra.jobs.what_ran import LINES, Ran, lines_of_what_ran


def test_stages_are_counted_with_their_seconds():
    jobs = [Ran("draw", 1.2), Ran("fit", 10), Ran("fit", 90), Ran("train", None, failed=True)]
    assert lines_of_what_ran([*jobs, Ran("judge", None), Ran("judge", None)], standing=7) == [
        "What ran: 3 jobs, 1.7 min in all; the results of 7 jobs stay as they were",
        "fit: 2 jobs, 1.7 min",
        "draw: 1 job, 1 s",
        "failed: 1 job (train)",
        "not run: 2 jobs (judge)",
    ]


def test_many_stages_are_few_lines():
    lines = lines_of_what_ran([Ran(f"rule{at}", float(at)) for at in range(50)], standing=0)
    assert len(lines) == LINES + 2
    assert lines[1] == "rule49: 1 job, 49 s"
    assert lines[-1] == "30 more stages: 30 jobs, 7.2 min"
