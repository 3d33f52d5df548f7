"""What a study's config implies by itself: its runs, methods, models, and sizes of its sets."""

from typing import Any

from codespectra.config.analyses import DirectionMethods
from codespectra.config.base import Strict
from codespectra.config.interpretability import ImagenetBackbone, InhouseBackbone, PathBackbone
from codespectra.config.models import DownloadedModel, Model, PathModel, RandomModel, Torchvision
from codespectra.config.stage import stage_config
from codespectra.config.stimuli import PHOTOGRAPHS, Cifar, MovingDot, Photographs, PhotographTiles
from codespectra.config.study import Study

# Begins the names of the models that backbones imply.
IMPLIED = "backbone-"


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
