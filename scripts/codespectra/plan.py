"""From a valid config to a plan: names that exist, layers that exist, what each capture holds.

Everything here is decided before a job starts; the one costly step, listing an architecture's
layers, is kept in a small cache so that a later start needn't import torch.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codespectra import store
from codespectra.config import (
    PHOTOGRAPHS,
    Architecture,
    Cifar,
    DirectionMethods,
    DownloadedModel,
    ImageFolder,
    ImagenetBackbone,
    InhouseBackbone,
    Layers,
    LayerType,
    Model,
    MovingDot,
    PathBackbone,
    PathModel,
    Photographs,
    PhotographTiles,
    RandomModel,
    Run,
    Strict,
    Study,
    Torchvision,
    TrainedModel,
    stage_config,
)
from codespectra.errors import UserError, nearest
from codespectra.layers import reduced_width, select_layers

# Layers of an architecture (its config section, classes, side of its input), in running order.
Describe = Callable[[dict[str, Any], int, int], list[dict[str, Any]]]

# The lpips package's AlexNet takes no smaller image.
SMALLEST_EMBEDDED_SIDE = 31

# Begins the names of the models that backbones imply.
IMPLIED = "backbone-"


@dataclass(frozen=True)
class Plan:
    """A checked study.

    `models` are the study's and those that its backbones imply; `selected` are the layers of each
    analysis for each run; `captures` are the (layer, reduction) pairs of each activations file.
    """

    study: Study
    models: dict[str, Model]
    selected: dict[tuple[str, str, str], list[dict[str, Any]]]
    captures: dict[tuple[str, str], list[dict[str, str]]]
    methods: dict[str, dict[str, Any]]

    def layer_names(self, stage: str, model: str, stimuli: str) -> list[str]:
        """Names of the layers that `stage` looks at, in running order."""
        return [layer["name"] for layer in self.selected[stage, model, stimuli]]


def make_plan(study: Study, describe: Describe) -> Plan:
    """Check a study's cross-references and resolve its layers.

    Raises:
        UserError: one line a problem: the key, what was found, what is allowed.
    """
    problems = _Problems()
    _check_stimuli(study, problems)
    _check_models(study, problems)
    _check_analyses(study, problems)
    methods = direction_methods(study.directions.methods)
    _check_scores(study, methods, problems)
    problems.raise_any()
    selected = _select(study, describe, problems)
    _check_widths(study, selected, problems)
    filtered = _select_filters(study, selected, problems)
    problems.raise_any()
    captures = _captures(study, selected)
    models = study.models | implied_models(study)
    return Plan(study, models, selected | filtered, captures, methods)


class _Problems:
    """Mistakes found so far, so that a user sees them all at once."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, line: str) -> None:
        self.lines.append(f"config: {line}")

    def known(self, key: str, name: str, allowed: Iterable[str]) -> bool:
        allowed = list(allowed)
        if name not in allowed:
            self.add(f"{key}: {name!r} is unknown; {nearest(name, allowed)}")
        return name in allowed

    def raise_any(self) -> None:
        if self.lines:
            raise UserError("\n".join(dict.fromkeys(self.lines)))


# Names ------------------------------------------------------------------------------------------


def stage_runs(study: Study) -> dict[str, list[tuple[str, str]]]:
    """The (model, stimuli) pairs of each analysis."""
    return {
        "spectra": [(m, s) for m in study.spectra.models for s in study.spectra.stimuli],
        "projections": [
            (m, s) for m in study.projections.models for s in study.projections.stimuli
        ],
        "directions": [(run.model, run.stimuli) for run in study.directions.runs],
    }


def direction_methods(methods: DirectionMethods) -> dict[str, dict[str, Any]]:
    """Options of each direction finder by its name in files and figures, such as kmeans-64."""
    found: dict[str, dict[str, Any]] = {}
    if methods.neurons is not None:
        found["neurons"] = {"method": "neurons"}
    if methods.kmeans is not None:
        for k in methods.kmeans.k:
            found[f"kmeans-{k}"] = stage_config(methods.kmeans, method="kmeans", k=k)
    for name in ("random", "exemplar"):
        section = getattr(methods, name)
        if section is not None:
            found[f"{name}-{section.k}"] = stage_config(section, method=name)
    return found


def implied_models(study: Study) -> dict[str, Model]:
    """AlexNets that the backbones need, named backbone-NAME."""
    alexnet = Torchvision(name="torchvision", model="alexnet")
    models: dict[str, Model] = {}
    for name, backbone in study.backbones.items():
        common = {"architecture": alexnet, "classes": 1000}
        if isinstance(backbone, ImagenetBackbone):
            model = DownloadedModel(weights="torchvision", tag="IMAGENET1K_V1", **common)
        elif isinstance(backbone, PathBackbone):
            model = PathModel(weights="path", path=backbone.path, sha256=backbone.sha256, **common)
        elif isinstance(backbone, InhouseBackbone):
            continue
        else:
            model = RandomModel(weights="random", seed=backbone.seed, **common)
        models[f"{IMPLIED}{name}"] = model
    return models


