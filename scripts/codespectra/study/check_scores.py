"""Mistakes about directions and their scores that the config alone shows."""

from collections import Counter
from typing import Any

from codespectra.errors import UserError
from codespectra.experiments.further_options import LEFT_OUT, Options, too_few_images
from codespectra.experiments.trial_design import shortages
from codespectra.interpretability.dreamsim_files import adapter_rank, dreamsim_files
from codespectra.models.layer_selection import count_of
from codespectra.models.reductions import reduced_width
from codespectra.study.implied import interpretability_runs, most_stimuli, reduction_of, side_of
from codespectra.study.problems import Problems
from codespectra.study.sections.directions import Directions, Run
from codespectra.study.sections.index import (
    Backbone,
    DreamsimBackbone,
    EmbeddingsBackbone,
    LpipsBackbone,
    NetworkBackbone,
    PathBackbone,
)
from codespectra.study.sections.interpretability import Interpretability
from codespectra.study.sections.people import People
from codespectra.study.sections.stage import stage_config
from codespectra.study.sections.stimuli import MovingDot
from codespectra.study.sections.study import Study

# The lpips package's AlexNet takes no smaller image.
SMALLEST_EMBEDDED_SIDE = 31

# Methods without which the interpretability study can't be run.
NEEDED_BY_INTERPRETABILITY = {
    "neurons": "with which directions are compared",
    "kmeans": "which says how centroids of halves are found",
    "sae": "which says how the grid of autoencoders is trained",
}

# Methods that can't have more directions than there are stimuli, and those without a sign.
LIMITED_BY_STIMULI = {"kmeans", "kmeans_identity", "kmeans_code", "exemplar"}
TWO_SIDED = {"pca", "ica"}


def check_scores(study: Study, methods: dict[str, dict[str, Any]], problems: Problems) -> None:
    """Add every mistake about directions, metrics, and what is computed from them."""
    if study.directions is not None:
        _check_directions(study, study.directions, methods, problems)
    else:
        of_directions = {
            "interpretability": study.interpretability,
            "figures.mei_methods": study.figures.mei_methods,
        }
        for key in filter(of_directions.get, of_directions):
            problems.add(f"{key}: needs the section directions, which is missing; add it")
    for name, backbone in study.backbones.items():
        _check_backbone(f"backbones.{name}", name, backbone, study, problems)
    index = study.index
    if not (index.color or index.label or index.backbones):
        problems.add("index: no metric; set color or label, or name a backbone")
    for name in study.index.backbones:
        problems.known("index.backbones", name, study.backbones)
    if study.people is not None:
        _check_people(study, study.people, problems)


def _check_backbone(
    key: str, name: str, backbone: Backbone, study: Study, problems: Problems
) -> None:
    if "lpips" in name.lower() and not isinstance(backbone, LpipsBackbone):
        problems.add(f"{key}: the distance of kind {backbone.kind} isn't LPIPS; take another name")
    if isinstance(backbone, NetworkBackbone):
        problems.known(f"{key}.model", backbone.model, study.models)
    if isinstance(backbone, PathBackbone):
        problems.file(f"{key}.path", backbone.path)
    if isinstance(backbone, EmbeddingsBackbone):
        for stimuli, section in backbone.sets.items():
            problems.known(f"{key}.sets", stimuli, study.stimuli)
            if section.table is not None:
                problems.file(f"{key}.sets.{stimuli}.table", section.table)
    if isinstance(backbone, DreamsimBackbone):
        try:
            *_, config = dreamsim_files(backbone.folder, backbone.variant)
            adapter_rank(config)
        except UserError as error:
            problems.add(f"{key}.folder: {error}")


def _check_directions(
    study: Study, section: Directions, methods: dict[str, dict[str, Any]], problems: Problems
) -> None:
    if not methods:
        problems.add("directions.methods: none is named; name at least neurons: {}")
    for run in section.runs:
        if run.activations:
            problems.known("directions.runs.activations", run.model, study.activations)
        else:
            problems.known("directions.runs.model", run.model, study.models)
            problems.known("directions.runs.stimuli", run.stimuli, study.stimuli)
        check_scored_set(study, run.stimuli, problems)
        _check_kinds("directions.runs.methods", run, section, problems)
    for (model, stimuli), count in Counter((r.model, r.stimuli) for r in section.runs).items():
        if count > 1:
            problems.add(f"directions.runs: {model} on {stimuli} stands there twice; name it once")
    shown = dict.fromkeys(run.stimuli for run in section.runs)
    for name in section.analysis_sets:
        problems.known("directions.analysis_set", name, shown)
    for name in study.figures.mei_methods:
        problems.known("figures.mei_methods", name, methods)
    if study.interpretability is not None:
        _check_interpretability(study, study.interpretability, methods, problems)


def _check_kinds(key: str, run: Run, section: Directions, problems: Problems) -> None:
    kinds = type(section.methods).model_fields
    for name in run.methods or ():
        if problems.known(key, name, kinds) and getattr(section.methods, name) is None:
            problems.add(
                f"{key}: directions.methods.{name} is missing; add it, or take {name} out here"
            )


