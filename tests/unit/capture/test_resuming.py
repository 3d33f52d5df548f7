"""A capture that was stopped goes on where it stopped; a foreign or damaged part starts anew."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from captures import (
    BATCH,
    REDUCTIONS,
    Dying,
    Watched,
    capture_images,
    capture_noisy,
    capture_tokens,
    gpt,
    layers_of,
    pictures,
    reused,
    sequences,
)
from damage import flipped

from codespectra.capture import activation_file, images, journal
from codespectra.capture.shard import Shard
from codespectra.errors import UserError
from codespectra.files.hdf5_files import hdf5_digest

# Captures to `path` that die at a batch; each returns how many stimuli it has shown.


def labelled(path: Path, at: int | None = None, **changes) -> int:
    watched = Watched(at)
    capture_images(path, labels=np.arange(90) % 5, preprocess=watched, **changes)
    return sum(map(len, watched.fed))


def last_shard(path: Path, at: int | None = None) -> int:
    """Images 48 to 89."""
    return labelled(path, at, shard=Shard(2, 2))


def noisy(path: Path, at: int | None = None) -> int:
    watched = Watched(at)
    capture_noisy(path, preprocess=watched)
    return sum(map(len, watched.fed))


def tokens(path: Path, at: int | None = None, **changes) -> int:
    network = gpt()
    dying = Dying(network, at)
    capture_tokens(path, network, **changes)
    return dying.shown


def half_precision(path: Path, at: int | None = None) -> int:
    return tokens(path, at, dtype="float16")


def stop(capture: Callable[..., int], path: Path, at: int, **changes) -> None:
    with pytest.raises(KeyboardInterrupt):
        capture(path, at, **changes)
    assert not path.exists()


@pytest.fixture(autouse=True)
def small_grain(monkeypatch) -> None:
    monkeypatch.setattr(images, "GRAIN", 16)


@pytest.mark.parametrize(
    ("capture", "at", "rest"),
    [
        (labelled, 3, 90 - 3 * 16),
        (last_shard, 1, 42 - 16),
        (noisy, 1, 180 - 100),
        (tokens, 3, len(sequences()) - 3 * BATCH),
        (half_precision, 3, len(sequences()) - 3 * BATCH),
    ],
)
def test_a_capture_goes_on_where_it_stopped(tmp_path, noting_every_batch, capture, at, rest):
    path, whole = tmp_path / "a.h5", tmp_path / "whole.h5"
    capture(whole)
    stop(capture, path, at)
    assert capture(path) == rest
    assert path.read_bytes() == whole.read_bytes()
    assert sorted(tmp_path.iterdir()) == [path, whole]


def test_text_goes_on_with_other_batches(tmp_path, noting_every_batch):
    """`runtime.sequences` may change between: a sequence is never split or shown twice."""
    stop(tokens, tmp_path / "a.h5", 3)
    assert tokens(tmp_path / "a.h5", batch=4) == len(sequences()) - 3 * BATCH
    found, whole = capture_tokens(tmp_path / "a.h5"), capture_tokens(tmp_path / "whole.h5")
    for name, values in whole.items():
        np.testing.assert_allclose(found[name], values, atol=1e-5 * np.abs(values).max())


def test_rows_after_the_last_note_are_captured_again(tmp_path, monkeypatch):
    """A kill before the first note costs everything, and leaves no wrong row."""
    monkeypatch.setattr(journal, "PROGRESS_SECONDS", 1e9)
    path, whole = tmp_path / "a.h5", tmp_path / "whole.h5"
    labelled(whole)
    stop(labelled, path, 3)
    assert labelled(path) == 90
    assert path.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(
    "changes",
    [
        {"attributes": {"model": "another"}},
        {"dtype": "float16"},
        {"images": pictures(89)},
        {"wanted": layers_of(reused(), "none")},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_partial_file_of_another_capture_is_not_resumed(tmp_path, noting_every_batch, changes):
    def capture(path: Path, at: int | None = None, **changed) -> int:
        watched = Watched(at)
        capture_images(path, preprocess=watched, **changed)
        return sum(map(len, watched.fed))

    path, whole = tmp_path / "a.h5", tmp_path / "whole.h5"
    stop(capture, path, 3)
    assert capture(path, **changes) == capture(whole, **changes)
    assert path.read_bytes() == whole.read_bytes()


def test_note_of_an_older_capture_does_not_vouch_for_a_newer_partial_file(
    tmp_path, noting_every_batch
):
    """A is stopped, B is stopped before its first note, and A comes back: B's rows aren't A's."""
    path, whole = tmp_path / "a.h5", tmp_path / "whole.h5"
    labelled(whole)
    stop(labelled, path, 3)
    stop(labelled, path, 0, attributes={"model": "B"})
    labelled(path)
    assert path.read_bytes() == whole.read_bytes()


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-40])