def backbone_model(study: Study, name: str) -> str:
    """Name of the model whose weights a backbone uses."""
    backbone = study.backbones[name]
    return backbone.model if isinstance(backbone, InhouseBackbone) else f"{IMPLIED}{name}"


# Checks -----------------------------------------------------------------------------------------


def most_stimuli(spec: Strict) -> int | None:
    """How many stimuli a set can hold at most; None if only its files tell."""
    if isinstance(spec, Photographs):
        return PHOTOGRAPHS * spec.per_class
    if isinstance(spec, PhotographTiles):
        return PHOTOGRAPHS * spec.max_per_class
    if isinstance(spec, MovingDot):
        return spec.frames
    if isinstance(spec, Cifar):
        return min(50_000 if spec.split == "train" else 10_000, spec.limit or 50_000)
    return spec.limit


def class_count(spec: Strict | None) -> int:
    """Classes of a set, as far as its config tells; else 0."""
    if isinstance(spec, Photographs | PhotographTiles):
        return PHOTOGRAPHS
    return {"cifar10": 10, "cifar100": 100}.get(getattr(spec, "source", ""), 0)


def side_of(spec: Strict) -> int:
    """Pixels of a stimulus' side."""
    return 32 if isinstance(spec, Cifar) else spec.side


def _check_stimuli(study: Study, problems: _Problems) -> None:
    for name, spec in study.stimuli.items():
        if isinstance(spec, ImageFolder) and not spec.root.is_dir():
            problems.add(f"stimuli.{name}.root: {spec.root} is no folder; give a folder of images")
        if isinstance(spec, Cifar) and not spec.download and not spec.root.is_dir():
            problems.add(
                f"stimuli.{name}.root: {spec.root} is no folder; put torchvision's {spec.source} "
                "folder there, or set download: true where the network allows it"
            )


def _check_models(study: Study, problems: _Problems) -> None:
    unlabelled = {name for name, spec in study.stimuli.items() if isinstance(spec, MovingDot)}
    for name, model in study.models.items():
        key = f"models.{name}"
        if name.startswith(IMPLIED):
            problems.add(f"{key}: names with {IMPLIED} are kept for backbones; take another")
        for stimuli in model.expected_accuracy:
            problems.known(f"{key}.expected_accuracy", stimuli, study.stimuli)
        if isinstance(model, PathModel):
            _check_file(f"{key}.path", model.path, problems)
        if isinstance(model, DownloadedModel) and not isinstance(model.architecture, Torchvision):
            problems.add(
                f"{key}.weights: torchvision has none for {model.architecture.name}; allowed: "
                "train, path, random, or architecture: {name: torchvision, model: NAME}"
            )
        if isinstance(model, TrainedModel):
            for field in ("train", "test"):
                chosen = getattr(model.training, field)
                problems.known(f"{key}.training.{field}", chosen, study.stimuli)
                if chosen in unlabelled:
                    problems.add(f"{key}.training.{field}: {chosen} has no labels to train on")
                known = class_count(study.stimuli.get(chosen))
                if model.classes < known:
                    problems.add(f"{key}.classes: {model.classes} for the {known} of {chosen}")


def _check_file(key: str, path: Path, problems: _Problems) -> None:
    if not path.is_file():
        problems.add(f"{key}: no such checkpoint file: {path}")


def _check_analyses(study: Study, problems: _Problems) -> None:
    for stage, runs in stage_runs(study).items():
        for model, stimuli in runs:
            problems.known(f"{stage}: model", model, study.models)
            problems.known(f"{stage}: stimuli", stimuli, study.stimuli)
    for stimuli in study.projections.stimuli:
        spec = study.stimuli.get(stimuli)
        if spec is not None and not isinstance(spec, MovingDot):
            problems.add(f"projections.stimuli: {stimuli} is no moving_dot (it is {spec.source})")
    most_components = study.spectra.components
    if study.filters.ranks[-1] > most_components:
        problems.add(
            f"filters.ranks: {study.filters.ranks[-1]} lies outside the spectrum of "
            f"{most_components} components; lower it or raise spectra.components"
        )
    last = study.spectra.ranks[1]
    for stimuli in study.spectra.stimuli:
        most = most_stimuli(study.stimuli[stimuli]) if stimuli in study.stimuli else None
        if most is not None and last > most - 1:
            problems.add(
                f"spectra.ranks: window {_window(study)} lies outside the spectrum of {stimuli}: "
                f"{most} stimuli give at most {most - 1} ranks"
            )


def _check_scores(study: Study, methods: dict[str, dict[str, Any]], problems: _Problems) -> None:
    if not methods:
        problems.add("directions.methods: none is named; name at least neurons: {}")
    for run in study.directions.runs:
        spec = study.stimuli.get(run.stimuli)
        if spec is not None:
            _check_run(study, run, spec, methods, problems)
    for name, backbone in study.backbones.items():
        if isinstance(backbone, InhouseBackbone):
            problems.known(f"backbones.{name}.model", backbone.model, study.models)
            _check_trunk(f"backbones.{name}.model", study.models.get(backbone.model), problems)
        if isinstance(backbone, PathBackbone):
            _check_file(f"backbones.{name}.path", backbone.path, problems)
    index = study.interpretability
    if not (index.color or index.label or index.backbones):
        problems.add("interpretability: no metric; set color or label, or name a backbone")
    for name in study.interpretability.backbones:
        problems.known("interpretability.backbones", name, study.backbones)
    for name in study.figures.mei_methods:
        problems.known("figures.mei_methods", name, methods)


