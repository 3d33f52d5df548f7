"""What goes wrong in one of a capture's threads comes out as it is, and leaves no thread behind."""

import errno
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from captures import (
    Dying,
    Watched,
    capture_images,
    capture_noisy,
    capture_tokens,
    dropping,
    gpt,
    pictures,
    reused,
    sequences,
)
from torch import nn

from codespectra.capture import pipeline, row_writer
from codespectra.capture.pipeline import ROOM, ReadAhead, WriteBehind
from codespectra.errors import UserError
from codespectra.files.full_disk import FullDisk

# Captures --------------------------------------------------------------------------------------


def shown_images(path: Path, network: nn.Module | None = None) -> int:
    """Capture images; how many were shown."""
    watched = Watched()
    capture_images(path, network=network or reused(), preprocess=watched)
    return sum(map(len, watched.fed))


def shown_sequences(path: Path, network: nn.Module | None = None) -> int:
    network = network or gpt()
    watched = Dying(network)
    capture_tokens(path, network)
    return watched.shown


KINDS = pytest.mark.parametrize(
    ("capture", "build", "last", "size", "count"),
    [
        (shown_images, reused, "fc", 16, 90),
        (shown_sequences, gpt, "transformer.h.2", 5, len(sequences())),
    ],
    ids=["images", "text"],
)


def fails_at(module: nn.Module, call: int, error: BaseException) -> None:
    """Let a module, which other layers come before, raise at its call of that number."""
    calls = iter(range(10**6))

    def fail(*_) -> None:
        if next(calls) == call:
            raise error

    module.register_forward_pre_hook(fail)


@pytest.fixture
def threads():
    """No thread is left over."""
    yield
    left = [thread.name for thread in threading.enumerate()]
    assert not [name for name in left if name.startswith(("reading", "writing"))]


@KINDS
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might be ..."),
        KeyboardInterrupt(),
    ],
    ids=["lost GPU", "Ctrl-C"],
)
def test_a_pass_that_fails_costs_its_batch(
    tmp_path, noting_every_batch, threads, capture, build, last, size, count, error
):
    network, path = build(), tmp_path / "a.h5"
    fails_at(network.get_submodule(last), 2, error)
    with pytest.raises(type(error)) as raised:
        capture(path, network)
    assert raised.value is error and not path.exists()
    assert capture(path) == count - 2 * size
    capture(tmp_path / "whole.h5")
    assert path.read_bytes() == (tmp_path / "whole.h5").read_bytes()


def test_a_reader_that_fails(tmp_path, noting_every_batch, threads):
    class Unreadable:
        """Images of a file with a bad sector."""

        def __len__(self) -> int:
            return 90

        def __getitem__(self, rows: slice):
            if rows.stop > 48:
                raise UserError("images.h5: Input/output error")
            return pictures()[rows]

    path, watched = tmp_path / "a.h5", Watched()
    with pytest.raises(UserError, match="Input/output error"):
        capture_images(path, images=Unreadable())
    capture_images(path, preprocess=watched)
    assert sum(map(len, watched.fed)) == 90 - 48


def on_write(monkeypatch, number: int, act: Callable[[], None]) -> None:
    """Act at the write of that number."""
    writes, write = iter(range(10**6)), os.pwrite

    def acting(*given) -> int:
        if next(writes) == number:
            act()
        return write(*given)

    monkeypatch.setattr(row_writer.os, "pwrite", acting)


def full() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("act", "error"),
    [(full, FullDisk), (lambda: signal.raise_signal(signal.SIGINT), KeyboardInterrupt)],
    ids=["full disk", "Ctrl-C"],
)
def test_a_write_that_fails_or_is_interrupted(tmp_path, monkeypatch, threads, act, error):
    """Nothing after a failed write counts; Ctrl-C is noticed by the thread that computes."""
    path = tmp_path / "a.h5"
    with monkeypatch.context() as patch:
        on_write(patch, 20, act)
        with pytest.raises(error):
            capture_images(path)
    assert not path.exists()
    capture_images(path)
    capture_images(tmp_path / "whole.h5")
    assert path.read_bytes() == (tmp_path / "whole.h5").read_bytes()


