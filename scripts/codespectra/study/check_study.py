"""Mistakes in a study that its config alone shows: names, files, sizes. All are told together."""

import re
from collections import Counter
from pathlib import PurePosixPath
from typing import Any

from codespectra.data.image_table import read_image_table
from codespectra.errors import UserError
from codespectra.models.reductions import EACH_TOKEN
from codespectra.study.check_estimators import window
from codespectra.study.check_robustness import check_robustness
from codespectra.study.check_scores import check_scores
from codespectra.study.check_sizes import check_images
from codespectra.study.check_zoo import check_zoo
from codespectra.study.claims_beside import read_verdicts
from codespectra.study.dropout_sweep import SWEPT, swept_models
from codespectra.study.implied import (
    IMPLIED,
    analyses,
    class_count,
    filter_runs,
    most_stimuli,
    weights_file,
)
from codespectra.study.problems import Problems
from codespectra.study.sections.analyses import Analysed
from codespectra.study.sections.coding import Coding
from codespectra.study.sections.models import (
    DownloadedModel,
    HubModel,
    OpenClip,
    OwnCode,
    OwnModel,
    PackageModel,
    PathModel,
    ResNetVAE,
    Torchvision,
    TrainedModel,
    Transformers,
)
from codespectra.study.sections.stimuli import Cifar, ImageFolder, MovingDot
from codespectra.study.sections.study import Study
from codespectra.study.seeds import replicates

# Where torchvision looks inside a CIFAR set's root.
CIFAR_FOLDERS = {"cifar10": "cifar-10-batches-py", "cifar100": "cifar-100-python"}


# Architectures that may bring weights.
WITH_WEIGHTS = (Transformers, OwnCode)
# Those that say themselves how many numbers they put out.
WITHOUT_CLASSES = (Transformers, OpenClip, OwnCode)


def check_study(study: Study, methods: dict[str, dict[str, Any]], problems: Problems) -> None:
    """Add every mistake that can be told before any layer is looked up."""
    sections = study.directions, study.people, study.coding, study.language, study.theory, study.zoo
    named = study.spectra.models, study.spectra.activations, study.projections.models
    if not any((*named, *sections)):
        problems.add(
            "nothing to compute; name models and stimuli, or activations, in spectra or "
            "projections, or add the section directions, people, coding, language, theory or zoo"
        )
    if study.capture.precision == "tf32" and study.runtime.device == "cpu":
        problems.add(
            "capture.precision: tf32 is of GPUs, and runtime.device is cpu; set float32 or bfloat16"
        )
    _check_stimuli(study, problems)
    check_images(study, problems)
    _check_models(study, problems)
    _check_activations(study, problems)
    _check_analyses(study, problems)
    check_scores(study, methods, problems)
    check_robustness(study, methods, problems)
    if study.zoo is not None:
        check_zoo(study, study.zoo, problems)
    if study.coding is not None:
        _check_coding(study, study.coding, problems)
    _check_networks(study, problems)
    for name, path in study.figures.claims_beside.items():
        try:
            read_verdicts(path)
        except UserError as error:
            problems.add(f"figures.claims_beside.{name}: {error}")


def _check_networks(study: Study, problems: Problems) -> None:
    """Add every model of an analysis that is fewer networks than intervals are asked to be over."""
    runs = [run for analysis in analyses(study).values() for run in analysis.runs]
    language = study.language.models if study.language else {}
    names = dict.fromkeys([name for name, _ in runs] + [*language])
    seeded = replicates(study)
    for model, count in Counter(seeded.get(n, {}).get("base", n) for n in names).items():
        if count < study.claims.networks:
            problems.add(
                f"claims.networks: {study.claims.networks} asks for intervals over as many "
                f"networks, but {model} is {count}; give it more seeds, or leave it out"
            )


def _check_stimuli(study: Study, problems: Problems) -> None:
    for name, spec in study.stimuli.items():
        if name.endswith("-noisy"):
            problems.add(f"stimuli.{name}: names with -noisy are kept for dropout left on")
        if isinstance(spec, ImageFolder):
            problems.folder(f"stimuli.{name}.root", spec.root, "give a folder of images")
            if spec.table is not None:
                _check_table(f"stimuli.{name}.table", spec, problems)
        if isinstance(spec, Cifar) and not spec.download:
            advice = f"put torchvision's {spec.source} there, or set download: true where the "
            folder = spec.root / CIFAR_FOLDERS[spec.source]
            problems.folder(f"stimuli.{name}.root", folder, f"{advice}network allows it")