def _check_trunk(key: str, model: Model | None, problems: _Problems) -> None:
    if model is None:
        return
    architecture: Architecture = model.architecture
    kind = getattr(architecture, "model", architecture.name)
    if not kind.startswith(("small_alexnet", "alexnet", "vgg")):
        problems.add(
            f"{key}: {kind} has no sequential `features`; allowed: small_alexnet, alexnet, vgg…"
        )


def _check_run(
    study: Study, run: Run, spec: Strict, methods: dict[str, dict[str, Any]], problems: _Problems
) -> None:
    most = most_stimuli(spec)
    for name, options in methods.items():
        if most is not None and options.get("k", 0) > most:
            problems.add(
                f"directions.methods.{options['method']}.k: {options['k']} ({name}) is more than "
                f"the stimuli of {run.stimuli} (at most {most}); lower k or take a larger set"
            )
    if most is not None and study.interpretability.m > most:
        problems.add(f"interpretability.m: {study.interpretability.m} is more than {most} stimuli")
    if study.interpretability.label and isinstance(spec, MovingDot):
        problems.add(f"interpretability.label: {run.stimuli} has no labels; set label: false")
    if study.interpretability.backbones and side_of(spec) < SMALLEST_EMBEDDED_SIDE:
        problems.add(
            f"interpretability.backbones: {run.stimuli} has images of {side_of(spec)} pixels; "
            f"perceptual embeddings need at least {SMALLEST_EMBEDDED_SIDE}"
        )


# Layers -----------------------------------------------------------------------------------------


def _select(
    study: Study, describe: Describe, problems: _Problems
) -> dict[tuple[str, str, str], list[dict[str, Any]]]:
    selected = {}
    for stage, runs in stage_runs(study).items():
        selectors = _selectors(getattr(study, stage).layers)
        for model, stimuli in runs:
            spec = study.models[model]
            side = spec.preprocessing.side or side_of(study.stimuli[stimuli])
            try:
                available = describe(stage_config(spec.architecture), spec.classes, side)
                selected[stage, model, stimuli] = select_layers(selectors, available)
            except UserError as error:
                problems.add(f"{stage}.layers for models.{model}: {error}")
    return selected


def _selectors(layers: Layers) -> list[str | dict[str, str]]:
    return [item.model_dump() if isinstance(item, LayerType) else item for item in layers]


def _select_filters(
    study: Study, selected: dict[tuple[str, str, str], list[dict[str, Any]]], problems: _Problems
) -> dict[tuple[str, str, str], list[dict[str, Any]]]:
    filtered = {}
    for (stage, model, stimuli), layers in selected.items():
        if stage != "spectra":
            continue
        try:
            chosen = select_layers(_selectors(study.filters.layers), layers)
            filtered["filters", model, stimuli] = chosen
        except UserError as error:
            problems.add(f"filters.layers: not among spectra.layers for models.{model}: {error}")
    return filtered


def _check_widths(
    study: Study, selected: dict[tuple[str, str, str], list[dict[str, Any]]], problems: _Problems
) -> None:
    for (stage, model, stimuli), layers in selected.items():
        if stage != "spectra":
            continue
        widest = max(reduced_width(layer["shape"], study.spectra.reduction) for layer in layers)
        if study.spectra.ranks[0] + 4 > widest:
            problems.add(
                f"spectra.ranks: window {_window(study)} lies outside the spectrum: the widest "
                f"layer of {model} on {stimuli} keeps {widest} units"
            )


def _window(study: Study) -> str:
    return "{}..{}".format(*study.spectra.ranks)


def _captures(
    study: Study, selected: dict[tuple[str, str, str], list[dict[str, Any]]]
) -> dict[tuple[str, str], list[dict[str, str]]]:
    wanted: dict[tuple[str, str], dict[tuple[int, str], dict[str, str]]] = {}
    for (stage, model, stimuli), layers in selected.items():
        reduction = getattr(study, stage).reduction
        for layer in layers:
            item = {"layer": layer["name"], "reduction": reduction}
            wanted.setdefault((model, stimuli), {})[layer["depth"], reduction] = item
    return {run: [items[key] for key in sorted(items)] for run, items in wanted.items()}


def cached_layers(folder: Path, code: str) -> Describe:
    """`models.describe_layers`, remembered in `folder` for as long as its code stays the same."""

    def describe(architecture: dict[str, Any], classes: int, side: int) -> list[dict[str, Any]]:
        key = store.content_digest([architecture, classes, side, code])[:16]
        file = folder / f"{key}.json"
        if not file.exists():
            from codespectra import models

            store.write_json(file, {"layers": models.describe_layers(architecture, classes, side)})
        return store.read_json(file)["layers"]

    return describe
