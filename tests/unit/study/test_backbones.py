"""Backbones whose files are the user's: what is told of them before any job."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checked_plans import checked_plan, mistakes
from dreamsim_weights import write_weights
from project import MINI, changed, read_config

from codespectra.study.implied import backbones_in_words

# Ten photographs, eight a class; how many tiles there are only the photographs tell.
IMAGES = 10 * read_config(MINI)["stimuli"]["test"]["per_class"]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, count in {"tiles": 90, "test": IMAGES, "short": IMAGES - 1}.items():
        np.save(f"{name}.npy", np.ones((count, 5), np.float32))
    np.save("maps.npy", np.ones((IMAGES, 5, 2, 2)))
    np.savez("text.npz", names=np.array(["a", "b"]))
    Path("rows.csv").write_text("stimulus_id\na\nb\n")
    write_weights(Path("weights"), "clip_vitb32")


def given(**files: dict[str, Any]) -> dict[str, Any]:
    sets = {name: {"file": f"{name}.npy", "rows": "in_order"} for name in ("tiles", "test")}
    return {"kind": "embeddings", "sets": changed(sets, files)}


def scored(backbone: dict[str, Any], **changes: Any) -> dict[str, Any]:
    own = {"backbones.own": backbone, "index.backbones": ["own"]}
    return changed(read_config(MINI), own | changes)


DREAMSIM = {"kind": "dreamsim", "folder": "weights", "variant": "clip_vitb32"}


def test_they_are_planned_and_told_in_words() -> None:
    plan = checked_plan(scored(given()))
    assert plan.embeddings.keys() == {("own", "tiles"), ("own", "test")}
    assert backbones_in_words(plan.study)["own"] == "1 - cos of embeddings from a file"
    plan = checked_plan(scored(DREAMSIM))
    assert backbones_in_words(plan.study)["own"] == "DreamSim (clip_vitb32)"
    assert not [name for name in plan.models if name.startswith("backbone-")]


WRONG = {
    "too few": (
        {"test.file": "short.npy"},
        f".test: rows: in_order, but the file has {IMAGES - 1}",
    ),
    "no ids": ({"test.rows": "by_id"}, ".test: rows: by_id, but the file doesn't say whose"),
    "no matrix": ({"test.file": "maps.npy"}, f".test: layers: maps has shape ({IMAGES}, 5, 2, 2)"),
    "no numbers": ({"test.file": "text.npz"}, ".test: text.npz: holds names"),
    "no file": ({"tiles.file": "no.npy"}, ".tiles: no.npy: not readable (No such file"),
    "another format": ({"tiles.format": "zarr"}, ".tiles: tiles.npy: an .npy, expected format za"),
    "another table": ({"test.table": "rows.csv"}, ".test: rows.csv: lists 2 rows, and the file"),
    "no table": ({"test.table": "no.csv"}, ".test.table: no such file: no.csv"),
    "an unknown set": ({"dott": {"file": "test.npy"}}, ": 'dott' is unknown; did you mean 'dot'?"),
}


@pytest.mark.parametrize(("files_of_sets", "words"), WRONG.values(), ids=WRONG)
def test_files_that_are_not_the_images_are_told(files_of_sets, words) -> None:
    (line,) = mistakes(scored(given(**files_of_sets)))
    assert line.startswith(f"config: backbones.own.sets{words}")


LACKING = {
    "no file of a set": (
        {"kind": "embeddings", "sets": {"test": given()["sets"]["test"]}},
        ".sets: no file of tiles, which is scored; add it",
    ),
    "another variant's weights": (
        DREAMSIM | {"variant": "dino_vitb16"},
        ".folder: weights: holds the variants clip_vitb32, and dino_vitb16 needs checkpoints/",
    ),
    "no weights": (
        DREAMSIM | {"folder": "no"},
        ".folder: no: holds no variant, and cl",
    ),
    "an unknown variant": (
        DREAMSIM | {"variant": "dinov2_vitb14"},
        ".variant: Input should be 'en",
    ),
}


@pytest.mark.parametrize(("backbone", "words"), LACKING.values(), ids=LACKING)
def test_what_a_backbone_lacks_is_told(backbone, words) -> None:
    (line,) = mistakes(scored(backbone))
    assert line.startswith(f"config: backbones.own{words}")


def test_none_of_them_is_called_lpips_or_stands_for_people() -> None:
    names = {"backbones.my_lpips": DREAMSIM}
    (line,) = mistakes(scored(given(), **names))
    assert line.startswith("config: backbones.my_lpips: the distance of kind dreamsim isn't LPIPS;")
    answers = dict.fromkeys(("responses", "file_map"), "tiles.npy")
    people = {**answers, "images": ".", "model": "m", "condition": "natural", "backbone": "own"}
    (line,) = mistakes(scored(given(), people=people))
    assert line.startswith(
        "config: people.backbone: own is of kind embeddings, which doesn't embed"
    )