def _check_table(key: str, spec: ImageFolder, problems: Problems) -> None:
    try:
        read_image_table(spec.root, spec.table)
    except UserError as error:
        problems.add(f"{key}: {error}")


def _check_activations(study: Study, problems: Problems) -> None:
    for name, section in study.activations.items():
        key = f"activations.{name}"
        _check_kept(key, name, problems)
        if name in study.models:
            problems.add(f"{key}: is the name of a model too; take another")
        if section.stimuli is None and name in study.stimuli:
            problems.add(f"{key}: is the name of a stimulus set; take another, or set stimuli")
        if section.stimuli is None and name.endswith("-noisy"):
            problems.add(f"{key}: names with -noisy are kept for repeats; take another")
        if section.stimuli is not None:
            problems.known(f"{key}.stimuli", section.stimuli, study.stimuli)
        if section.table is not None:
            problems.file(f"{key}.table", section.table)
    for name in study.spectra.activations:
        problems.known("spectra.activations", name, study.activations)


def _check_kept(key: str, name: str, problems: Problems) -> None:
    for kept, what in ((IMPLIED, "backbones"), (SWEPT, "the coding study")):
        if name.startswith(kept):
            problems.add(f"{key}: names with {kept} are kept for {what}; take another")


def _check_models(study: Study, problems: Problems) -> None:
    unlabelled = {name for name, spec in study.stimuli.items() if isinstance(spec, MovingDot)}
    for name, model in study.models.items():
        key = f"models.{name}"
        _check_kept(key, name, problems)
        for stimuli in model.expected_accuracy:
            problems.known(f"{key}.expected_accuracy", stimuli, study.stimuli)
        if isinstance(model, PathModel):
            problems.file(f"{key}.path", model.path)
        if isinstance(model, PackageModel):
            _check_package(key, model, problems)
        if isinstance(model, HubModel) and not _is_below(model.file):
            problems.add(
                f"{key}.file: {model.file!r} isn't below {model.repository}; give its path there"
            )
        if isinstance(model, OwnModel) and not isinstance(model.architecture, WITH_WEIGHTS):
            problems.add(
                f"{key}.weights: a {model.architecture.name} network comes without weights of its "
                "own; take path, package, hub, random, or torchvision for its own"
            )
        if isinstance(model.architecture, WITHOUT_CLASSES) and "classes" in model.model_fields_set:
            problems.add(
                f"{key}.classes: a {model.architecture.name} network has its own; leave it out"
            )
        if isinstance(model, DownloadedModel) and not isinstance(model.architecture, Torchvision):
            problems.add(
                f"{key}.weights: torchvision has none for {model.architecture.name}; allowed: "
                "train, path, package, hub, random, or architecture: {name: torchvision, model: "
                "NAME}"
            )
        if isinstance(model, TrainedModel) and isinstance(model.architecture, ResNetVAE):
            problems.add(f"{key}.weights: a resnet_vae is trained by the section coding; use that")
        elif isinstance(model, TrainedModel):
            for field in ("train", "test"):
                chosen = getattr(model.training, field)
                problems.known(f"{key}.training.{field}", chosen, study.stimuli)
                if chosen in unlabelled:
                    problems.add(f"{key}.training.{field}: {chosen} has no labels to train on")
                known = class_count(study.stimuli.get(chosen))
                if model.classes is not None and model.classes < known:
                    problems.add(f"{key}.classes: {model.classes} for the {known} of {chosen}")


def _is_below(file: str) -> bool:
    return not PurePosixPath(file).is_absolute() and ".." not in PurePosixPath(file).parts


def _check_package(key: str, model: PackageModel, problems: Problems) -> None:
    try:
        weights_file(model)
    except UserError as error:  # which begins with package or file
        problems.add(f"{key}.{error}")


