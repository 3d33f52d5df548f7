"""One writer at a time: the second one waits, where the file system keeps locks."""

import errno
import fcntl
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from codespectra.files import one_writer
from codespectra.files.one_writer import only_writer


def test_second_writer_waits_for_the_first(tmp_path):
    """The second process gets in only after the first one's last word, which a marker records."""
    target = tmp_path / "a.h5"
    program = textwrap.dedent(
        f"""
        import sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(one_writer.__file__).parents[2])!r})
        from codespectra.files.one_writer import only_writer

        print("started", flush=True)
        with only_writer({str(target)!r}):
            print(Path({str(tmp_path / "marker")!r}).read_text(), flush=True)
        """
    )
    with only_writer(target):
        second = subprocess.Popen(
            [sys.executable, "-c", program],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert second.stdout.readline() == "started\n"
        warning = second.stderr.readline()
        time.sleep(0.5)  # a process that doesn't wait finds no marker
        (tmp_path / "marker").write_text("first is done")
    out, err = second.communicate(timeout=60)
    assert (out, err, second.returncode) == ("first is done\n", "", 0)
    lock = tmp_path / ".a.h5.lock"
    assert lock.read_text() == str(second.pid)
    assert str(target) in warning and "waiting" in warning


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_without_locks_the_work_goes_on_and_a_line_says_what_is_not_known(
    tmp_path, monkeypatch, caplog, number
):
    def refuse(handle, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with only_writer(tmp_path / "a.h5"):
        (tmp_path / "a.h5").touch()
    [record] = caplog.records
    assert str(tmp_path / "a.h5") in record.message and os.strerror(number) in record.message
