"""Which network sees which set: by model, with methods of its own, and in which studies."""

from typing import Any

import pytest
from checked_plans import checked_plan, mistakes
from project import changed, read_config

from codespectra.study.implied import (
    analyses,
    backbones_in_words,
    interpretability_runs,
    methods_of,
    resampled,
)


def embedded(changes: dict[str, Any]) -> dict[str, Any]:
    """The embedded study with other values at dotted paths."""
    return changed(read_config(), changes)


STUDY = checked_plan(embedded({})).study


def test_each_model_sees_its_own_sets() -> None:
    shown = {"lite0": ["test", "tiles"], "perceptual": ["tiles"], "encoder": ["test"]}
    models = ["perceptual", "lite0"]
    plan = checked_plan(
        embedded(
            {
                "spectra.models": models,
                "spectra.stimuli": shown,
                "robustness": None,
                "spectra.layers": {"lite0": ["blocks.2"], "perceptual": ["features.0"]},
                "filters.layers": {"lite0": ["blocks.2"]},
            }
        )
    )
    runs = [("perceptual", "tiles"), ("lite0", "test"), ("lite0", "tiles")]
    assert analyses(plan.study)["spectra"].runs == runs
    of_main = [run for kind, *run in plan.selected if kind == "filters" and run[0] in models]
    assert of_main == [["lite0", "test"], ["lite0", "tiles"]]


def test_a_model_without_a_set_and_a_set_of_no_model_are_told() -> None:
    shown = {"lite0": ["crops"], "lite0_untrained": ["crop"], "clasifier": ["test"]}
    models = ["lite0", "lite0_untrained", "classifier"]
    lines = mistakes(embedded({"spectra.models": models, "spectra.stimuli": shown}))
    assert [line.split(";")[0] for line in lines] == [
        "config: spectra.stimuli.lite0_untrained: 'crop' is unknown",
        "config: spectra.stimuli: 'clasifier' is unknown",
        "config: spectra.stimuli: none for classifier",
    ]


@pytest.mark.parametrize(
    ("section", "changes"),
    [
        ("spectra", {"spectra.stimuli": ["dot"], "coding": None}),
        ("index", {"directions.runs": [{"model": "classifier", "stimuli": "dot"}]}),
    ],
)
def test_crops_of_a_photograph_are_resampled_together_unless_told(section, changes) -> None:
    drawn = [resampled(STUDY, section, name) for name in ("crops", "tiles", "dot")]
    assert drawn == ["classes", "classes", "stimuli"]
    told = checked_plan(embedded({f"{section}.resampled": "stimuli"})).study
    assert resampled(told, section, "crops") == "stimuli"
    lines = mistakes(embedded({f"{section}.resampled": "classes"} | changes))
    told = f"config: {section}.resampled: dot has no classes; set stimuli, or auto"
    assert told in lines


def test_a_run_may_have_methods_of_its_own() -> None:
    assert methods_of(STUDY, "lite0", "large_tiles") == [
        *("neurons", "pca-1x", "kmeans-0.5x", "kmeans-1x", "kmeans-2x", "random-1x", "exemplar-1x")
    ]
    assert len(methods_of(STUDY, "classifier-s0", "tiles")) == 12
    runs = [
        {"model": "encoder", "stimuli": "tiles", "methods": ["neurons", "kmeens"]},
    ]
    lines = mistakes(
        embedded(
            {
                "directions.runs": runs,
                "directions.analysis_set": "tiles",
                "interpretability.models": None,
            }
        )
    )
    assert "directions.runs.methods: 'kmeens' is unknown; did you mean 'kmeans'?" in lines[0]
    assert "interpretability.models: encoder has methods of its own on tiles" in lines[1]


def test_a_backbone_of_any_layers_is_told_in_words() -> None:
    layers = ["features.1", {"type": "ReLU"}, {"input": "features.3"}]
    plan = checked_plan(embedded({"backbones.inhouse.layers": layers}))
    words = "unit-length features of perceptual (trained on train; features.1, ReLU, "
    assert backbones_in_words(plan.study) == {
        "inhouse": f"{words}input of features.3), all heads 1: not LPIPS"
    }
    assert [layer["name"] for layer in plan.embedded["inhouse", "tiles"]][:3] == [
        *("features.1", "input:features.3", "features.3")
    ]


def test_the_interpretability_study_is_of_the_models_named() -> None:
    runs = [("classifier-s0", "tiles"), ("untrained-s0", "tiles")]
    assert interpretability_runs(STUDY) == runs
    changes = {"interpretability.models": ["untraind"]}
    assert "did you mean 'untrained'" in mistakes(embedded(changes))[0]


@pytest.mark.parametrize("classes", [[""], ["a", "b"]], ids=["images alone", "two classes"])
def test_more_centroids_than_images_of_a_folder_are_told(tmp_path, classes) -> None:
    for name in classes:
        (tmp_path / name).mkdir(exist_ok=True)
        for number in range(40 // len(classes)):
            (tmp_path / name / f"{number}.png").touch()
    for k, told in ((40, False), (41, True)):
        lines = mistakes(
            embedded(
                {
                    "stimuli.mine": {"source": "folder", "root": str(tmp_path), "side": 32},
                    "directions.runs": [{"model": "lite0", "stimuli": "mine"}],
                    "directions.analysis_set": "mine",
                    "directions.methods": {"neurons": {}, "kmeans": {"k": [k]}},
                    **dict.fromkeys(("interpretability", "robustness", "people")),
                    "figures.mei_methods": [],
                }
            )
        )
        assert any("more than the stimuli of mine (at most 40)" in one for one in lines) == told