def _check_analyses(study: Study, problems: Problems) -> None:
    for analysis in (*analyses(study).values(), *filter_runs(study)):
        for model in analysis.layers if isinstance(analysis.layers, dict) else ():
            problems.known(analysis.key, model, [*study.models, *study.activations])
    for name in ("spectra", "projections"):
        _check_runs(name, getattr(study, name), study, problems)
    for stimuli in dict.fromkeys(stimuli for _, stimuli in study.projections.runs):
        _check_dot("projections.stimuli", stimuli, study, problems)
    if study.filters.layers and not study.spectra.models:
        problems.add(
            "filters.layers: of no spectra; name models and stimuli in spectra, or leave it out"
        )
    if study.filters.layers and study.spectra.reduction == EACH_TOKEN:
        problems.add(
            "filters.layers: eigenvectors of single tokens are no filters of images; take another "
            "spectra.reduction, or filters: null"
        )
    most_components = study.spectra.components
    if study.filters.ranks[-1] > most_components:
        problems.add(
            f"filters.ranks: {study.filters.ranks[-1]} lies outside the spectrum of "
            f"{most_components} components; lower it or raise spectra.components"
        )
    fitted = [stimuli for _, stimuli in study.spectra.runs]
    if study.zoo is not None and "exponent" in study.zoo.measures:
        fitted.append(study.zoo.stimuli)
    for stimuli in dict.fromkeys(fitted):
        _check_window(stimuli, study, problems)
        dots = isinstance(study.stimuli.get(stimuli), MovingDot)
        if dots and study.spectra.resampled == "classes":
            problems.add(f"spectra.resampled: {stimuli} has no classes; set stimuli, or auto")


def _check_runs(name: str, section: Analysed, study: Study, problems: Problems) -> None:
    for model in section.models:
        problems.known(f"{name}.models", model, study.models)
    sets = section.stimuli
    shown = sets if isinstance(sets, dict) else {"": sets}
    for model, chosen in shown.items():
        for stimuli in chosen:
            problems.known(f"{name}.stimuli.{model}".removesuffix("."), stimuli, study.stimuli)
    if isinstance(section.stimuli, dict):
        for model in section.stimuli:
            problems.known(f"{name}.stimuli", model, study.models)
        for model in section.models:
            if model in study.models and model not in section.stimuli:
                problems.add(f"{name}.stimuli: none for {model}; name its sets, or take it out")


def _check_dot(key: str, stimuli: str, study: Study, problems: Problems) -> None:
    spec = study.stimuli.get(stimuli)
    if spec is not None and not isinstance(spec, MovingDot):
        problems.add(f"{key}: {stimuli} is no moving_dot (it is {spec.source})")


def _check_window(stimuli: str, study: Study, problems: Problems) -> None:
    most = most_stimuli(study.stimuli[stimuli]) if stimuli in study.stimuli else None
    if most is not None and study.spectra.ranks[1] > most - 1:
        problems.add(
            f"spectra.ranks: window {window(study)} lies outside the spectrum of {stimuli}: "
            f"{most} stimuli give at most {most - 1} ranks"
        )


def _check_coding(study: Study, coding: Coding, problems: Problems) -> None:
    for key in ("stimuli", "dot"):
        problems.known(f"coding.{key}", getattr(coding, key), study.stimuli)
    for key in ("train", "test"):
        problems.known(f"coding.training.{key}", getattr(coding.training, key), study.stimuli)
    _check_dot("coding.dot", coding.dot, study, problems)
    _check_window(coding.stimuli, study, problems)
    if not problems.known("coding.encoder", coding.encoder, study.models):
        return
    architecture = study.models[coding.encoder].architecture
    kind = getattr(architecture, "model", architecture.name)
    if not re.search("resnet|resnext", kind) or kind == "resnet_vae":
        problems.add(
            f"coding.encoder: {coding.encoder} is a {kind}, which has no ResNet stages; allowed: "
            "basic_resnet, bottleneck_resnet, torchvision's resnet…, pytorch_cifar10"
        )
    elif coding.checkpoints is not None:
        _check_sweep_files(study, coding, problems)


def _check_sweep_files(study: Study, coding: Coding, problems: Problems) -> None:
    missing = [
        field
        for field, values in (("{dropout}", coding.dropouts), ("{seed}", coding.seeds))
        if len(values) > 1 and field not in coding.checkpoints
    ]
    if missing:
        problems.add(
            f"coding.checkpoints: {coding.checkpoints} lacks {' and '.join(missing)}, which tells "
            "the sweep's files apart"
        )
        return
    for model in swept_models(study).values():
        if isinstance(model, PathModel):
            problems.file("coding.checkpoints", model.path)
