"""Damage and full disks as a user meets them: what is said, what is kept, and how it is mended."""

import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from captures import Watched, capture_images, layers_of, pictures, read, reused
from project import MINI, Project, copy_project

from codespectra.files.full_disk import FullDisk
from codespectra.files.manifests import file_digest
from codespectra.models.byte_gpt2 import byte_gpt2
from codespectra.models.language_models import save_language_model

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


class Filling(Watched):
    """Fills the disk before the third batch, once the first one is noted."""

    def __init__(self, disk: Path):
        super().__init__()
        self.filler, self.note = disk / "filler", disk / ".a.h5.progress.json"

    def __call__(self, images: np.ndarray) -> torch.Tensor:
        if len(self.fed) == 2:
            while not self.note.exists():
                time.sleep(0.01)
            with self.filler.open("wb") as file, pytest.raises(OSError):
                while True:
                    file.write(bytes(4096))
        return super().__call__(images)


def test_a_capture_on_a_full_disk_goes_on_when_there_is_room(small_disk, noting_every_batch):
    path, wanted = small_disk / "a.h5", layers_of(reused(), "spatial_mean")
    filling, rest = Filling(small_disk), Watched()
    with pytest.raises(FullDisk, match=rf"{small_disk}: can't write: No space left"):
        capture_images(path, wanted=wanted, preprocess=filling)
    assert not path.exists()
    filling.filler.unlink()
    capture_images(path, wanted=wanted, preprocess=rest)
    shown = np.concatenate(rest.fed)  # the second batch may have met the full disk
    assert len(shown) in {90 - 16, 90 - 32}
    np.testing.assert_array_equal(shown, pictures()[-len(shown) :])
    found = read(path)
    path.unlink()
    capture_images(path, wanted=wanted)
    for key, values in read(path).items():
        np.testing.assert_array_equal(found[key], values)


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
    said = project.failure("results/stimuli/train.h5", "--cores", "1")
    assert "results/stimuli: can't write: No space left on device; " in said
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


def test_damaged_results_are_named_and_mended_as_told(mini: Project, tmp_path: Path) -> None:
    project = mini.copy(tmp_path / "copy")
    damage_number(project.folder / ACTIVATIONS)
    capacity = project.folder / CAPACITY
    capacity.write_bytes(capacity.read_bytes()[:-7])
    for target in (SPECTRA, CHANNEL):
        (project.folder / target).unlink()
    run = (SPECTRA, CHANNEL, "--cores", "2", "--keep-going")
    said = project.failure(*run)
    told = re.findall(r"ERROR (\S+): damaged.*; delete (.*) and rerun$", said, re.M)
    doomed = {name: files.split(" and ") for name, files in told}
    manifest = ACTIVATIONS.replace(".h5", ".json")
    assert doomed == {ACTIVATIONS: [ACTIVATIONS, manifest], CAPACITY: [CAPACITY]}
    for name in (ACTIVATIONS, manifest, CAPACITY):
        (project.folder / name).unlink()
    done = project.snakemake(*run)
    assert done.returncode == 0, done.stdout
    found, expected = (
        {name: file_digest(file) for name, file in one.outputs().items()} for one in (project, mini)
    )
    assert found == expected
    assert project.would_run() == {}
