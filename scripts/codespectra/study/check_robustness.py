"""Mistakes about attacks and noise that the config alone shows."""

from collections.abc import Iterable
from typing import Any

from codespectra.study.check_scores import TWO_SIDED
from codespectra.study.implied import attacked_runs, class_count, methods_of, noise_runs
from codespectra.study.problems import Problems
from codespectra.study.sections.robustness import Attacks, Noise
from codespectra.study.sections.study import Study

ATTACKED, NOISE = "robustness.attacks.models", "robustness.noise"


def check_robustness(study: Study, methods: dict[str, dict[str, Any]], problems: Problems) -> None:
    """Add every mistake in the names of the section."""
    section = study.robustness
    if section is not None and section.attacks is not None:
        _check_attacks(study, section.attacks, problems)
    if section is not None and section.noise is not None:
        _check_noise(study, section.noise, methods, problems)


def check_heads(study: Study, classes: dict[str, int | None], problems: Problems) -> None:
    """Add attacked models that can't name the labels of what they see.

    `classes` are those of each model; where its weights or the set's files alone tell, the job
    looks.
    """
    for model, stimuli in attacked_runs(study):
        section, shown = study.models.get(model), study.stimuli[stimuli]
        if section is None or section.architecture.name == "resnet_vae":
            continue  # it has no classes, and its reconstruction is attacked
        found, there = classes[model], class_count(shown)
        if shown.source == "moving_dot":
            problems.add(f"{ATTACKED}: {model} sees {stimuli}, which has no labels; take it out")
        elif found and there and found != there:
            problems.add(
                f"{ATTACKED}: {model} has {found} classes, but {stimuli} {there}: it names none of "
                "its labels; take it out"
            )


def _check_attacks(study: Study, section: Attacks, problems: Problems) -> None:
    analysed = study.spectra.models
    for model in section.models:
        if set(analysed) <= set(study.models):  # else the name is told there
            _known_network(ATTACKED, model, analysed, study, problems)
    if not section.models and study.coding is None:
        problems.add(f"{ATTACKED}: none, and no section coding; name a classifier of the spectra")


def _check_noise(
    study: Study, section: Noise, methods: dict[str, dict[str, Any]], problems: Problems
) -> None:
    if study.directions is None:
        problems.add(f"{NOISE}: needs the section directions, which is missing; add it")
        return
    for model in section.models or ():
        shown = dict.fromkeys(run.model for run in study.directions.runs)
        _known_network(f"{NOISE}.models", model, shown, study, problems)
    where = f"{NOISE}.methods"
    for name in section.methods:
        if problems.known(where, name, methods) and methods[name]["method"] in TWO_SIDED:
            problems.add(f"{where}: {name} has no sign of its own; leave it out")
    runs = noise_runs(study)
    for run in runs:
        for name in section.methods:
            if name in methods and name not in methods_of(study, *run):
                problems.add(
                    f"{where}: {name} isn't found for {run[0]} on {run[1]}; add it to its methods "
                    "in directions.runs, or leave one of the two out"
                )
    if not runs:
        problems.add(
            f"{NOISE}.models: none of them has a run on a set of directions.analysis_set; name "
            "others"
        )


def _known_network(
    key: str, model: str, allowed: Iterable[str], study: Study, problems: Problems
) -> None:
    if model in study.activations:
        problems.add(
            f"{key}: {model} are activations from files, without a network to show images to; take "
            "them out"
        )
    elif study.language is not None and model in study.language.models:
        problems.add(f"{key}: {model} is a model of text, which sees no images; take it out")
    else:
        problems.known(key, model, [name for name in allowed if name in study.models])
