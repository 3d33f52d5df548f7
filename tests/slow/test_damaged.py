"""Damage and full disks as a user meets them: what is said, what is kept, and how it is mended."""

import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from project import MINI, Project, copy_project
from torch import nn

from codespectra.capture import journal
from codespectra.capture.activation_file import Layout, write_rows
from codespectra.files.full_disk import FullDisk
from codespectra.files.manifests import file_digest
from codespectra.models.byte_gpt2 import byte_gpt2
from codespectra.models.hooks import Wanted
from codespectra.models.language_models import save_language_model
from codespectra.training import epochs
from codespectra.training.epochs import Recipe, run_epochs

# Partial states ----------------------------------------------------------------------------------

RECIPE = Recipe(epochs=3, batch=4, learning_rate=0.1, seed=0, identity="this run")


def train(partial: Path) -> torch.Tensor:
    """Weights of a linear layer after three epochs."""
    torch.manual_seed(0)
    network, rows = nn.Linear(2, 1), torch.arange(32.0).reshape(16, 2) / 32
    optimizer = torch.optim.AdamW(network.parameters(), lr=RECIPE.learning_rate)

    def step(chosen: torch.Tensor, _: torch.Generator) -> float:
        return epochs.descend(network(rows[chosen]).square().mean(), optimizer)

    parts = {"network": network, "optimizer": optimizer}
    device = torch.device("cpu")
    run_epochs(parts, 16, step, dict, RECIPE, device=device, partial=partial)
    return network.weight.detach()


def test_a_damaged_state_of_training_starts_anew_and_says_so(tmp_path: Path, caplog) -> None:
    partial = tmp_path / "partial"
    expected, whole = train(partial), partial.read_bytes()
    rng, refused = np.random.default_rng(0), 0
    for _ in range(40):
        changed = bytearray(whole)
        changed[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        partial.write_bytes(bytes(changed))
        caplog.clear()
        assert torch.equal(train(partial), expected)
        refused += f"{partial} is damaged; starting anew" in caplog.text
    assert refused > 20


@pytest.mark.parametrize("content", [b"", b"no checkpoint", None])
def test_a_foreign_state_of_training_is_not_taken_up(content: bytes | None, tmp_path: Path) -> None:
    partial = tmp_path / "partial"
    expected, whole = train(partial), partial.read_bytes()
    if content is None:
        torch.save({"weight": torch.zeros(2)}, partial)
    else:
        partial.write_bytes(content)
    assert torch.equal(train(partial), expected)
    assert partial.read_bytes() == whole


ROWS = np.random.default_rng(0).standard_normal((40, 8)).astype(np.float32)
LAYER = {"name": "fc", "module": "fc", "call": 0, "type": "Linear", "depth": 1, "shape": (8,)}
WANTED = Wanted(LAYER, "none")


class Capture:
    """Writes 40 rows of eight numbers, eight at a time; may end after some batches."""

    def __init__(self, folder: Path):
        self.path, self.shown = folder / "a.h5", []
        self.partial, self.note = folder / ".a.h5.partial", folder / ".a.h5.progress.json"

    def run(self, before=lambda start: None) -> None:
        def show(stimuli: slice, sink) -> int:
            before(stimuli.start)
            self.shown.append(stimuli.start)
            sink(WANTED, torch.from_numpy(ROWS[stimuli]))
            return 0

        layout = Layout([WANTED], range(41), "float32", {"model": "m"})
        write_rows(self.path, layout, show, batch=8)

    def interrupted(self) -> None:
        """Leave a partial file with two batches."""

        def end(start: int) -> None:
            if start == 16:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            self.run(end)
        self.shown.clear()

    def holds_all(self) -> bool:
        with h5py.File(self.path) as file:
            return np.array_equal(file[WANTED.key][:], ROWS)


@pytest.fixture
def noting_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "PROGRESS_SECONDS", 0)


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-40])


def say_more(file: Path) -> None:
    file.write_text(file.read_text().replace('"done": 16', '"done": 24'))


def say_less(file: Path) -> None:
    file.write_text("{}")


def other_rows(file: Path) -> None:
    with h5py.File(file, "w") as other:
        other[WANTED.key] = ROWS[:3]


@pytest.mark.parametrize(
    "which, damage",
    [
        *(("note", damage) for damage in (cut_off, say_more, say_less)),
        *(("partial", damage) for damage in (cut_off, other_rows, say_less)),
    ],
)
def test_a_damaged_capture_starts_anew(which, damage, tmp_path, noting_every_batch) -> None:
    capture = Capture(tmp_path)
    capture.interrupted()
    damage(getattr(capture, which))
    capture.run()
    assert capture.shown == [0, 8, 16, 24, 32]
    assert capture.holds_all()


