"""A lock of one writer where the file system keeps no locks."""

import errno
import fcntl
import os

import pytest

from codespectra.files.one_writer import only_writer


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
