"""Files that are whole or absent, whatever ends the write."""

import json
import math
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from codespectra.files import whole_files
from codespectra.files.json_files import write_json
from codespectra.files.whole_files import atomic


def test_atomic_leaves_nothing_of_a_failed_write(tmp_path):
    path = tmp_path / "new" / "a.json"
    with pytest.raises(KeyError), atomic(path) as temporary:
        temporary.write_text("half")
        assert temporary.parent == path.parent and not path.exists()
        raise KeyError
    assert list(path.parent.iterdir()) == []
    write_json(path, {"b": 1, "a": 2})
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"a": math.nan})
    assert json.loads(path.read_text()) == {"a": 2, "b": 1}
    assert list(path.parent.iterdir()) == [path]


KILLED = """
import os, signal, sys
from codespectra.files.whole_files import atomic, temporary_beside

with temporary_beside(sys.argv[1]) as folder, atomic(sys.argv[2]) as file:
    folder.mkdir()
    (folder / "half").write_text("written")
    file.write_text("half written")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_goes_with_the_next_write(tmp_path):
    paths = [tmp_path / "model", tmp_path / "a[1].json"]
    environment = {"PYTHONPATH": str(Path(whole_files.__file__).parents[2])}
    killed = subprocess.run([sys.executable, "-c", KILLED, *paths], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    left = [*tmp_path.iterdir()]
    assert len(left) == 2
    others = [tmp_path / ".a[1].json.notes.tmp"]
    # Of a process that lives, and of another machine, where it may live.
    living = rf"{os.getppid()}\1"
    others += [file.with_name(re.sub(r"\d+(\.\w+\.tmp)$", living, file.name)) for file in left]
    others += [file.with_name(file.name.replace(os.uname().nodename, "else")) for file in left]
    for file in others:
        file.write_text("not to be touched")
    for path in paths:
        write_json(path, {})
    assert {*tmp_path.iterdir()} == {*paths, *others}
