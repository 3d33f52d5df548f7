"""Activations from files in a study: what is told of them before any job."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checked_plans import checked_plan, mistakes
from project import changed

OWN = {
    "study": "own",
    "activations": {"mine": {"file": "acts.npy", "rows": "in_order"}},
    "spectra": {"activations": ["mine"], "ranks": [10, 50]},
}
PHOTOS = {"source": "photographs", "split": "all", "per_class": 6, "side": 32, "crops": [200]}
RUN = {"runs": [{"activations": "mine"}], "methods": {"neurons": {}}}


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    np.save("acts.npy", random.standard_normal((70, 60)).astype(np.float32))
    np.savez("many.npz", a=random.random((60, 61)), b=random.random((60, 62)))
    np.save("maps.npy", random.random((60, 8, 3, 3)))
    np.save("objects.npy", np.array([[{}]]), allow_pickle=True)
    Path("rows.csv").write_text("stimulus_id\n" + "".join(f"s{i}\n" for i in range(70)))
    Path("short.csv").write_text("stimulus_id\na\nb\n")
    Path("images").mkdir()
    Path("images/stimuli.csv").write_text("stimulus_id,path\n")


def told(changes: dict[str, Any]) -> list[str]:
    return mistakes(changed(OWN, changes))


def test_the_shortest_study_is_a_plan() -> None:
    plan = checked_plan(OWN)
    assert plan.captures == {("mine", "mine"): [{"layer": "acts", "reduction": "none"}]}
    assert (plan.recorded["mine"].stimuli, plan.recorded["mine"].repeats) == (70, 1)
    assert plan.repeated == [] and plan.layer_names("spectra", "mine", "mine") == ["acts"]


def test_layers_are_chosen_in_the_file_or_by_name() -> None:
    many = {"activations.mine.file": "many.npz", "spectra.ranks": [5, 20]}
    names = [
        checked_plan(changed(OWN, many | more)).layer_names("spectra", "mine", "mine")
        for more in (
            {},
            {"activations.mine.layers": ["b"]},
            {"activations.mine.layers": {"deep": "b", "first": "a"}},
            {"spectra.layers": {"mine": ["b*"]}},
        )
    ]
    assert names == [["a", "b"], ["b"], ["first", "deep"], ["b"]]


def test_sets_of_activations_are_runs_of_directions_too() -> None:
    plan = checked_plan(changed(OWN, {"directions": RUN, "stimuli.photos": PHOTOS}))
    assert plan.layer_names("directions", "mine", "mine") == ["acts"]
    shown = {"activations.mine": {"file": "many.npz", "rows": "in_order", "stimuli": "photos"}}
    plan = checked_plan(
        changed(OWN, shown | {"directions": RUN, "stimuli.photos": PHOTOS, "index": {"m": 3}})
    )
    assert set(plan.captures) == {("mine", "photos")}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"spectra.activations": ["mien"]}, "spectra.activations: 'mien' is unknown; did you mean"),
        ({"activations.mine.file": "no.npy"}, "activations.mine: no.npy: not readable (No such"),
        ({"activations.mine.file": "objects.npy"}, "objects.npy: holds objects (Python objects,"),
        ({"activations.mine.layers": ["c"]}, "activations.mine: acts.npy: c: not there; allowed"),
        ({"activations.mine.format": "zarr"}, "an .npy, expected format zarr; leave format out"),
        ({"activations.mine.file": "maps.npy"}, "activations.mine.axes: null, and maps has shape"),
        (
            {"activations.mine.file": "maps.npy", "activations.mine.axes": "channels_last"}
            | {"activations.mine.reduction": "cls"},
            "activations.mine.reduction: maps: cls doesn't fit",
        ),
        ({"activations.mine.rows": "by_id"}, "activations.mine.rows: by_id, but the file doesn't"),
        ({"activations.mine.table": "no.csv"}, "activations.mine.table: no such file: no.csv"),
        ({"activations.mine.table": "short.csv"}, "short.csv: lists 2 rows, and the file of"),
        ({"activations.mine.stimuli": "photos"}, "activations.mine.stimuli: 'photos' is unknown"),
        (
            {"activations.mine.stimuli": "photos", "stimuli.photos": PHOTOS},
            "activations.mine.rows: in_order, but the file has 70 rows and photos 60 stimuli",
        ),
        (
            {"activations.mine.stimuli": "photos", "stimuli.photos": PHOTOS}
            | {"activations.mine.rows": "by_id", "activations.mine.table": "rows.csv"},
            "activations.mine.stimuli: photos has no ids; list its images in a table",
        ),
        ({"activations.mine.transposed": True}, None),
        (
            {"activations.mine.transposed": True, "spectra.ranks": [10, 65]},
            "60 stimuli give at most 59 ranks; are its 70 units stimuli? then set transposed: true",
        ),
        ({"spectra.ranks": [58, 65]}, "window 58..65 lies outside the spectrum: the widest layer"),
        ({"models.mine": {"weights": "random"}}, "models.mine"),
        ({"stimuli.mine": PHOTOS}, "activations.mine: is the name of a stimulus set; take another"),
        (
            {"directions": RUN | {"runs": [{"activations": "mien"}]}},
            "directions.runs.activations: 'mien' is unknown",
        ),
        (
            {"directions": RUN | {"runs": [{"activations": "mine", "model": "x"}]}},
            "directions.runs.0.model: beside activations, which are a run; leave one out",
        ),
        (
            {"directions": RUN | {"runs": [{"model": "x"}]}},
            "directions.runs.0.stimuli: missing; add it as in config.yaml",
        ),
        (
            {"directions": RUN | {"methods": {"kmeans": {"k": [90]}}}},
            "directions.methods.kmeans.k: 90: more than the stimuli of mine (at most 70)",
        ),
    ],
)
def test_mistakes_are_told_before_any_job(changes: dict[str, Any], words: str | None) -> None:
    lines = told(changes)
    if words is None:
        assert lines == []
    else:
        assert [line for line in lines if words in line] == lines[:1], lines
        assert len(lines) == 1 or "models" in words, lines
