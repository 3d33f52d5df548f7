"""docs/your_activations.md: its studies are plans, and any format that it names gives one store."""

import re
from pathlib import Path

import activation_files
import numpy as np
import pytest
import yaml
from checked_plans import checked_plan
from PIL import Image
from project import ROOT
from script_job import run_script

from codespectra.files.manifests import read_manifest

datasets = pytest.importorskip("datasets")
savemat = pytest.importorskip("scipy.io").savemat

PAGE = (ROOT / "docs/your_activations.md").read_text()
STUDIES = [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.M | re.S)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small ones of all files that the page names."""
    folder = tmp_path_factory.mktemp("activations")
    (folder / "data/shown").mkdir(parents=True)
    random, count = np.random.default_rng(0), 60
    acts = random.random((2 * count, 55), np.float32)
    np.save(folder / "acts.npy", acts)
    np.savez(folder / "acts.npz", v1=acts)
    rows = "".join(f"i{n},{r}\n" for r in range(2) for n in range(count))
    (folder / "rows.csv").write_text(f"stimulus_id,repeat\n{rows}")
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / "data/shown/a.png")
    listed = "".join(f"i{n},a.png\n" for n in range(count))
    (folder / "data/shown/stimuli.csv").write_text(f"stimulus_id,path\n{listed}")
    hook = datasets.Features({"blocks.0": datasets.Array2D((4, 55), "float32")})
    tokens = {"blocks.0": random.random((count, 4, 55), np.float32)}
    datasets.Dataset.from_dict(tokens, features=hook).save_to_disk(folder / "data/activations")
    images = np.tile(np.arange(1, count + 2), 2)[:, None]
    stim = {"resp": random.random((len(images), 90)), "istim": images}
    stim["spont"] = random.random((120, 90))
    savemat(folder / "data/natimg2800_M160825_MP027.mat", {"stim": stim})
    return folder


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study["study"])
def test_a_study_of_the_page_is_a_plan(
    study: dict, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    plan = checked_plan(study)
    assert set(plan.recorded) == set(study["activations"]) == {model for model, _ in plan.captures}
    repeats = {name: found.repeats for name, found in plan.recorded.items()}
    assert {*repeats.values()} <= {1, 2}
    assert repeats.get("mouse", 2) == 2


def test_the_page_shows_studies() -> None:
    assert len(STUDIES) == 5


def imported(path: Path, keys: dict[str, str], to: Path) -> str:
    """Digest of the store that the rule's script makes of a file."""
    options = {"format": None, "layers": keys, "transposed": False, "preparation": None}
    cfg = {"model": "mine", "stimuli": "mine", "shown": False, "noisy": False, "rows": "in_order"}
    cfg |= {"options": options, "axes": None, "prefix": 0, "drop_nan": False, "dtype": "float32"}
    cfg["wanted"] = [{"layer": layer, "reduction": "none"} for layer in keys]
    outputs = {"data": to / "mine.h5", "manifest": to / "mine.json"}
    to.mkdir()
    run_script(
        "import_activations",
        {},
        outputs,
        cfg,
        config={"activations": {"mine": {"file": str(path)}}},
        files=str(path),
        code="code",
        origin="",
        holds=[],
    )
    return read_manifest(outputs["manifest"])["sha256"]


def test_the_same_numbers_give_the_same_store_whatever_their_format(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    arrays = {"a": random.random((40, 7), np.float32), "b": random.random((40, 3), np.float32)}
    digests = {}
    for number, (kind, write) in enumerate(activation_files.SEVERAL.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        keys = {name: name for name in arrays}
        if kind.startswith("anndata"):
            keys = {"a": "X", "b": "layers/b"}
        if kind == "nwb":
            keys = {name: f"acquisition/{name}" for name in arrays}
        digests[kind] = imported(write(folder, arrays), keys, folder / "imported")
    assert len({*digests.values()}) == 1, digests