def test_a_write_may_take_less_than_it_is_given(tmp_path, monkeypatch):
    write = os.pwrite
    capture_images(tmp_path / "whole.h5")
    monkeypatch.setattr(row_writer.os, "pwrite", lambda f, b, at: write(f, b[:1000], at))
    capture_images(tmp_path / "a.h5")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()


# Memory of the device ----------------------------------------------------------------------------


def holds(module: nn.Module, most: int) -> None:
    """Let a module, which other layers come before, have memory for so many stimuli."""

    def fail(_, inputs: tuple) -> None:
        if len(inputs[0]) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nSee ...")

    module.register_forward_pre_hook(fail)


@KINDS
def test_a_batch_that_does_not_fit_is_halved(
    tmp_path, threads, caplog, monkeypatch, capture, build, last, size, count
):
    """The half that fits is as if it had been asked for; rows of the pass that failed are gone."""
    monkeypatch.setattr(row_writer, "TOGETHER", 0)  # they had been written
    network, most = build(), size // 4
    holds(network.get_submodule(last), most)
    capture(tmp_path / "a.h5", network)
    told = [record.message for record in caplog.records if "out of memory" in record.message]
    assert len(told) == 2 and told[1].startswith("CUDA out of memory. Tried to allocate 2 GiB: ")
    assert told[1].endswith(f"batches of {most} instead of {size // 2} from here on")
    if capture is shown_images:
        capture_images(tmp_path / "asked.h5", batch=most)
    else:
        capture_tokens(tmp_path / "asked.h5", batch=most)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "asked.h5").read_bytes()


def test_one_stimulus_too_large_and_noise_that_depends_on_the_batch_are_refused(tmp_path, threads):
    network, noisy = reused(), dropping()
    holds(network.fc, 0)
    with pytest.raises(UserError, match=r"no memory for 1 stimuli at once .*runtime.device: cpu$"):
        capture_images(tmp_path / "a.h5", network=network)
    holds(noisy.fc, 99)
    with pytest.raises(UserError, match=r"for 100 stimuli at once .* a batch must have 100;"):
        capture_noisy(tmp_path / "b.h5", network=noisy)


# Threads -----------------------------------------------------------------------------------------


def test_little_waits_to_be_written(threads):
    handed, worked, waiting = 0, 0, []

    def work() -> None:
        nonlocal worked
        time.sleep(0.001)
        waiting.append(handed - worked)
        worked += 1

    with WriteBehind() as behind:
        for _ in range(40):
            handed += 1
            behind(work, size=ROOM // 4)
        behind(work, size=3 * ROOM)
    assert worked == 41 and 1 < max(waiting) <= 6


def test_no_task_follows_one_that_failed(threads):
    done = []
    with pytest.raises(ZeroDivisionError), WriteBehind() as behind:
        behind(done.append, 1)
        behind(lambda: 1 / 0)
        behind(done.append, 2)
    assert done == [1]


def test_one_batch_is_read_ahead_and_another_may_be_asked_for(threads):
    asked: list[slice] = []

    def load(rows: slice) -> int:
        asked.append(rows)
        return rows.start

    with ReadAhead(load) as read:
        assert read(slice(0, 4), slice(4, 8)) == 0
        assert read(slice(0, 2), slice(2, 4)) == 0
        assert read(slice(2, 4), slice(4, 4)) == 2
    assert asked == [slice(0, 4), slice(4, 8), slice(0, 2), slice(2, 4)]


def test_what_is_on_the_cpu_is_not_copied():
    values = torch.ones(3)
    assert pipeline.on_its_way(values)() is values