def check_scored_set(study: Study, stimuli: str, problems: Problems) -> None:
    """Add what keeps directions from being scored on a set of the study, if it has that."""
    spec = study.stimuli.get(stimuli)
    if spec is None:
        return
    most, m = most_stimuli(spec), study.index.m
    if most is not None and m > most - most // 3:
        problems.add(
            f"index.m: {m} is more than two thirds of the {most} stimuli of "
            f"{stimuli}, on which intervals rest; lower it"
        )
    if study.index.label and isinstance(spec, MovingDot):
        problems.add(f"index.label: {stimuli} has no labels; set label: false")
    if study.index.resampled == "classes" and isinstance(spec, MovingDot):
        problems.add(f"index.resampled: {stimuli} has no classes; set stimuli, or auto")
    of_lpips = [isinstance(study.backbones.get(n), LpipsBackbone) for n in study.index.backbones]
    if any(of_lpips) and side_of(spec) < SMALLEST_EMBEDDED_SIDE:
        problems.add(
            f"index.backbones: {stimuli} has images of {side_of(spec)} pixels; "
            f"LPIPS needs at least {SMALLEST_EMBEDDED_SIDE}"
        )


def check_count(
    options: dict[str, Any],
    layer: dict[str, Any],
    run: Run,
    most: int | None,
    study: Study,
    problems: Problems,
) -> None:
    """Add what is wrong with a method's number of directions in a layer of a run.

    `most` are its stimuli at most, None where only their files tell.
    """
    width = reduced_width(layer, reduction_of(study, "directions", run.model))
    asked, kind = options.get("k"), options["method"]
    count = width if asked is None else count_of(asked, width)
    key = f"directions.methods.{kind}" + ("" if asked is None else f".k: {asked}")
    where = f"{layer['name']} of {run.model}, which has {width} units"
    if count < 1:
        problems.add(f"{key}: no direction in {where}; raise it")
    if kind in TWO_SIDED and count > width:
        problems.add(f"{key}: more than there are in {where}; lower it to 1x")
    if kind in LIMITED_BY_STIMULI and most is not None and count > most:
        found = "" if count == asked else f" ({count} in {where})"
        problems.add(
            f"{key}{found}: more than the stimuli of {run.stimuli} (at most {most}); lower it or "
            "take a larger set"
        )


def _check_interpretability(
    study: Study, section: Interpretability, methods: dict[str, dict[str, Any]], problems: Problems
) -> None:
    for part in ("psychophysics", "manifold"):
        for name in getattr(section, part).methods:
            where = f"interpretability.{part}.methods"
            if problems.known(where, name, methods) and methods[name]["method"] in TWO_SIDED:
                problems.add(f"{where}: {name} has no sign of its own; leave it out")
    where, name = "interpretability.sensitivity.method", section.sensitivity.method
    if problems.known(where, name, methods) and not name.startswith("kmeans"):
        problems.add(f"{where}: {name} has no centroids; name a kmeans")
    for field, why in NEEDED_BY_INTERPRETABILITY.items():
        if getattr(study.directions.methods, field) is None:
            problems.add(f"interpretability: directions.methods.{field} is missing, {why}; add it")
    for model in section.models or ():
        allowed = dict.fromkeys(run.model for run in study.directions.runs)
        problems.known("interpretability.models", model, allowed)
    for run in study.directions.runs:
        if run.methods and (run.model, run.stimuli) in interpretability_runs(study):
            problems.add(
                f"interpretability.models: {run.model} has methods of its own on {run.stimuli}, "
                "and the study compares all; take them or the model out, or the set out of "
                "directions.analysis_set"
            )
    for stimuli in dict.fromkeys(name for _, name in interpretability_runs(study)):
        most = most_stimuli(study.stimuli[stimuli]) if stimuli in study.stimuli else None
        if most is not None:
            for line in shortages(most, stage_config(section.psychophysics), stimuli):
                problems.add(line)
            options = Options.of(stage_config(section.further_scores))
            for line in too_few_images(options, stimuli, most - int(LEFT_OUT * most)):
                problems.add(line)


def _check_people(study: Study, people: People, problems: Problems) -> None:
    for field in ("responses", "file_map"):
        problems.file(f"people.{field}", getattr(people, field))
    problems.folder("people.images", people.images, "give ImageNet's train folder")
    if not problems.known("people.backbone", people.backbone, study.backbones):
        return
    kind = study.backbones[people.backbone].kind
    if kind in ("embeddings", "dreamsim"):
        problems.add(
            f"people.backbone: {people.backbone} is of kind {kind}, which doesn't embed people's "
            "images; take LPIPS or a network"
        )
    if kind == "network" and people.input_scaling == "as_published":
        problems.add(
            f"people.input_scaling: as_published is LPIPS' and {people.backbone} is another "
            "network; set lpips, which leaves the backbone its own"
        )
