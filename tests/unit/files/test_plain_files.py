"""Links and the like under names that can be guessed: named, and what is behind them stays."""

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from captures import capture_images
from torch import nn

from codespectra.errors import UserError
from codespectra.explanations import chat_answers
from codespectra.explanations.chat_budget import Budget
from codespectra.files.json_files import write_json
from codespectra.files.notes import note_of
from codespectra.files.one_writer import only_writer
from codespectra.files.plain_files import open_plain
from codespectra.files.whole_files import atomic
from codespectra.jobs import gpu_lock
from codespectra.training.epochs import Recipe, run_epochs

PRECIOUS = b'{"tokens": 3}\n'


def lock(path: Path) -> None:
    with only_writer(path):
        pass


def lock_gpu(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    os.close(gpu_lock._lock(path, folder))


def train(path: Path) -> None:
    recipe = Recipe(epochs=1, batch=1, learning_rate=0.1, seed=0, identity="this run")
    parts, cpu = {"network": nn.Linear(1, 1)}, torch.device("cpu")
    run_epochs(parts, 1, lambda *_: 0.0, dict, recipe, device=cpu, partial=path)


def ask(path: Path) -> None:
    chat_answers._Question(path, 1, Budget(10, 0)).charge()


# Door -> the name that it opens beside `a.h5`, and what opens it.
DOORS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "lock": (".a.h5.lock", lambda folder: lock(folder / "a.h5")),
    "lock of a GPU": ("GPU-1.lock", lambda folder: lock_gpu(folder / "GPU-1.lock")),
    "capture": (".a.h5.partial", lambda folder: capture_images(folder / "a.h5")),
    "its progress": (".a.h5.progress.json", lambda folder: capture_images(folder / "a.h5")),
    "training": (".a.partial", lambda folder: train(folder / ".a.partial")),
    "answer": ("0f.json", lambda folder: ask(folder / "0f.json")),
}


def plant(kind: str, name: Path, target: Path) -> None:
    """Put something that isn't a file of its own under a name."""
    if kind == "link":
        name.symlink_to(target)
    elif kind == "dangling link":
        name.symlink_to(target.with_name("missing"))
    elif kind == "hard link":
        name.hardlink_to(target)
    elif kind == "pipe":
        os.mkfifo(name)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(name))
    else:
        name.mkdir()


@pytest.mark.parametrize("kind", ["link", "dangling link", "hard link", "pipe", "socket", "folder"])
@pytest.mark.parametrize("door", DOORS)
def test_what_is_planted_is_named_and_what_is_behind_it_stays(
    tmp_path: Path, monkeypatch, door: str, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    name, enter = DOORS[door]
    target = tmp_path / "precious"
    target.write_bytes(PRECIOUS)
    plant(kind, Path(name), target)
    with pytest.raises(UserError) as refusal:
        enter(tmp_path)
    assert str(refusal.value).startswith(f"{tmp_path / name}: ")
    assert "\n" not in str(refusal.value)
    assert target.read_bytes() == PRECIOUS and target.stat().st_nlink <= 2
    assert {file.name for file in tmp_path.iterdir()} <= {name, "precious", ".a.h5.progress.json"}


def test_a_temporary_name_is_made_for_this_file_alone(tmp_path: Path) -> None:
    names = set()
    for _ in range(3):
        with atomic(tmp_path / "a.csv", mode=0o600) as temporary:
            names.add(temporary.name)
            assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
            temporary.write_text("x")
    assert len(names) == 3
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr("secrets.token_hex", lambda _: "0f")
        known = tmp_path / f".a.csv.{os.uname().nodename}.{os.getpid()}.0f.tmp"
        (tmp_path / "precious").write_bytes(PRECIOUS)
        known.symlink_to(tmp_path / "precious")
        with pytest.raises(FileExistsError), atomic(tmp_path / "a.csv"):
            pass
    assert (tmp_path / "precious").read_bytes() == PRECIOUS


@pytest.mark.parametrize("kind", ["link", "hard link"])
def test_leftovers_are_removed_and_not_what_is_behind_them(tmp_path: Path, kind: str) -> None:
    """Under the name of a process that has ended; a finished name, or a note's, is replaced."""
    dead, target = 2**22 + 1, tmp_path / "precious"  # above Linux's largest id
    target.write_bytes(PRECIOUS)
    path = tmp_path / "a.json"
    begin = f".a.json.{os.uname().nodename}.{dead}"
    planted = [path, note_of(path), tmp_path / f"{begin}.tmp", tmp_path / f"{begin}.0f.tmp"]
    for name in planted:
        plant(kind, name, target)
    write_json(path, {})
    write_json(note_of(path), {})
    assert target.read_bytes() == PRECIOUS
    assert {*tmp_path.iterdir()} == {target, path, note_of(path)}


def test_nothing_is_emptied_by_opening(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(PRECIOUS)
    os.close(open_plain(tmp_path / "a", os.O_RDWR | os.O_CREAT))
    assert (tmp_path / "a").read_bytes() == PRECIOUS
