"""A long loop tells the log how far it is; a short one doesn't."""

import logging

import pytest

from codespectra.jobs import progress as module
from codespectra.jobs.progress import progress


@pytest.mark.parametrize("seconds", [0, 30])
def test_lines_come_where_a_loop_takes_long(seconds, monkeypatch, caplog):
    monkeypatch.setattr(module, "SECONDS", seconds)
    with caplog.at_level(logging.INFO, "codespectra"):
        assert [*progress([1, 2, 3], desc="outer")] == [1, 2, 3]
        for _ in progress(range(2), desc="nested"):
            with progress(total=5) as bar:
                bar.update(5)
    lines = [record.message for record in caplog.records]
    assert bool(lines) == (seconds == 0)
    assert all(" of " in line and line.isprintable() for line in lines)
    assert seconds or {"outer: 3 of 3", "done: 5 of 5"} <= {*lines}
