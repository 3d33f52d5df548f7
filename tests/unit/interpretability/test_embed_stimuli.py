"""A set that has grown: its new images alone are embedded, and the file is a fresh run's."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from captures import pictures
from script_job import run_script

from codespectra.data.stimuli import StimulusSet, write_stimuli
from codespectra.interpretability import lpips_embedding
from codespectra.models import checkpoints

IMAGES = pictures(900)


class Watched:
    """A backbone of two parts, whose rows depend on how many images are seen together."""

    def __init__(self) -> None:
        self.seen = 0

    def embed(self, images: np.ndarray) -> dict[str, np.ndarray]:
        self.seen += len(images)
        rows = images.reshape(len(images), -1).astype(np.float32)
        return {"late": rows[:, :3] * len(images), "early": rows[:, 5:6]}


def embed(folder: Path, images: np.ndarray, monkeypatch, batch: int, weights: str = "a") -> int:
    """Embed a set as a job does; returns how many images the network has seen."""
    watched, description = Watched(), {"sha256": weights, "preprocessing": {}}
    loaded = SimpleNamespace(network=None, description=description)
    monkeypatch.setattr(lpips_embedding, "backbone_of", lambda *_: watched)
    monkeypatch.setattr(checkpoints, "load_checkpoint", lambda _: loaded)
    folder.mkdir(exist_ok=True)
    write_stimuli(folder / "set.h5", "set", StimulusSet(images, len(images), 16))
    inputs = {"stimuli": folder / "set.h5", "stimuli_manifest": folder / "set.json"}
    outputs = {"data": folder / "a.h5", "manifest": folder / "a.json"}
    for file in outputs.values():
        file.unlink(missing_ok=True)  # as Snakemake does
    run_script(
        "embed_stimuli",
        inputs | {"checkpoint_manifest": ""},
        outputs,
        {"backbone": {"kind": "network"}, "stimuli": "set"},
        config={"runtime": {"batch": batch, "device": "cpu"}},
    )
    return watched.seen


@pytest.mark.parametrize(("batch", "kept"), [(100, 512), (128, 512), (300, 512)])
def test_only_new_images_are_embedded(tmp_path, monkeypatch, batch, kept):
    assert embed(tmp_path / "grown", IMAGES[:600], monkeypatch, batch) == 600
    assert embed(tmp_path / "grown", IMAGES, monkeypatch, batch) == 900 - kept
    assert embed(tmp_path / "fresh", IMAGES, monkeypatch, batch) == 900
    for name in ("a.h5", "a.json", ".a.h5.items"):
        grown, fresh = (tmp_path / folder / name for folder in ("grown", "fresh"))
        assert grown.read_bytes() == fresh.read_bytes(), name


@pytest.mark.parametrize("change", ["first image", "weights"])
def test_all_are_embedded_anew(tmp_path, monkeypatch, change):
    embed(tmp_path / "a", IMAGES[:600], monkeypatch, 128)
    images = IMAGES.copy()
    images[0] += change == "first image"
    assert embed(tmp_path / "a", images, monkeypatch, 128, weights=change) == 900
