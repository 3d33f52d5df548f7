"""GPUs that don't exist, and real processes that each take one of them."""

import errno
import fcntl
import os
import select
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TextIO

import pytest
import torch

from codespectra.errors import UserError
from codespectra.jobs import device, gpu_lock
from codespectra.jobs.gpu_lock import VISIBLE, list_devices, release_device, take_device

SCRIPTS = Path(gpu_lock.__file__).parents[2]
UUIDS = ["GPU-1aaa-0", "GPU-2bbb-1", "GPU-3ccc-2"]
WHOLE = "".join(f"GPU {i}: NVIDIA A100 (UUID: {uuid})\n" for i, uuid in enumerate(UUIDS))
MIG = ["MIG-5d1e-3", "MIG-GPU-2bbb-1/1/0"]  # a new and an old form of names
DIVIDED = f"""\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: {UUIDS[0]})
GPU 1: NVIDIA A100-SXM4-40GB (UUID: {UUIDS[1]})
  MIG 3g.20gb     Device  0: (UUID: {MIG[0]})
  MIG 1g.5gb      Device  1: (UUID: {MIG[1]})
"""

# Take a device, do what is asked, say which device it is, and stay until stdin ends.
HOLDER = """
import logging, os, sys, time
from pathlib import Path
from codespectra.jobs.gpu_lock import take_device
logging.basicConfig(level=logging.WARNING, format="%(message)s")
taken, child = take_device(Path(sys.argv[1])), 0
assert take_device(Path(sys.argv[1])) == taken and "torch" not in sys.modules
exec(sys.argv[2])
print(taken, os.environ["CUDA_VISIBLE_DEVICES"], child, flush=True)
sys.stdin.read()
"""
SPAWN = """
import subprocess
program = [sys.executable, "-c", "import time; time.sleep(60)"]
child = subprocess.Popen(program, close_fds=False).pid
"""
FORK = """
child = os.fork()
if not child:
    time.sleep(60)
"""


def pretend(folder: Path, listing: str, status: int = 0) -> None:
    """Write an nvidia-smi that lists these GPUs."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!{sys.executable}\nprint({listing!r})\nraise SystemExit({status})\n")
    program.chmod(0o755)


class Machine:
    """A machine with pretended GPUs, and the processes started on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen] = []

    def start(self, visible: str | None = None, act: str = "") -> subprocess.Popen:
        """Start a process that takes a GPU and holds it."""
        environment = {"PATH": str(self.folder), "PYTHONPATH": str(SCRIPTS)}
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, self.folder / "locks", act],
            env=environment if visible is None else environment | {VISIBLE: visible},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process


def line(stream: TextIO) -> str:
    """The next line of a process; it must come."""
    ready, _, _ = select.select([stream], [], [], 60)
    assert ready, "nothing said in a minute"
    return stream.readline()


def device_and_child(process: subprocess.Popen) -> tuple[str, int]:
    """The device that a process took, which is all that its CUDA would see, and its child."""
    taken, visible, child = line(process.stdout).split()
    assert taken == visible
    return taken, int(child)


def device_of(process: subprocess.Popen) -> str:
    return device_and_child(process)[0]


def is_silent(process: subprocess.Popen) -> bool:
    """Whether a process still has no device, after two more of its looks."""
    ready, _, _ = select.select([process.stdout], [], [], 2.5 * gpu_lock.POLL_SECONDS)
    return not ready


@pytest.fixture
def machine(tmp_path) -> Iterator[Machine]:
    pretend(tmp_path, WHOLE)
    machine = Machine(tmp_path)
    yield machine
    for process in machine.processes:
        process.kill()
        process.communicate()


