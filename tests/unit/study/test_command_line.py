"""`python -m codespectra`: a study to begin with, and what is wrong in one."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

from codespectra.__main__ import main
from codespectra.study.new_study import PURPOSES, new_study


def give_images_and_weights(folder: Path) -> None:
    for label in ("cat", "cup", "hat"):
        (folder / "data/images" / label).mkdir(parents=True)
        for number in range(171):
            image = Image.fromarray(np.full((8, 8, 3), number, np.uint8))
            image.save(folder / f"data/images/{label}/{number}.png")
    torch.save(torchvision.models.resnet18().state_dict(), folder / "network.pt")


def give_activations(folder: Path) -> None:
    np.save(folder / "activations.npy", np.ones((90, 60), np.float32))


@pytest.mark.parametrize(
    ("purpose", "give", "counts"),
    [
        ("vision", give_images_and_weights, "2 networks, 1 sets, 38 layers"),
        ("activations", give_activations, "0 networks, 0 sets, 1 layers"),
    ],
)
def test_a_new_study_lacks_nothing_but_the_files(
    purpose, give, counts, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(["new", "mine", "--for", purpose]) == 0
    assert main(["check", "mine.yaml"]) == 1
    for line in capsys.readouterr().err.splitlines():
        assert "no folder" in line or "no such file" in line.lower()
    give(tmp_path)
    assert main(["check", "mine.yaml"]) == 0
    assert capsys.readouterr().out == f"mine.yaml: no mistakes; {counts} to capture\n"


def test_keys_of_a_new_study_are_commented():
    for purpose in PURPOSES:
        lines = new_study("mine", purpose).splitlines()
        tops = [number for number, line in enumerate(lines) if line[:1].isalpha()]
        assert len(tops) >= 2
        assert all(lines[number - 1].startswith("# ") for number in tops)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["new", "mine"], "mine.yaml: is there already; choose another name"),
        (["new", "a b"], "config: study: String should match"),
        (
            ["new", "no/such/mine"],
            "no/such/mine.yaml: can't be written (No such file or directory)",
        ),
        (["check", "none.yaml"], "none.yaml: is no file of at most"),
        (["check", "mine.yaml"], "config: spectr: unknown key; did you mean 'spectra'"),
    ],
)
def test_a_mistake_is_one_line(arguments, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("study: mine\nspectr: {}\n")
    assert main(arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(says)
    assert Path("mine.yaml").read_text() == "study: mine\nspectr: {}\n"
