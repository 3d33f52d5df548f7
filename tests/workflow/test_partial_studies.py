"""A study holds the sections that it uses: its plan is of these alone, and so are its targets."""

import copy
from typing import Any

import pytest
import yaml
from checked_plans import checked_plan, mistakes
from hypothesis import given, settings
from hypothesis import strategies as st
from project import MINI, Project, copy_project, read_config

CONFIG = read_config(MINI)
ANALYSES = {"spectra", "filters", "projections", "directions"}
STUDIES = {"coding", "language", "theory"}
# A section, one that it can't do without, and the key where that is told.
NEEDS = (
    ("filters", "spectra", "filters.layers"),
    ("interpretability", "directions", "interpretability"),
    ("figures", "directions", "figures.mei_methods"),
    ("index", "backbones", "index.backbones"),
    ("robustness", "spectra", "robustness.attacks.models"),
    ("robustness", "directions", "robustness.noise"),
)
OPTIONAL = sorted(ANALYSES | STUDIES | {name for name, *_ in NEEDS} | {"backbones", "claims"})


def holding(*sections: str) -> dict[str, Any]:
    """The mini study with no other sections than these, its networks and its stimuli."""
    return {
        name: copy.deepcopy(section)
        for name, section in CONFIG.items()
        if name in {"study", "stimuli", "models", *sections}
    }


@given(sections=st.sets(st.sampled_from(OPTIONAL)))
@settings(deadline=None)
def test_any_sections_make_a_plan_of_what_they_hold(sections: set[str]) -> None:
    told = {key for name, need, key in NEEDS if name in sections and need not in sections}
    if not sections & ((ANALYSES - {"filters"}) | STUDIES):
        named = "name models and stimuli, or activations, in spectra or projections, or add"
        told.add(f"nothing to compute; {named}")
    if told:
        lines = mistakes(holding(*sections))
        assert {line.split(": ")[1].partition(" the section")[0] for line in lines} == told
        return
    plan = checked_plan(holding(*sections))
    own = {kind for kind, model, _ in plan.selected if model in plan.study.models}
    swept = {kind for kind, model, _ in plan.selected if model not in plan.study.models}
    assert own == sections & ANALYSES
    assert swept == ({"spectra", "filters", "projections"} if "coding" in sections else set())
    assert bool(plan.methods) == ("directions" in sections)
    assert bool(plan.grid) == ("interpretability" in sections)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy_project(tmp_path_factory.mktemp("partial"))


MADE = {"make_stimuli", "initialise_checkpoint", "train_classifier", "capture_activations"}
TEXT = {"make_text", "train_language_model", "initialise_language_model", "capture_text"}
# What the main job of a study with these sections plans.
MAIN = {
    ("spectra",): MADE - {"initialise_checkpoint"}
    | {
        "fit_spectra",
        "draw_spectra",
        "draw_exponents",
        "draw_windows",
        "judge_claims",
        "draw_claims",
    },
    ("projections",): MADE - {"initialise_checkpoint"}
    | {"project_dot", "draw_trajectories", "judge_claims", "draw_claims"},
    ("directions",): MADE
    | {"find_directions", "train_autoencoder", "score_interpretability"}
    | {"draw_index", "judge_claims", "draw_claims"},
    # One of the other studies is the main job of a study that is nothing else.
    ("language",): TEXT
    | {"fit_text_spectra", "project_text", "collect_records", "explain_by_lookup"}
    | {"draw_text_spectra", "draw_text_exponents", "draw_text_action", "draw_passage"}
    | {"draw_explanations", "draw_detection", "judge_claims", "draw_claims"},
    ("theory",): {"train_superposition", "compute_channel", "estimate_information"}
    | {"recover_planted", "decode_exponentials", "draw_planted", "draw_hardness"}
    | {"draw_superposition", "draw_channel", "draw_information", "judge_claims", "draw_claims"},
}


@pytest.mark.parametrize("sections", MAIN, ids="-".join)
def test_the_main_job_is_what_the_study_holds(project: Project, sections: tuple[str, ...]) -> None:
    (project.folder / "partial.yaml").write_text(yaml.safe_dump(holding(*sections)))
    assert set(project.would_run("main", "partial.yaml")) == MAIN[sections]


@pytest.mark.parametrize(
    "target", ["coding", "interpretability", "language", "robustness", "theory", "zoo"]
)
def test_a_target_without_its_section_ends_in_one_line(project: Project, target: str) -> None:
    (project.folder / "partial.yaml").write_text(yaml.safe_dump(holding("spectra")))
    said = project.failure(target, "--dry-run", "--quiet", study="partial.yaml")
    assert said.splitlines()[-1] == (
        f"config: {target}: missing; the target {target} needs this section, as in the embedded "
        "config.yaml"
    )
    assert "Traceback" not in said and "rror" not in said