def say_more(file: Path) -> None:
    file.write_text(file.read_text().replace('"done": 32', '"done": 48'))


def say_nothing(file: Path) -> None:
    file.write_text("{}")


def other_rows(file: Path) -> None:
    with h5py.File(file, "w") as other:
        for item in layers_of(reused(), *REDUCTIONS):
            other[item.key] = np.zeros((3, item.width), np.float32)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *((".a.h5.progress.json", damage) for damage in (cut_off, say_more, say_nothing)),
        *((".a.h5.partial", damage) for damage in (cut_off, other_rows, say_nothing)),
    ],
)
def test_a_damaged_capture_starts_anew(tmp_path, noting_every_batch, name, damage):
    path, whole = tmp_path / "a.h5", tmp_path / "whole.h5"
    labelled(whole)
    stop(labelled, path, 2)
    before = (tmp_path / name).read_bytes()
    damage(tmp_path / name)
    assert (tmp_path / name).read_bytes() != before
    assert labelled(path) == 90
    assert path.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("stopped", [2, None])
def test_a_flipped_bit_of_a_partial_capture_never_gets_a_valid_digest(
    tmp_path, noting_every_batch, monkeypatch, caplog, stopped
):
    """In rows, in what is told of them, or in the progress note; stopped midway or at the end."""
    path, whole, rng = tmp_path / "a.h5", tmp_path / "whole.h5", np.random.default_rng(0)
    labelled(whole)
    expected, partial = hdf5_digest(whole), tmp_path / ".a.h5.partial"

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if stopped is None:
            patch.setattr(activation_file, "publish", killed)
        stop(labelled, path, stopped)
    rest, before, anew = labelled_rest(stopped), partial.read_bytes(), 0
    note = tmp_path / ".a.h5.progress.json"
    noted = note.read_bytes()
    for place in rng.random(40):
        partial.write_bytes(flipped(before, place, int(rng.integers(8))))
        note.write_bytes(noted)
        anew += labelled(path) > rest
        assert hdf5_digest(path) == expected
    assert anew > 5 and "starting anew" in caplog.text


def labelled_rest(stopped: int | None) -> int:
    """Images that a capture still has to show."""
    return 0 if stopped is None else 90 - stopped * 16


def test_rows_that_change_after_they_were_written_are_refused(tmp_path, monkeypatch):
    """The digest is of what was computed, not of what a disk has made of it."""
    path = tmp_path / "a.h5"

    def damaging(partial: Path, final: Path) -> None:
        with h5py.File(partial, "r+") as file:
            file["none/fc"][3, 1] += 1
        publish(partial, final)

    publish = activation_file.publish
    monkeypatch.setattr(activation_file, "publish", damaging)
    written = capture_images(path)
    assert written.sha256 != hdf5_digest(path)


# Rows that are all there -------------------------------------------------------------------------


def test_refused_accuracy_keeps_the_rows_and_a_later_call_needs_no_pass(tmp_path):
    def refuse(correct):
        raise UserError(f"{correct} right")

    path, whole, labels = tmp_path / "a.h5", tmp_path / "whole.h5", np.zeros(90, dtype=int)
    correct = capture_images(whole, labels=labels).correct
    with pytest.raises(UserError, match=f"^{correct} right"):
        capture_images(path, labels=labels, accept=refuse)
    assert not path.exists()
    seen = []
    again = capture_images(path, labels=labels, accept=seen.append, preprocess=Watched(0))
    assert seen == [again.correct] == [correct]
    assert path.read_bytes() == whole.read_bytes()
    assert sorted(tmp_path.iterdir()) == [path, whole]


def test_a_kill_before_the_file_has_its_name_costs_no_rows(tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    written = capture_images(tmp_path / "whole.h5")
    with monkeypatch.context() as patch:
        patch.setattr(activation_file, "publish", killed)
        stop(lambda path, _: capture_images(path), tmp_path / "a.h5", 0)
    assert capture_images(tmp_path / "a.h5", preprocess=Watched(0)) == written
    assert written.sha256 == hdf5_digest(tmp_path / "a.h5")
