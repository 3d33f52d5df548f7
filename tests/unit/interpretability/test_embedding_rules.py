"""The rules of embeddings from files and of DreamSim: scores read what they write, row by row."""

from pathlib import Path

import numpy as np
import pytest
from dreamsim_weights import IMAGES, WIDTH, write_weights
from script_job import run_script

from codespectra.data.stimuli import StimulusSet, write_stimuli
from codespectra.errors import UserError
from codespectra.files.manifests import file_digest, read_manifest
from codespectra.interpretability.dreamsim_embedding import Dreamsim
from codespectra.interpretability.similarity import read_similarities

COUNT, SIDE = IMAGES.shape[:2]
NAMES = [f"s{number}" for number in range(COUNT)]
WANTED = {"color": False, "label": False, "backbones": ["own"]}
OPTIONS = {"format": None, "layers": None, "transposed": False, "preparation": None}
OF_FILE = {"name": "own", "stimuli": "mine", "distance": "cosine", "options": OPTIONS}


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_stimuli("mine.h5", "mine", StimulusSet(IMAGES, COUNT, SIDE, ids=NAMES))


def embed(rule: str, section: dict, cfg: dict) -> np.ndarray:
    """Similarity of all pairs of images, as scores have it."""
    inputs = {"stimuli": Path("mine.h5"), "stimuli_manifest": Path("mine.json")}
    outputs = {"data": Path("own.h5"), "manifest": Path("own.json")}
    config = {"runtime": {"batch": 3, "device": "cpu"}, "backbones": {"own": section}}
    run_script(rule, inputs, outputs, cfg, config=config, files="contents")
    (metric,) = read_similarities("mine.h5", ["own.h5"], WANTED)
    return metric.matrix(np.arange(COUNT))["all"]


def test_rows_of_a_file_are_sorted_by_name() -> None:
    rows = np.random.default_rng(0).standard_normal((COUNT, 5))
    np.save("own.npy", rows[::-1])
    Path("rows.csv").write_text("\n".join(["stimulus_id", *NAMES[::-1]]))
    section = {"sets": {"mine": {"file": "own.npy", "table": "rows.csv"}}}
    found = embed("import_embeddings", section, OF_FILE | {"rows": "by_id"})
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    np.testing.assert_allclose(found, unit @ unit.T - 1, atol=1e-6)
    manifest = read_manifest("own.json")
    assert manifest["contents_sha256"] == "contents"
    assert manifest["remarks"] == ["rows are sorted by their ids"]


def test_what_is_wrong_in_a_file_is_told_with_its_key() -> None:
    np.save("own.npy", np.full((COUNT, 5), np.nan))
    section = {"sets": {"mine": {"file": "own.npy"}}}
    with pytest.raises(UserError, match=r"^backbones.own.sets.mine: own.npy: own: row 1 holds NaN"):
        embed("import_embeddings", section, OF_FILE | {"rows": "in_order"})
    assert not Path("own.h5").exists()


def test_dreamsim_embeds_a_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Dreamsim.__init__.__kwdefaults__, "width", WIDTH)
    write_weights(Path("weights"), "clip_vitb32")
    cfg = {"name": "own", "variant": "clip_vitb32", "stimuli": "mine"}
    found = embed("embed_by_dreamsim", {"folder": "weights"}, cfg)
    assert (found.diagonal() == 0).all() and (found[~np.eye(COUNT, dtype=bool)] < 0).all()
    digests = read_manifest("own.json")["weights_sha256"]
    assert digests == {name: file_digest(Path("weights") / name) for name in digests}
    assert len(digests) == 3
