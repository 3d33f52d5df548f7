"""What a run has done, from the events of its jobs."""

from codespectra.jobs.what_ran import LINES, WhatRan


def test_stages_are_counted_with_their_seconds():
    run = WhatRan({1: "fit", 2: "fit", 3: "draw", 4: "judge", 5: "train"}, standing=7)
    for job, start, end in [(1, 0, 10), (2, 5, 95), (3, 100, 101), (0, 101, 102)]:
        run.start(job, start)
        run.finish(job, end)
    run.start(5, 3)
    run.fail(5)
    assert run.lines() == [
        "What ran: 3 jobs, 1.7 min in all; 7 jobs left as they were",
        "    fit: 2 jobs, 1.7 min",
        "    draw: 1 job, 1 s",
        "    failed: 1 job (train)",
        "    not run: 1 job (judge)",
    ]
    run.start(5, 200)
    run.finish(5, 201)
    assert not any("failed" in line for line in run.lines())


def test_many_stages_are_few_lines():
    run = WhatRan({job: f"rule{job}" for job in range(50)}, standing=0)
    for job in run.rules:
        run.finish(job, 1.0)
    assert len(run.lines()) == LINES + 2
    assert run.lines()[-1] == "    30 more: 30 jobs, 0 s"