@pytest.fixture
def path(tmp_path, monkeypatch) -> Path:
    """A folder that alone is PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


# Processes ---------------------------------------------------------------------------------------


def test_no_two_processes_hold_the_same_gpu_and_the_next_waits_until_one_ends(machine):
    holders = {device_of(process): process for process in [machine.start() for _ in UUIDS]}
    assert sorted(holders) == UUIDS
    fourth = machine.start()
    told = line(fourth.stderr)
    assert all(f"{uuid} by process {holders[uuid].pid}" in told for uuid in UUIDS)
    assert is_silent(fourth)
    holders[UUIDS[1]].communicate()  # its stdin ends, and so does it
    assert device_of(fourth) == UUIDS[1]
    assert fourth.communicate() == ("", "")  # it told once


def test_kill_9_frees_the_gpu(machine):
    first = machine.start(visible="2")
    assert device_of(first) == UUIDS[2]
    second = machine.start(visible="2")
    assert f"process {first.pid}" in line(second.stderr)
    assert is_silent(second)
    first.send_signal(signal.SIGKILL)
    assert device_of(second) == UUIDS[2]


@pytest.mark.parametrize("act", [SPAWN, FORK], ids=["spawned", "forked"])
def test_a_child_does_not_hold_the_gpu_of_its_dead_parent(machine, act):
    parent = machine.start(visible="0", act=act)
    taken, child = device_and_child(parent)
    try:
        parent.kill()
        parent.wait()
        os.kill(child, 0)  # the child lives on
        assert taken == device_of(machine.start(visible="0"))
    finally:
        os.kill(child, signal.SIGKILL)


def test_an_exiting_child_does_not_free_the_gpu_of_its_parent(machine):
    parent = machine.start(visible="0", act=FORK.replace("time.sleep(60)", "os._exit(0)"))
    _, child = device_and_child(parent)
    second = machine.start(visible="0")
    assert f"process {parent.pid}" in line(second.stderr)
    assert child != parent.pid and is_silent(second)


def test_the_choice_of_the_environment_is_respected_and_narrowed(machine):
    taken = [device_of(machine.start(visible=f"2,{UUIDS[0]}")) for _ in range(2)]
    assert taken == [UUIDS[2], UUIDS[0]]  # in the order given
    assert device_of(machine.start(visible="2,1")) == UUIDS[1]  # one lock for 2 and its UUID


# What CUDA would see -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, [UUIDS[0], *MIG]),  # the divided GPU itself can't be used
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("0,-1,1", [UUIDS[0]]),
        ("0, 7, 1", [UUIDS[0]]),
        ("1", [MIG[0]]),  # of a divided GPU CUDA takes the first part
        ("GPU-1,0,GPU-1aaa", [UUIDS[0]]),
        ("GPU-", []),  # which of them?
        (f"{MIG[1]},MIG-5", [MIG[1], MIG[0]]),
        ("GPU-9", []),
    ],
)
def test_entries_mean_what_they_mean_to_cuda(path, monkeypatch, visible, expected):
    pretend(path, DIVIDED)
    monkeypatch.delenv(VISIBLE, raising=False)
    if visible is not None:
        monkeypatch.setenv(VISIBLE, visible)
    assert list_devices() == expected


def test_without_nvidia_smi_only_named_devices_are_known(path, monkeypatch):
    monkeypatch.setenv(VISIBLE, "3, GPU-9,none,1")
    assert list_devices() == ["3", "GPU-9"]
    monkeypatch.delenv(VISIBLE)
    assert list_devices() == []
    assert take_device(path / "locks") is None
    assert VISIBLE not in os.environ and not (path / "locks").exists()


def test_an_nvidia_smi_that_fails_is_told_of(path, monkeypatch, caplog):
    pretend(path, "Failed to initialize NVML: Driver/library version mismatch", status=18)
    monkeypatch.delenv(VISIBLE, raising=False)
    assert list_devices() == []
    assert "status 18" in caplog.text


# The folder of locks -----------------------------------------------------------------------------


@pytest.fixture
def held(path, monkeypatch) -> Iterator[Path]:
    """A folder for locks; what the test takes is given back after it."""
    pretend(path, WHOLE)
    monkeypatch.setenv(VISIBLE, "0,1,2")
    yield path / "locks"
    release_device()


def test_the_folder_is_for_this_user_alone(held):
    assert take_device(held) == UUIDS[0]
    assert [file.read_text() for file in held.iterdir()] == [str(os.getpid())]
    modes = [stat.S_IMODE(file.stat().st_mode) for file in (held, *held.iterdir())]
    assert modes == [0o700, 0o600]


def test_names_with_odd_characters_stay_inside_the_folder(held, monkeypatch):
    (held.parent / "nvidia-smi").unlink()
    monkeypatch.setenv(VISIBLE, "MIG-GPU-1/../../x y\n")
    assert take_device(held) == "MIG-GPU-1/../../x y"
    assert [file.parent for file in held.parent.rglob("*.lock")] == [held]


def test_a_folder_of_somebody_else_is_refused(held, monkeypatch):
    held.mkdir(mode=0o700)
    owner = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    with pytest.raises(UserError, match=f"locks: .* found user {owner}, mode 700") as refused:
        take_device(held)
    assert "\n" not in str(refused.value) and not list(held.iterdir())
    assert f"set {gpu_lock.FOLDER} to another" in str(refused.value)


@pytest.mark.parametrize("named", ["mine", ""])
def test_the_environment_names_another_folder(tmp_path, named):
    told = {"PYTHONPATH": str(SCRIPTS), gpu_lock.FOLDER: named and str(tmp_path / named)}
    program = "from codespectra.jobs import gpu_lock; print(gpu_lock.LOCKS)"
    said = subprocess.check_output([sys.executable, "-c", program], env=told, text=True)
    expected = tmp_path / named if named else f"/tmp/codespectra-gpus-{os.getuid()}"
    assert said == f"{expected}\n"


def test_a_file_system_without_locks_is_one_line(held, monkeypatch):
    def refuse(place, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(UserError, match=f"(?s:{held}.*No locks.*set {gpu_lock.FOLDER})"):
        take_device(held)


def test_a_folder_open_to_others_is_refused(held):
    held.mkdir()
    held.chmod(0o770)
    with pytest.raises(UserError, match="mode 770"):
        take_device(held)


@pytest.mark.parametrize("target", ["own", "missing"])
def test_a_link_in_place_of_the_folder_is_refused(held, target):
    (held.parent / "own").mkdir(mode=0o700)
    held.symlink_to(held.parent / target)
    with pytest.raises(UserError, match="locks of GPUs can't be kept there"):
        take_device(held)
    assert not list((held.parent / "own").iterdir()) and not (held.parent / "missing").exists()


def test_a_lock_file_that_is_a_link_is_not_followed(held):
    held.mkdir(mode=0o700)
    victim = held.parent / "victim"
    victim.write_text("precious")
    (held / f"{UUIDS[0]}.lock").symlink_to(victim)
    with pytest.raises(UserError, match=rf"{UUIDS[0]}\.lock: a link, expected a file"):
        take_device(held)
    assert victim.read_text() == "precious"


# Where tensors are computed ----------------------------------------------------------------------


@pytest.fixture
def locked(held, monkeypatch) -> Path:
    """resolve_device with its locks in a folder of the test."""
    monkeypatch.setattr(device, "take_device", partial(take_device, held))
    return held


def test_the_gpu_is_taken_before_torch_looks(locked, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: os.environ[VISIBLE] == UUIDS[0])
    assert device.resolve_device("auto") == device.resolve_device("cuda") == torch.device("cuda")
    assert len(list(locked.iterdir())) == 1


def test_the_cpu_takes_no_gpu(locked):
    assert device.resolve_device("cpu") == torch.device("cpu")
    assert not locked.exists() and os.environ[VISIBLE] == "0,1,2"


def test_a_gpu_that_torch_cannot_use_is_given_back(locked, machine, monkeypatch, caplog):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="torch sees no GPU"):
        device.resolve_device("cuda")
    assert device.resolve_device("auto") == torch.device("cpu")
    assert f"torch can't use {UUIDS[0]}" in caplog.text
    assert device_of(machine.start(visible="0")) == UUIDS[0]