def test_a_sound_capture_goes_on(tmp_path: Path, noting_every_batch) -> None:
    capture = Capture(tmp_path)
    capture.interrupted()
    capture.run()
    assert capture.shown == [16, 24, 32]
    assert capture.holds_all()


# Full disks --------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with a megabyte of room."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a small disk can't be mounted here: that needs root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_capture_on_a_full_disk_goes_on_when_there_is_room(
    small_disk: Path, noting_every_batch
) -> None:
    capture, filler = Capture(small_disk), small_disk / "filler"

    def fill(start: int) -> None:
        if start == 16:
            with filler.open("wb") as file, pytest.raises(OSError):
                while True:
                    file.write(bytes(4096))

    with pytest.raises(FullDisk, match=rf"{small_disk}: can't write: No space left"):
        capture.run(fill)
    assert not capture.path.exists()
    filler.unlink()
    shown = capture.shown.copy()
    capture.run()
    assert capture.shown[len(shown) :] == [16, 24, 32]
    assert capture.holds_all()


def test_a_language_model_on_a_full_disk_is_told_and_not_left(small_disk: Path) -> None:
    """Safetensors has an error of its own, without a number."""
    network = byte_gpt2({"width": 128, "layers": 2, "heads": 2, "context": 16})
    with pytest.raises(FullDisk, match=rf"{small_disk}: can't write: No space left"):
        save_language_model(small_disk / "gpt", network)
    assert list(small_disk.rglob("*")) == [small_disk / "gpt"]


def test_a_rule_on_a_full_disk_says_so_and_leaves_nothing(small_disk: Path, tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    (project.folder / "results").symlink_to(small_disk)
    (small_disk / "filler").write_bytes(bytes(1_000_000))
    failed = project.snakemake("results/stimuli/train.h5", "--cores", "1")
    assert failed.returncode != 0
    told = "results/stimuli: can't write: No space left on device; 0.0"
    assert told in failed.stdout and "Traceback" not in failed.stdout
    assert not (small_disk / "stimuli").exists()


def test_a_file_beyond_the_limit_is_told_and_not_left(tmp_path: Path) -> None:
    """A quota on the size of a file: what needs no root, and ends in HDF5 as a full disk does."""
    project = copy_project(tmp_path)
    limit = 100_000

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "results/stimuli/train.h5", "--cores", "1"]
        + ["--configfile", MINI],
        cwd=project.folder,
        preexec_fn=limited,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode != 0
    log = (project.folder / "results/logs/make_stimuli/train.log").read_text()
    assert "results/stimuli: can't write: File too large" in log
    assert "Traceback" not in log
    assert not (project.folder / "results/stimuli").exists()


# Finished files ----------------------------------------------------------------------------------

ACTIVATIONS = "results/activations/classifier/test.h5"
CAPACITY = "results/theory/capacity.csv"
SPECTRA = "results/spectra/classifier/test/eigenvalues.csv"
CHANNEL = "results/figures/mini/channel.png"


def damage_number(file: Path) -> None:
    """Turn over a bit far behind the head of a store."""
    content = bytearray(file.read_bytes())
    content[len(content) * 3 // 4] ^= 1
    file.write_bytes(bytes(content))


def digests(project: Project) -> dict[str, str]:
    """Digest of every result; logs, benchmarks and locks left out."""
    results = project.folder / "results"
    files = (file for file in results.rglob("*") if file.is_file() and file.suffix != ".lock")
    relative = {file.relative_to(results): file for file in files}
    return {
        str(name): file_digest(file)
        for name, file in relative.items()
        if name.parts[0] not in {"logs", "benchmarks"}
    }


def test_damaged_results_are_named_and_mended_as_told(mini: Project, tmp_path: Path) -> None:
    shutil.copytree(mini.folder, tmp_path / "copy", symlinks=True)
    project = Project(tmp_path / "copy")
    damage_number(project.folder / ACTIVATIONS)
    capacity = project.folder / CAPACITY
    capacity.write_bytes(capacity.read_bytes()[:-7])
    for target in (SPECTRA, CHANNEL):
        (project.folder / target).unlink()
    run = (SPECTRA, CHANNEL, "--cores", "2", "--keep-going")
    failed = project.snakemake(*run)
    assert failed.returncode != 0
    assert "Traceback" not in failed.stdout
    told = re.findall(r"ERROR (\S+): damaged.*; delete (.*) and rerun$", failed.stdout, re.M)
    doomed = {name: files.split(" and ") for name, files in told}
    manifest = ACTIVATIONS.replace(".h5", ".json")
    assert doomed == {ACTIVATIONS: [ACTIVATIONS, manifest], CAPACITY: [CAPACITY]}
    for name in (ACTIVATIONS, manifest, CAPACITY):
        (project.folder / name).unlink()
    done = project.snakemake(*run)
    assert done.returncode == 0, done.stdout
    assert digests(project) == digests(mini)
    assert project.would_run() == {}
