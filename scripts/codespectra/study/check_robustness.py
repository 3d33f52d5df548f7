"""Mistakes about attacks and noise that the config alone shows."""

from typing import Any

from codespectra.study.check_scores import TWO_SIDED
from codespectra.study.implied import (
    attacked_runs,
    class_count,
    methods_of,
    noise_runs,
    scored_runs,
)
from codespectra.study.problems import Problems
from codespectra.study.sections.robustness import Attacks, Noise
from codespectra.study.sections.study import Study

NO_NETWORK = "holds recorded activations, and no network to show images to; take it out"


def check_robustness(
    study: Study,
    methods: dict[str, dict[str, Any]],
    classes: dict[str, int | None],
    problems: Problems,
) -> None:
    """Add every mistake; `classes` are those of each model, None where its weights tell."""
    if study.robustness is None:
        return
    if study.robustness.attacks is not None:
        _check_attacks(study, study.robustness.attacks, classes, problems)
    if study.robustness.noise is not None:
        _check_noise(study, study.robustness.noise, methods, problems)


def _check_attacks(
    study: Study, section: Attacks, classes: dict[str, int | None], problems: Problems
) -> None:
    key = "robustness.attacks.models"
    for model in section.models:
        _known_network(key, model, study.spectra.models, study, problems)
    runs = attacked_runs(study)
    if not (section.models or runs):
        problems.add(f"{key}: none, and no section coding; name a classifier of spectra.models")
    for model, stimuli in runs:
        kind = getattr(study.models.get(model), "architecture", None)
        if kind is None or kind.name == "resnet_vae":  # the sweep's have no classes
            continue
        found, there = classes[model], class_count(study.stimuli[stimuli])
        if study.stimuli[stimuli].source == "moving_dot":
            problems.add(f"{key}: {model} sees {stimuli}, which has no labels; take it out")
        elif found and there and found != there:
            problems.add(
                f"{key}: {model} has {found} classes, but {stimuli} {there}: it names none of its "
                "labels; take it out"
            )


def _check_noise(
    study: Study, section: Noise, methods: dict[str, dict[str, Any]], problems: Problems
) -> None:
    key = "robustness.noise"
    if study.directions is None:
        problems.add(f"{key}: needs the section directions, which is missing; add it")
        return
    for model in section.models or ():
        shown = dict.fromkeys(run.model for run in study.directions.runs)
        _known_network(f"{key}.models", model, shown, study, problems)
    for name in section.methods:
        if problems.known(f"{key}.methods", name, methods) and methods[name]["method"] in TWO_SIDED:
            problems.add(f"{key}.methods: {name} has no sign of its own; leave it out")
    for run in noise_runs(study):
        for name in section.methods:
            if name in methods and name not in methods_of(study, *run):
                problems.add(
                    f"{key}.methods: {name} isn't found for {run[0]} on {run[1]}; add it to its "
                    "methods in directions.runs, or leave one of the two out"
                )
    if not noise_runs(study) and scored_runs(study):
        problems.add(
            f"{key}.models: no network of them has a run on a set of directions.analysis_set; name "
            "others"
        )


def _known_network(key: str, model: str, allowed: Any, study: Study, problems: Problems) -> None:
    if model in study.activations:
        problems.add(f"{key}: {model} {NO_NETWORK}")
    elif study.language is not None and model in study.language.models:
        problems.add(f"{key}: {model} is a model of text, which sees no images; take it out")
    else:
        problems.known(key, model, (name for name in allowed if name in study.models))
