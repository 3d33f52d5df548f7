"""Files are whole or absent, whoever dies, and two writers take turns."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from project import SCRIPTS

from codespectra.files import one_writer, store

LIBRARY = {"PYTHONPATH": str(SCRIPTS)}


def test_a_failed_write_leaves_nothing(tmp_path):
    path = tmp_path / "new" / "a.json"
    with pytest.raises(KeyError), store.atomic(path) as temporary:
        temporary.write_text("half")
        assert temporary.parent == path.parent and not path.exists()
        raise KeyError
    assert list(path.parent.iterdir()) == []
    store.write_json(path, {"b": 1, "a": 2})
    with pytest.raises(ValueError, match="JSON"):
        store.write_json(path, {"a": math.nan})
    assert json.loads(path.read_text()) == {"a": 2, "b": 1}
    assert list(path.parent.iterdir()) == [path]


KILLED = """
import os, signal, sys
from codespectra.files import store

with store.temporary_beside(sys.argv[1]) as folder, store.atomic(sys.argv[2]) as file:
    folder.mkdir()
    (folder / "half").write_text("written")
    file.write_text("half written")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_goes_with_the_next_write(tmp_path):
    paths = [tmp_path / "model", tmp_path / "a[1].json"]
    killed = subprocess.run([sys.executable, "-c", KILLED, *paths], env=LIBRARY, check=False)
    assert killed.returncode == -signal.SIGKILL
    left = [*tmp_path.iterdir()]
    assert len(left) == 2
    others = [tmp_path / ".a[1].json.notes.tmp"]
    # Of a process that lives, and of another machine, where it may live.
    living = f"{os.getppid()}.tmp"
    others += [file.with_name(re.sub(r"\d+\.tmp", living, file.name)) for file in left]
    others += [file.with_name(file.name.replace(os.uname().nodename, "else")) for file in left]
    for file in others:
        file.write_text("not to be touched")
    for path in paths:
        store.write_json(path, {})
    assert {*tmp_path.iterdir()} == {*paths, *others}


SECOND = """
import sys
from pathlib import Path
from codespectra.files import one_writer

print("started", flush=True)
with one_writer.only_writer(sys.argv[1]):
    print(Path(sys.argv[2]).read_text(), flush=True)
"""


def test_a_second_writer_waits_for_the_first(tmp_path):
    """The second process gets in only after the first one's last word, which a marker records."""
    target, marker = tmp_path / "a.h5", tmp_path / "marker"
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with one_writer.only_writer(target):
        second = subprocess.Popen(
            [sys.executable, "-c", SECOND, target, marker], env=LIBRARY, text=True, **streams
        )
        assert second.stdout.readline() == "started\n"
        warning = second.stderr.readline()
        time.sleep(0.5)  # a process that doesn't wait finds no marker
        marker.write_text("first is done")
    out, err = second.communicate(timeout=60)
    assert (out, err, second.returncode) == ("first is done\n", "", 0)
    assert (tmp_path / ".a.h5.lock").read_text() == str(second.pid)
    assert str(target) in warning and "waiting" in warning
