"""The config: nothing unknown gets in, and every mistake is named with what is allowed."""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import pytest
from checked_plans import checked_plan, mistakes
from hypothesis import given
from hypothesis import strategies as st
from project import changed, read_config
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from codespectra.data.photographs import read_photographs
from codespectra.study.check_sizes import PHOTOGRAPH_SIZES
from codespectra.study.dropout_sweep import networks
from codespectra.study.implied import noisy_runs, shown_networks
from codespectra.study.sections import (
    analyses,
    base,
    coding,
    directions,
    index,
    interpretability,
    language,
    models,
    people,
    recorded,
    robustness,
    stimuli,
    study,
    theory,
    zoo,
)
from codespectra.study.sections.stage import stage_config
from codespectra.study.sections.stimuli import Cifar, ImageFolder
from codespectra.study.sections.study import Study, load_study

CONFIG = read_config()
SECTIONS = (
    *(analyses, base, coding, directions, interpretability, index, language, models, people),
    *(recorded, robustness, stimuli, study, theory, zoo),
)
BASES = {base.Strict, analyses.Analysed, models.AnyModel, models.FileModel}


# What the models accept --------------------------------------------------------------------------


def reached(kind: Any) -> set[type[BaseModel]]:
    """Models in an annotation: itself, members of its unions, and those in its fields."""
    found = set()
    if inspect.isclass(kind) and issubclass(kind, BaseModel):
        found.add(kind)
        inner = [field.annotation for field in kind.model_fields.values()]
    else:
        inner = get_args(kind)
    return found.union(*(reached(part) for part in inner))


def test_study_reaches_every_model() -> None:
    defined = {
        thing
        for section in SECTIONS
        for thing in vars(section).values()
        if inspect.isclass(thing)
        and issubclass(thing, BaseModel)
        and thing.__module__ == section.__name__
    }
    assert reached(Study) == defined - BASES


@pytest.mark.parametrize("model", sorted(reached(Study), key=lambda model: model.__name__))
def test_every_model_forbids_unknown_keys(model: type[BaseModel]) -> None:
    assert model.model_config["extra"] == "forbid"


PATHS = {
    f"{model.__name__}.{name}": field
    for model in reached(Study)
    for name, field in model.model_fields.items()
    if "pathlib." in repr(field.annotation)
}


@pytest.mark.parametrize("name", sorted(PATHS))
def test_a_path_may_begin_with_the_home_folder(name: str, monkeypatch: Any) -> None:
    field = PATHS[name]
    kind = field.annotation
    kind = get_args(kind)[1] if get_origin(kind) is dict else kind  # of each value, by its name
    adapter = TypeAdapter(Annotated[kind, *field.metadata, ""])
    monkeypatch.setenv("HOME", "/home/me")
    assert adapter.validate_python("~/a~b") == Path("/home/me/a~b")
    with pytest.raises(ValidationError, match="no such user's home"):
        adapter.validate_python("~nobody-of-that-name/a")


# The embedded study ------------------------------------------------------------------------------


def embedded(changes: dict[str, Any]) -> dict[str, Any]:
    """The embedded study with other values at dotted paths."""
    return changed(CONFIG, changes)


def test_embedded_study_has_a_plan() -> None:
    plan = checked_plan(CONFIG)
    assert plan.layer_names("directions", "classifier-s0", "tiles") == ["layer1", "layer2"]
    assert len(plan.layer_names("spectra", "classifier-s4", "test")) == 13
    assert list(plan.methods) == [
        *("neurons", "pca-1x", "ica-1x", "nmf-1x", "kmeans-0.5x", "kmeans-1x", "kmeans-2x"),
        *("kmeans_identity", "kmeans_code-1x", "sae-2x-0.1", "random-1x", "exemplar-1x"),
    ]
    assert list(plan.grid) == [
        f"sae-{z}x-{l1}" for z in (1, 2, 4) for l1 in ("0.01", "0.1", "0.3", "1", "3")
    ]


# Mistakes ----------------------------------------------------------------------------------------

NETWORK = {"name": "bottleneck_resnet"}
VAE = {"name": "resnet_vae", "encoder": NETWORK}
TRAINED = {"weights": "train", "training": {"train": "train", "test": "test"}}
FEW = {"source": "photographs", "split": "test", "per_class": 5, "side": 32}
MISTAKES = {
    "typo in a top-level key": (
        {"spektra": {}},
        ["spektra: unknown key", "did you mean 'spectra'?", "allowed: study, runtime, stimuli"],
    ),
    "typo in a nested key": (
        {"directions.methods.kmeans.start": 3},
        ["directions.methods.kmeans.start: unknown key", "'starts'", "allowed: k, starts"],
    ),
    "typo in a union member": (
        {"models.c": {"weights": "random", "architecture": NETWORK, "sed": 1}},
        ["models.c.sed: unknown key", "'seed'", "allowed: architecture, classes"],
    ),
    "typo in a union inside a union": (
        {"models.c": {"weights": "random", "architecture": NETWORK | {"widht": 8}}},
        ["models.c.architecture.widht: unknown key", "'width'", "allowed: name, width, blocks"],
    ),
    "typo in a layer selector's key": (
        {"spectra.layers": [{"typ": "ReLU"}]},
        ["spectra.layers.0.typ: unknown key", "'type'"],
    ),
    "a key for sets that grow": (
        {"stimuli.mine": {"source": "folder", "root": "mine", "side": 8, "append": True}},
        ["stimuli.mine.append: unknown key; leave it out", "show the new ones alone"],
    ),
    "no model to analyse": (
        {"projections.models": []},
        ["projections.models: ", "at least 1 item"],
    ),
    "too few classes for the training set": (
        {"models.classifier.classes": 9},
        ["models.classifier.classes: 9", "10 of train"],
    ),
    "a name kept for backbones": (
        {"models.backbone-x": {"weights": "random", "architecture": NETWORK}},
        ["models.backbone-x", "names with backbone-"],
    ),
    "wrong type": (
        {"spectra.resamples": "many"},
        ["spectra.resamples: ", "valid integer", "'many'"],
    ),
    "wrong type in a union member": (
        {"models.c": {"weights": "path", "architecture": NETWORK, "path": 3}},
        ["models.c.path: ", "valid path", "3"],
    ),
    "wrong type under a name that is also a tag": (
        {"stimuli.folder": {"source": "folder", "root": 3, "side": 32}},
        ["stimuli.folder.root: ", "valid path", "3"],
    ),
    "wrong choice": (
        {"runtime.device": "gpu"},
        ["runtime.device: ", "'auto', 'cpu' or 'cuda'", "'gpu'"],
    ),
    "out of range": ({"stimuli.dot.orbit": 0.7}, ["stimuli.dot.orbit: ", "less than 0.5", "0.7"]),
    "unknown stimuli source": (
        {"stimuli.mine": {"source": "cifar"}},
        ["stimuli.mine.source: 'cifar'", "did you mean 'cifar10'?", "moving_dot"],
    ),
    "missing stimuli source": (
        {"stimuli.mine": {"side": 32}},
        ["stimuli.mine.source: missing; add it as in config.yaml"],
    ),
    "missing runs": (
        {"directions": {"layers": ["layer1"], "methods": {}}},
        ["directions.runs: missing; add it as in config.yaml"],
    ),
    "unknown layer": (
        {"directions.layers": ["layer1", "leyer2"]},
        ["directions.layers", "classifier", "'leyer2'", "did you mean 'layer2'?", "layer1.0.conv1"],
    ),
    "unknown layer type": (
        {"spectra.layers": [{"type": "RELU6"}]},
        ["spectra.layers", "classifier", "'RELU6'", "did you mean 'ReLU'?", "allowed: ", "Conv2d"],
    ),
    "layers of a model that isn't there": (
        {"spectra.layers": {"classifier": ["layer1"], "untrained": ["layer1"], "untrian": ["*"]}},
        ["spectra.layers: 'untrian' is unknown; did you mean 'untrained'?"],
    ),
    "layers for some models alone": (
        {"spectra.layers": {"classifier": ["*"]}, "spectra.models": ["classifier", "untrained"]},
        ["spectra.layers.untrained: no layers for it"],
    ),
    "a reduction of channels that aren't known": (
        {
            "models.untrained.architecture": {"name": "timm", "model": "test_vit"},
            "models.untrained.preprocessing": {"from": "model"},
            "spectra.layers": {"classifier": ["layer1"], "untrained": ["*.q_norm"]},
            "spectra.reduction": "spatial_mean",
            "spectra.models": ["classifier", "untrained"],
            "directions.runs": [{"model": "classifier", "stimuli": "tiles"}],
            "directions.analysis_set": "tiles",
            "interpretability.models": None,
            "projections.models": ["classifier"],
            "filters.layers": ["layer1"],
        },
        ["spectra.reduction for models.untrained: ", "an unknown axis of channels; take stride"],
    ),
    "classes of a network that has its own": (
        {
            "models.mine": {
                "architecture": {"name": "python", "target": "tests/helpers/nets.py:build"},
                **{"weights": "own", "classes": 3},
            }
        },
        ["models.mine.classes: a python network has its own; leave it out"],
    ),
    "unknown torchvision model": (
        {"models.untrained.architecture": {"name": "torchvision", "model": "resnet51"}},
        ["untrained", "'resnet51'", "did you mean 'resnet", "alexnet"],
    ),
    "window beyond the components": (
        {"spectra.components": 40},
        ["ranks", "10..50", "40 components"],
    ),
    "window beyond the stimuli": (
        {"stimuli.test.per_class": 5},
        ["spectra.ranks", "10..50", "50 stimuli give at most 49 ranks"],
    ),
    "window beyond the widest layer": (
        {"spectra.layers": ["fc"]},
        ["spectra.ranks", "10..50", "classifier on test keeps 10 units"],
    ),
    "window of too few ranks": ({"spectra.ranks": [10, 12]}, ["ranks", "10..12", "under 5"]),
    "K above the stimuli": (
        {"directions.methods.kmeans.k": ["0.5x", "1x", "2x", 1601]},
        ["directions.methods.kmeans.k: 1601: more than the stimuli of tiles (at most 1600)"],
    ),
    "M above the stimuli": (
        {"index.m": 561},
        ["index.m: 561", "two thirds of the 840 stimuli of overlapping"],
    ),
    "a multiple above the stimuli": (
        {"directions.methods.exemplar.k": "14x", "stimuli.overlapping.per_class": 170},
        [
            "directions.methods.exemplar.k: 14x (1792 in layer2 of classifier, which has 128 units",
            "more than the stimuli of tiles (at most 1600)",
        ],
    ),
    "a multiple that is none": (
        {"directions.methods.kmeans.k": ["twice"]},
        ["directions.methods.kmeans.k.0: give a number above 0, or a multiple", "'twice'"],
    ),
    "no autoencoder": (
        {"directions.methods.sae.z": [0]},
        ["directions.methods.sae.z.0: give a number above 0, or a multiple", "(found 0)"],
    ),
    "a multiple too small": (
        {"directions.methods.kmeans.k": ["0.5x", "1x", "2x", "0.001x"]},
        ["directions.methods.kmeans.k: 0.001x: no direction in layer1 of classifier"],
    ),
    "more components than units": (
        {"directions.methods.pca.k": "2x"},
        ["directions.methods.pca.k: 2x: more than there are in layer1", "64 units", "1x"],
    ),
    "an unknown method": (
        {"interpretability.manifold.methods": ["neurons", "kmeans-64"]},
        ["interpretability.manifold.methods: 'kmeans-64' is unknown", "kmeans-1x"],
    ),
    "a method without a sign": (
        {"interpretability.psychophysics.methods": ["pca-1x"]},
        ["interpretability.psychophysics.methods: pca-1x has no sign of its own"],
    ),
    "sensitivity without centroids": (
        {"interpretability.sensitivity.method": "nmf-1x"},
        ["interpretability.sensitivity.method: nmf-1x has no centroids", "kmeans"],
    ),
    "an attack on what names no label": (
        {"robustness.attacks.models": ["lite0"]},
        ["robustness.attacks.models: lite0 has 1000 classes, but crops 10: it names none of its"],
    ),
    "an attack on what has no exponents": (
        {"robustness.attacks.models": ["perceptual"]},
        ["robustness.attacks.models: 'perceptual' is unknown; allowed: lite0"],
    ),
    "an attack on a model of text": (
        {"robustness.attacks.models": ["gpt"]},
        ["robustness.attacks.models: gpt is a model of text, which sees no images; take it out"],
    ),
    "an attack on what moves": (
        {"spectra.stimuli": {**CONFIG["spectra"]["stimuli"], "classifier": ["dot"]}},
        ["robustness.attacks.models: classifier sees dot, which has no labels; take it out"],
    ),
    "nothing to attack": (
        {"robustness.attacks.models": [], "coding": None},
        ["robustness.attacks.models: none, and no section coding; name a classifier"],
    ),
    "an attack beyond the pixels": (
        {"robustness.attacks.epsilons": [2.0]},
        ["robustness.attacks.epsilons.0: Input should be less than or equal to 1 (found 2.0)"],
    ),
    "a network of no library": (
        {"zoo": {"networks": ["resnet18"], "stimuli": "tiles"}},
        ["zoo.networks: 'resnet18' names no library; write timm:NAME or torchvision:NAME"],
    ),
    "a zoo without networks": (
        {"zoo": {"stimuli": "tiles"}},
        ["zoo.networks: neither it nor table is there; name networks, or a table"],
    ),
    "a network of the zoo twice": (
        {"zoo": {"networks": ["timm:vgg11", "timm:vgg11"], "stimuli": "tiles"}},
        ["zoo.networks: timm:vgg11 stands there twice; name each value once"],
    ),
    "a zoo on no set": (
        {"zoo": {"networks": ["timm:vgg11"], "stimuli": "tile"}},
        ["zoo.stimuli: 'tile' is unknown; did you mean 'tiles'?"],
    ),
    "a depth of 0": (
        {"zoo": {"networks": ["timm:vgg11"], "stimuli": "tiles", "depths": [0.0, 1.0]}},
        ["zoo.depths.0: Input should be greater than 0 (found 0.0)"],
    ),
    "a depth over 1": (
        {"zoo": {"networks": ["timm:vgg11"], "stimuli": "tiles", "depths": [1.5]}},
        ["zoo.depths.0: Input should be less than or equal to 1 (found 1.5)"],
    ),
    "weights of no folder": (
        {"zoo": {"networks": ["timm:vgg11"], "stimuli": "tiles", "weights": "folder"}},
        ["zoo.folder: goes with weights: folder; give both, or neither"],
    ),
    "a folder of weights that isn't there": (
        {
            "zoo": {
                **{"networks": ["timm:vgg11"], "stimuli": "tiles"},
                **{"weights": "folder", "folder": "no/such"},
            }
        },
        ["zoo.folder: no/such is no folder; give the folder of the networks' weights"],
    ),
    "too few images for the zoo": (
        {
            "stimuli.few": FEW,
            "zoo": {"networks": ["timm:vgg11"], "stimuli": "few"},
            "index.m": 40,
        },
        [
            "spectra.ranks: window 10..50 lies outside the spectrum of few",
            "index.m: 40 is more than two thirds of the 50 stimuli of few",
            "zoo.mis: trials and references take 58 images",
        ],
    ),
    "spectra of tokens in the zoo": (
        {"zoo": {"networks": ["timm:vgg11"], "stimuli": "tiles"}, "spectra.reduction": "tokens"},
        ["spectra.reduction: tokens is of networks with tokens alone, and the zoo has others"],
    ),
    "an empty section of robustness": (
        {"robustness": {}},
        ["robustness.attacks: neither it nor noise is there; add one, or no robustness"],
    ),
    "noise on directions without a sign": (
        {"robustness.noise.methods": ["pca-1x"]},
        ["robustness.noise.methods: pca-1x has no sign of its own; leave it out"],
    ),
    "noise on directions that a run lacks": (
        {"robustness.noise.methods": ["neurons", "sae-2x-0.1"]},
        [
            "robustness.noise.methods: sae-2x-0.1 isn't found for classifier on tiles; add it to "
            "its methods in directions.runs, or leave one of the two out"
        ],
    ),
    "noise on no analysis set": (
        {"robustness.noise.models": ["lite0"], "directions.analysis_set": "tiles"},
        ["robustness.noise.models: none of them has a run on a set of directions.analysis_set"],
    ),
    "a partner among more than there are": (
        {"theory.information.estimator_contrast": 1000},
        ["theory.information.estimator_contrast: 1000 is more than estimator_batch (512); lower"],
    ),
    "a path that misses its centroids": (
        {"interpretability.sensitivity.first": 0.2},
        ["interpretability.sensitivity.first: Input should be less than 0 (found 0.2)"],
    ),
    "a colour of a byte": (
        {"stimuli.dot.color": [255, 0, 0]},
        ["stimuli.dot.color.0: Input should be less than or equal to 1 (found 255)"],
    ),
    "too few channels": (
        {"stimuli.dot.color": [1, 0]},
        ["stimuli.dot.color: ", "at least 3 items"],
    ),
    "a seed that no library takes": ({"index.seed": 10**15}, ["index.seed: ", "less than 2147483"]),
    "a number in quotes": (
        {"index.m": "3"},
        ["index.m: Input should be a valid integer (found '3'); write numbers without quotes"],
    ),
    "an exponent without a dot": (
        {"models.classifier.training.learning_rate": "1e-3"},
        ["learning_rate: Input should be a valid number (found '1e-3'); ", "1e-3 as 0.001"],
    ),
    "a whole number with a point": ({"index.m": 3.0}, ["index.m: Input should be a valid integer"]),
    "a name that is a number": (
        {"spectra.models": ["classifier", 7]},
        ["spectra.models.1: Input should be a valid string (found 7); put it in quotes"],
    ),
    "a model twice": (
        {"spectra.models": ["classifier", "classifier"]},
        ["spectra.models: classifier stands there twice; name each value once"],
    ),
    "a run twice": (
        {"directions.runs": [{"model": "classifier", "stimuli": "tiles"}] * 2},
        ["directions.runs: ", "stands there twice"],
    ),
    "a layer twice": ({"spectra.layers": ["relu", "relu"]}, ["spectra.layers: relu stands there"]),
    "a metric twice": (
        {"index.backbones": ["inhouse", "inhouse"]},
        ["index.backbones: inhouse stands there twice"],
    ),
    "a figure's method twice": (
        {"figures.mei_methods": ["neurons", "neurons"]},
        ["figures.mei_methods: neurons stands there twice"],
    ),
    "a sweep of thousands": (
        {"coding.dropouts": [i / 100 for i in range(50)], "coding.seeds": list(range(50))},
        ["coding: dropouts and seeds: these make 2500, and 1000 are the most"],
    ),
    "a grid of thousands": (
        {"interpretability.autoencoders.l1": list(range(500))},
        ["interpretability.autoencoders: z and l1: these make 1500"],
    ),
    "images that no memory holds": (
        {"stimuli.test.per_class": 10**7, "stimuli.test.side": 200},
        ["stimuli.test.per_class: images of 200 pixels that take 12 TB; lower it, or side"],
    ),
    "activations that no disk holds": (
        {
            **{"stimuli.test.per_class": 10**7, "spectra.reduction": "none", "coding": None},
            "models.wide": {"weights": "random", "architecture": NETWORK | {"width": 256}},
            "spectra.models": ["classifier", "wide"],
            **{"spectra.stimuli": ["test"], "spectra.layers": [{"type": "ReLU"}]},
        },
        ["spectra.layers: activations of wide on test take ", " TB; take fewer layers"],
    ),
    "toy models that no memory holds": (
        {"theory.superposition": {"features": 10_000, "batch": 100_000, "seeds": [1]}},
        ["theory.superposition.features: models of all densities and seeds take 64000000000 bytes"],
    ),
    "no crops": ({"stimuli.train.crops": []}, ["stimuli.train.crops: ", "at least 1 item"]),
    "crops beyond the blocks": (
        {"stimuli.train.crops": [32, 200]},
        ["stimuli.train.crops: 200 pixels don't fit the blocks of astronaut, which are 128"],
    ),
    "no blocks to train on": (
        {"stimuli.train.test_share": 0.9999},
        ["stimuli.train.test_share: 0.9999 leaves none of the 16 blocks of astronaut for training"],
    ),
    "tiles beyond the photographs": (
        {"stimuli.tiles.pitch": 1000},
        ["stimuli.tiles.pitch: 1000 pixels, and no photograph has over 996"],
    ),
    "braces in a path": (
        {"models.own": {"weights": "path", "architecture": NETWORK, "path": "a/{x}.pt"}},
        ["models.own.path: has braces or control characters, which Snakemake can't take"],
    ),
    "braces in the sweep's files": (
        {"coding.checkpoints": "a/{dropout}_{seed}_{x}.pth"},
        ["coding.checkpoints: has braces"],
    ),
    "an empty path": (
        {"models.own": {"weights": "path", "architecture": NETWORK, "path": ""}},
        ["models.own.path: is empty; give a path"],
    ),
    "a name of 240 letters in a path": (
        {"stimuli.own": {"source": "folder", "side": 32, "root": "x" * 300}},
        ["stimuli.own.root: has a name of over 255 bytes"],
    ),
    "a grid without its training": (
        {"directions.methods.sae": None},
        ["interpretability: directions.methods.sae is missing", "grid of autoencoders"],
    ),
    "a difficulty of a half": (
        {"interpretability.psychophysics.difficulties": [0.5]},
        ["interpretability.psychophysics.difficulties.0: ", "less than 0.5"],
    ),
    "more trials than images": (
        {"interpretability.psychophysics.trials": 80},
        ["interpretability.psychophysics", "178", "tiles"],
    ),
    "more images of a trial than an interval leaves": (
        {"interpretability.further_scores.references": 900},
        ["interpretability.further_scores: trials and references take 1840 images", "tiles"],
    ),
    "more exciting images than there are": (
        {"interpretability.further_scores.top": 1590},
        ["interpretability.further_scores: top takes", "have 1280 at most"],
    ),
    "no trials, and a slope that isn't one": (
        {"interpretability.further_scores": {"trials": 0, "slope": 0, "top": 2}},
        [
            "interpretability.further_scores.trials: ",
            "interpretability.further_scores.slope: ",
            "interpretability.further_scores.top: ",
        ],
    ),
    "people without their files": (
        {
            "people": {
                "responses": "no/such.csv",
                "file_map": "no/such.json",
                "images": "no/images",
                "model": "resnet50",
                "condition": "resnet50_natural",
                "backbone": "inhouze",
            }
        },
        [
            "people.responses: no such file: no/such.csv",
            "people.file_map: no such file: no/such.json",
            "people.images: no/images is no folder",
            "people.backbone: 'inhouze' is unknown; did you mean 'inhouse'?",
        ],
    ),
    "LPIPS' scaling of another backbone": (
        {
            "people": {
                "responses": "README.md",
                "file_map": "README.md",
                "images": "tests",
                "model": "resnet50",
                "condition": "resnet50_natural",
                "backbone": "inhouse",
                "input_scaling": "as_published",
            }
        },
        ["people.input_scaling: as_published", "inhouse is another network"],
    ),
    "missing checkpoint": (
        {"models.c": {"weights": "path", "architecture": NETWORK, "path": "no/such.pt"}},
        ["models.c.path: no such file: no/such.pt"],
    ),
    "missing backbone checkpoint": (
        {"backbones.mine": {"kind": "path", "path": "no/such.pt"}},
        ["backbones.mine.path: no such file: no/such.pt"],
    ),
    "bad sha256": (
        {"models.c": {"weights": "path", "architecture": NETWORK, "path": ".", "sha256": "A1"}},
        ["models.c.sha256: ", "[0-9a-f]{64}", "'A1'"],
    ),
    "downloaded weights of our own network": (
        {"models.c": {"weights": "torchvision", "architecture": NETWORK}},
        ["models.c.weights", "bottleneck_resnet", "allowed: train, path, package"],
    ),
    "missing image folder": (
        {"stimuli.mine": {"source": "folder", "root": "no/such", "side": 32}},
        ["stimuli.mine.root: no/such is no folder"],
    ),
    "missing CIFAR folder": (
        {"stimuli.mine": {"source": "cifar10", "root": "no/such", "split": "test"}},
        ["stimuli.mine.root: no/such/cifar-10-batches-py is no folder", "download: true"],
    ),
    "a CIFAR root without its folder": (
        {"stimuli.mine": {"source": "cifar100", "root": "tests", "split": "test"}},
        ["stimuli.mine.root: tests/cifar-100-python is no folder", "download: true"],
    ),
    "a GPU's precision on the CPU": (
        {"capture.precision": "tf32", "runtime.device": "cpu"},
        ["capture.precision: tf32 is of GPUs, and runtime.device is cpu; set float32"],
    ),
    "labels of unlabelled stimuli": (
        {
            "directions.runs": [{"model": "classifier", "stimuli": "dot"}],
            "directions.analysis_set": "dot",
        },
        ["index.label: dot has no labels; set label: false"],
    ),
    "training on unlabelled stimuli": (
        {"models.classifier.training.train": "dot"},
        ["models.classifier.training.train: dot has no labels"],
    ),
    "images too small for a backbone": (
        {
            "stimuli.tiles.side": 30,
            "backbones": {"lpips": {"kind": "random"}},
            "index.backbones": ["lpips"],
        },
        ["index.backbones: tiles has images of 30 pixels", "at least 31"],
    ),
    "projections of other stimuli": (
        {"projections.stimuli": ["test"]},
        ["projections.stimuli: test is no moving_dot (it is photographs)"],
    ),
    "a filter of a rank beyond the components": (
        {"filters.ranks": [1, 2000]},
        ["filters.ranks: 2000", "1000 components", "spectra.components"],
    ),
    "a filter's rank twice": (
        {"filters.ranks": [2, 1]},
        ["filters.ranks: [2, 1] doesn't increase strictly"],
    ),
    "a filter of rank 0": ({"filters.ranks": [0, 2]}, ["filters.ranks", "greater than 0"]),
    "a filter of a layer without a spectrum": (
        {"filters.layers": ["conv1"]},
        [
            "filters.layers: not among spectra.layers for models.classifier",
            "'conv1'",
            "allowed: relu, layer1.0.relu:0",
        ],
    ),
    "a backbone's layer that isn't there": (
        {"backbones.inhouse.layers": ["features.7", "features.99"]},
        ["backbones.inhouse.layers: no layer matches 'features.99'", "features.9"],
    ),
    "a file of the hub outside of it": (
        {
            "models.c": {
                **{"weights": "hub", "architecture": NETWORK},
                **{"repository": "org/tiny", "file": "../../x.pth"},
            }
        },
        ["models.c.file: '../../x.pth' isn't below org/tiny"],
    ),
    "a network's own distance under the name of LPIPS": (
        {"backbones": {"LPIPS-own": {"kind": "network", "model": "perceptual", "layers": ["*"]}}}
        | {"index.backbones": ["LPIPS-own"]},
        ["backbones.LPIPS-own: ", "isn't LPIPS"],
    ),
    "a backbone's layer whose places aren't known": (
        {
            "models.vit": {
                "architecture": {"name": "timm", "model": "test_vit"},
                "weights": "random",
                "preprocessing": {"from": "model"},
            },
            "backbones.inhouse": {"kind": "network", "model": "vit", "layers": ["*.attn.q_norm"]},
        },
        ["backbones.inhouse.layers: blocks.0.attn.q_norm: an output of shape"],
    ),
    "embeddings that no machine holds": (
        {
            "stimuli.tiles.max_per_class": 100_000,
            "models.perceptual.architecture.widths": [1000] * 5,
        },
        ["backbones.inhouse.layers: embeddings of tiles by perceptual take", "MB an image"],
    ),
    # Of the coding and theory sections, and of old names.
    "a section's old name": (
        {"features": {"manifold": {}}},
        ["config: features: unknown key; it is called interpretability now"],
    ),
    "the index under its old name": (
        {"interpretability": {"m": 5, "backbones": ["inhouse"], "no_key": 1}},
        ["config: interpretability: the section of the Interpretability Index is called index now"],
    ),
    "an old count of resamples": (
        {"spectra.bootstrap": 100},
        ["config: spectra.bootstrap: unknown key; it is called resamples now"],
    ),
    "models without stimuli": (
        {"projections": {"models": ["classifier"]}},
        ["config: projections: models and stimuli: name both, or neither for options alone"],
    ),
    "no directions to interpret": (
        {"directions": None, "figures": {}, "robustness": None},
        ["config: interpretability: needs the section directions, which is missing; add it"],
    ),
    "filters of no spectra": (
        {"spectra": {}, "robustness": None},
        ["config: filters.layers: of no spectra; name models and stimuli in spectra"],
    ),
    "dropout of 1": (
        {"coding.dropouts": [0.2, 1.0]},
        ["coding.dropouts.1: ", "less than 1", "(found 1.0)"],
    ),
    "too few blocks": (
        {"models.classifier.architecture.blocks": [1, 1]},
        ["models.classifier.architecture.blocks: ", "at least 4 items"],
    ),
    "negative dropout": (
        {"coding.dropouts": [0.0, -0.1]},
        ["coding.dropouts.1: ", "greater than or equal to 0", "(found -0.1)"],
    ),
    "no dropout": ({"coding.dropouts": []}, ["coding.dropouts: ", "at least 1 item"]),
    "a dropout twice": (
        {"coding.dropouts": [0.2, 0.4, 0.2]},
        ["coding.dropouts: 0.2 stands there twice; name each value once"],
    ),
    "a dropout twice, as integer and float": (
        {"coding.dropouts": [0, 0.0]},
        ["coding.dropouts: 0 stands there twice"],
    ),
    "dropouts of one name": (
        {"coding.dropouts": [0.3333333, 0.33333331]},
        ["coding.dropouts: "],
    ),
    "a seed twice": (
        {"coding.seeds": [1, 0, 1]},
        ["coding.seeds: 1 stands there twice; name each value once"],
    ),
    "wrong dropout sites": (
        {"coding.dropout_sites": "encoder"},
        ["coding.dropout_sites: ", "'relu', 'encoder_relu' or 'stage'", "'encoder'"],
    ),
    "three hidden layers": (
        {"coding.hidden": [8, 8, 8]},
        ["coding.hidden: ", "at most 2 items", "[8, 8, 8]"],
    ),
    "no hidden units": ({"coding.hidden": [8, 0]}, ["coding.hidden.1: ", "greater than 0"]),
    "an encoder without stages": (
        {"coding.encoder": "perceptual"},
        ["coding.encoder: perceptual is a small_alexnet", "no ResNet stages", "basic_resnet"],
    ),
    "a torchvision encoder without stages": (
        {
            "models.vgg": {
                "weights": "random",
                "architecture": {"name": "torchvision", "model": "vgg11"},
            },
            "coding.encoder": "vgg",
        },
        ["coding.encoder: vgg is a vgg11", "no ResNet stages"],
    ),
    "a VAE as encoder": (
        {"models.mine": {"weights": "random", "architecture": VAE}, "coding.encoder": "mine"},
        ["coding.encoder: mine is a resnet_vae", "no ResNet stages"],
    ),
    "no dot": (
        {"coding.dot": "test"},
        ["coding.dot: test is no moving_dot (it is photographs)"],
    ),
    "window beyond the coding stimuli": (
        {"stimuli.few": FEW, "coding.stimuli": "few"},
        ["spectra.ranks: ", "10..50", "of few: 50 stimuli give at most 49 ranks"],
    ),
    "files that dropouts share": (
        {"coding.checkpoints": "vae/resnet_vae_{seed}.pth"},
        ["coding.checkpoints: vae/resnet_vae_{seed}.pth lacks {dropout}, which tells"],
    ),
    "one file for all": (
        {"coding.checkpoints": "vae.pth"},
        ["coding.checkpoints: vae.pth lacks {dropout} and {seed}"],
    ),
    "missing VAE checkpoint": (
        {
            "coding.checkpoints": "no/resnet_vae_{dropout}_{seed}.pth",
            "coding.dropouts": [0.2],
            "coding.seeds": [19],
        },
        ["coding.checkpoints: no such file: no/resnet_vae_0.2_19.pth"],
    ),
    "unknown layer of a VAE": (
        {"coding.layers": ["resnet.2.0", "resnet.77.0.relu"]},
        ["coding.layers", "'resnet.77.0.relu'", "did you mean 'resnet.7.0.relu"],
    ),
    "unknown layer of the filters": (
        {"coding.filters": ["resnet.22.0"]},
        ["coding.filters: not among coding.layers", "'resnet.22.0'", "mean 'resnet.2.0'?"],
    ),
    "a layer that has no spectrum": (
        {"coding.filters": ["resnet.0"]},
        ["coding.filters: not among coding.layers", "'resnet.0'", "allowed: resnet.2.0"],
    ),
    "a name kept for the sweep": (
        {"models.vae-mine": {"weights": "random", "architecture": NETWORK}},
        ["models.vae-mine: names with vae- are kept for the coding study; take another"],
    ),
    "a name kept for noisy captures": (
        {"stimuli.dot-noisy": {"source": "moving_dot"}},
        ["stimuli.dot-noisy: names with -noisy are kept"],
    ),
    "a VAE to train": (
        {"models.mine": TRAINED | {"architecture": VAE}},
        ["models.mine.weights: a resnet_vae is trained by the section coding"],
    ),
    "downloaded weights of a VAE": (
        {"models.mine": {"weights": "torchvision", "architecture": VAE}},
        ["models.mine.weights: torchvision has none for resnet_vae"],
    ),
    "typo in a VAE's encoder": (
        {
            "models.mine": {
                "weights": "random",
                "architecture": VAE | {"encoder": NETWORK | {"widht": 8}},
            }
        },
        ["models.mine.architecture.encoder.widht: unknown key", "did you mean 'width'?"],
    ),
    "a VAE around no ResNet": (
        {
            "models.mine": {
                "weights": "random",
                "architecture": VAE | {"encoder": {"name": "small_alexnet"}},
            }
        },
        ["models.mine.architecture.encoder.name: 'small_alexnet' is unknown", "basic_resnet"],
    ),
    "no bottleneck": (
        {"theory.superposition.hidden": 100},
        ["theory.superposition.hidden: 100 units hold all 100 features; take fewer"],
    ),
    "a planted dictionary larger than the data": (
        {"theory.planted.features": 501},
        ["theory.planted.features: a dictionary of 501 is larger than the data", "1000 rows"],
    ),
    "more directions than rows": (
        {"theory.planted.sizes": [32, 900]},
        ["theory.planted.sizes: 900 is more than half of the 1000 rows; lower it, or raise rows"],
    ),
    "planted features that no memory holds": (
        {"theory.planted": {"rows": 100_000, "features": 9000}},
        ["theory.planted.rows: their features or responses take 7200000000 bytes; lower it"],
    ),
    **{
        f"a density of {density}": (
            {"theory.planted.densities": [0.1, density]},
            ["theory.planted.densities.1: ", f"{limit} (found {density})"],
        )
        for density, limit in ((0.0, "greater than 0"), (0.6, "less than or equal to 0.5"))
    },
    "noise below 0": (
        {"theory.planted.noises": [-0.1]},
        ["theory.planted.noises.0: ", "greater than or equal to 0 (found -0.1)"],
    ),
    "no prime": (
        {"theory.hardness.groups": [{"p": 59}, {"p": 91}]},
        ["theory.hardness.groups.1.p: 91 is no prime; the next one below is 89"],
    ),
    "no primitive root": (
        {"theory.hardness.groups": [{"p": 59, "g": 3}]},
        ["theory.hardness.groups.0.g: 3 is no primitive root of 59; the least is 2"],
    ),
    "a prime that no memory holds": (
        {"theory.hardness": {"groups": [{"p": 999_983}], "width": 1000}},
        ["theory.hardness.groups: activations on p = 999983 ", "take smaller primes, or lower"],
    ),
    "a prime beyond all": (
        {"theory.hardness.groups": [{"p": 1_000_003}]},
        ["theory.hardness.groups.0.p: ", "less than or equal to 1000000 (found 1000003)"],
    ),
    "too many bits": (
        {"theory.channel.capacity_bits": [1, 11]},
        ["theory.channel.capacity_bits.1: ", "less than or equal to 10", "(found 11)"],
    ),
    "a channel's dropout twice": (
        {"theory.channel.dropouts": [0.1, 0.1]},
        ["theory.channel.dropouts: 0.1 stands there twice"],
    ),
}
# Mistakes that are told of several models or sets, or that bring others with them.
SEVERAL = {
    "no trials, and a slope that isn't one",
    "typo in a layer selector's key",
    "too few classes for the training set",
    "unknown layer",
    "unknown layer type",
    "a filter of a layer without a spectrum",
    "window beyond the widest layer",
    "K above the stimuli",
    "a multiple above the stimuli",
    "a multiple too small",
    "more components than units",
    "people without their files",
    "labels of unlabelled stimuli",
    "too few images for the zoo",
    "spectra of tokens in the zoo",
}
UNKNOWN_NAMES = {
    "spectra.models": (["classifer"], "spectra.models", "classifier"),
    "spectra.stimuli": (["tset"], "spectra.stimuli", "test"),
    "projections.models": (["untraind"], "projections.models", "untrained"),
    "projections.stimuli": (["dott"], "projections.stimuli", "dot"),
    "directions.runs": (
        [{"model": "classifer", "stimuli": "tiles"}],
        "directions.runs.model",
        "classifier",
    ),
    "directions.analysis_set": ("tile", "directions.analysis_set", "tiles"),
    "models.classifier.training.test": ("tset", "models.classifier.training.test", "test"),
    "models.classifier.expected_accuracy": ({"tset": 0.5}, "expected_accuracy", "test"),
    "backbones.inhouse.model": ("perceptul", "backbones.inhouse.model", "perceptual"),
    "coding.encoder": ("encodr", "coding.encoder", "encoder"),
    "coding.stimuli": ("tset", "coding.stimuli", "test"),
    "coding.dot": ("dott", "coding.dot", "dot"),
    "coding.training.train": ("trian", "coding.training.train", "train"),
    "coding.training.test": ("tset", "coding.training.test", "test"),
    "index.backbones": (["inhuose"], "index.backbones", "inhouse"),
    "figures.mei_methods": (["kmeans-3x"], "figures.mei_methods", "kmeans-2x"),
    "language.models.gpt_untrained.like": ("gtp", "language.models.gpt_untrained.like", "gpt"),
    "language.explanations.part": ("mpl", "language.explanations.part", "mlp"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_explained(name: str) -> None:
    changes, told = MISTAKES[name]
    lines = mistakes(embedded(changes))
    message = "\n".join(lines)
    assert [part for part in told if part not in message] == [], message
    assert (len(lines) > 1) == (name in SEVERAL), message


@pytest.mark.parametrize(
    "key",
    ["spectra.layers", "coding.layers", "filters.layers", "coding.filters", "language.parts.mlp"],
)
def test_typo_in_a_layer_selector_is_told_as_it_was_written(key: str) -> None:
    lines = mistakes(embedded({key: [{"typ": "ReLU"}]}))
    assert f"config: {key}.0.typ: unknown key; did you mean 'type'? allowed: type" in lines
    assert [line for line in lines if "LayerType" in line or f"{key}.0.str" in line] == []


def test_sizes_of_the_photographs_are_those_of_their_files() -> None:
    found = {name: image.shape[:2] for name, image in read_photographs().items()}
    assert found == PHOTOGRAPH_SIZES


@pytest.mark.parametrize("pattern", ["/etc/*", "**.txt", "", "../*", "a/../../*"])
def test_a_glob_that_is_none_or_leaves_the_folder_is_told(pattern: str) -> None:
    text = {"source": "folder", "root": ".", "pattern": pattern}
    (line,) = mistakes(embedded({"language.text": text}))
    assert line.startswith("config: language.text.pattern: "), line


@pytest.mark.parametrize("path", UNKNOWN_NAMES)
def test_unknown_name_is_explained(path: str) -> None:
    value, key, closest = UNKNOWN_NAMES[path]
    line = mistakes(embedded({path: value}))[0]
    assert key in line
    assert f"did you mean {closest!r}? allowed: " in line


@pytest.mark.parametrize(
    "changes, lines",
    [
        (
            {"spektra": {}, "runtime.device": "gpu", "runtime.bach": 3, "runtime.devise": "cpu"},
            {"spektra", "runtime.device", "runtime.bach", "runtime.devise"},
        ),
        (
            {
                "spectra.models": ["nobody"],
                "projections.stimuli": ["test"],
                "index.m": 900,
            },
            {"spectra.models", "projections.stimuli", "index.m"},
        ),
        (
            {"spectra.layers": ["nowhere"], "directions.layers": ["nothing"]},
            {
                f"{stage}.layers for models.{model}"
                for stage in ("spectra", "directions")
                for model in ("classifier", "untrained", "lite0", "lite0_untrained")
            },
        ),
    ],
    ids=["in the file", "between sections", "in layers"],
)
def test_all_mistakes_are_told_at_once(changes: dict[str, Any], lines: set[str]) -> None:
    assert {line.split(": ")[1] for line in mistakes(embedded(changes))} == lines


# The sweep ---------------------------------------------------------------------------------------


def test_sweep_has_a_network_for_each_dropout_seed_and_statistics() -> None:
    found = networks(load_study(embedded({"coding.dropouts": [0.4, 0, 0.25]})).coding)
    names = [
        f"vae-dropout{dropout}-seed{seed}{suffix}"
        for dropout in ("0", "0.25", "0.4")
        for seed in (0, 1)
        for suffix in ("", "-recalibrated")
    ]
    assert list(found) == names
    for name, network in found.items():
        assert network.base == name.removesuffix("-recalibrated")
        assert name.startswith(f"vae-dropout{network.dropout:g}-seed{network.seed}")
        recalibrated = name.endswith("-recalibrated")
        assert network.statistics == ("recalibrated" if recalibrated else "as_trained")


def test_study_without_coding_has_no_sweep() -> None:
    plan = checked_plan(embedded({"coding": None}))
    assert networks(None) == {}
    assert plan.noisy_captures == {}
    assert not any("vae-" in model for model, _ in plan.captures)


def test_shown_networks_are_the_extremes_of_the_first_seed() -> None:
    study = load_study(embedded({"coding.dropouts": [0.4, 0, 0.8], "coding.seeds": [5, 2]}))
    both = ("", "-recalibrated")
    assert shown_networks(study) == [
        f"vae-dropout{dropout}-seed5{kind}" for dropout in ("0", "0.8") for kind in both
    ]
    study = load_study(embedded({"coding.dropouts": [0.4]}))
    assert shown_networks(study) == [f"vae-dropout0.4-seed0{kind}" for kind in both]


def test_swept_models_say_how_they_come_about() -> None:
    models = checked_plan(CONFIG).models
    trained = stage_config(models["vae-dropout0.2-seed1"])
    assert (trained["weights"], trained["start"], trained["seed"]) == ("vae", "encoder", 1)
    assert trained["architecture"]["dropout"] == 0.2
    assert trained["architecture"]["encoder"] == stage_config(models["encoder"].architecture)
    assert (trained["architecture"]["hidden"], trained["architecture"]["latent"]) == ([256] * 2, 64)
    recalibrated = stage_config(models["vae-dropout0.2-seed1-recalibrated"])
    assert (recalibrated["weights"], recalibrated["of"]) == (
        *("recalibrated", "vae-dropout0.2-seed1"),
    )
    for key in ("architecture", "preprocessing", "classes", "training"):
        assert recalibrated[key] == trained[key]


def test_checkpoints_are_imported_by_their_names(tmp_path: Path) -> None:
    for name in ("0.0_3", "0.2_3"):
        (tmp_path / f"resnet_vae_{name}.pth").touch()
    pattern = str(tmp_path / "resnet_vae_{dropout}_{seed}.pth")
    changes = {"coding.dropouts": [0, 0.2], "coding.seeds": [3], "coding.checkpoints": pattern}
    models = checked_plan(embedded(changes)).models
    paths = {name: model.path for name, model in models.items() if model.weights == "path"}
    assert paths == {
        "vae-dropout0-seed3": tmp_path / "resnet_vae_0.0_3.pth",
        "vae-dropout0.2-seed3": tmp_path / "resnet_vae_0.2_3.pth",
    }
    recalibrated = models["vae-dropout0.2-seed3-recalibrated"]
    assert (recalibrated.weights, recalibrated.of) == ("recalibrated", "vae-dropout0.2-seed3")
    changes["coding.seeds"] = [3, 4]
    missing = [f"{tmp_path}/resnet_vae_{dropout}_4.pth" for dropout in (0.0, 0.2)]
    assert mistakes(embedded(changes)) == [
        f"config: coding.checkpoints: no such file: {path}" for path in missing
    ]


def test_another_dropout_changes_its_own_networks_only() -> None:
    before = checked_plan(CONFIG)
    after = checked_plan(embedded({"coding.dropouts": [0.0, 0.2, 0.5]}))
    gone, come = set(before.models) - set(after.models), set(after.models) - set(before.models)
    assert {name.partition("-seed")[0] for name in gone} == {"vae-dropout0.4"}
    assert {name.partition("-seed")[0] for name in come} == {"vae-dropout0.5"}
    assert (len(gone), len(come)) == (4, 4)
    for name in set(before.models) & set(after.models):
        assert stage_config(before.models[name]) == stage_config(after.models[name])
    for found in ("captures", "noisy_captures", "selected"):
        old, new = getattr(before, found), getattr(after, found)
        shared = set(old) & set(new)
        assert {key: old[key] for key in shared} == {key: new[key] for key in shared}
        assert all("vae-dropout0.4" in str(key) for key in set(old) - shared)
        assert all("vae-dropout0.5" in str(key) for key in set(new) - shared)


def test_only_networks_of_the_first_seed_as_trained_with_dropout_are_noisy() -> None:
    plan = checked_plan(embedded({"coding.seeds": [5, 2]}))
    expected = [(f"vae-dropout{dropout}-seed5", "test") for dropout in (0.2, 0.4)]
    assert noisy_runs(plan.study) == expected
    assert list(plan.noisy_captures) == expected
    assert checked_plan(embedded({"coding.dropouts": [0]})).noisy_captures == {}


def test_noisy_captures_hold_what_the_spectra_take() -> None:
    """On one set for both, clean captures hold the projections' reduction as well."""
    plan = checked_plan(embedded({"coding.stimuli": "dot"}))
    run = ("vae-dropout0.2-seed0", "dot")
    assert {item["reduction"] for item in plan.captures[run]} == {"stride", "none"}
    noisy = plan.noisy_captures[run]
    assert {item["reduction"] for item in noisy} == {"stride"}
    assert [item["layer"] for item in noisy] == plan.layer_names("spectra", *run)
    assert len(noisy) == len(plan.captures[run]) / 2 == 23


def test_every_network_is_analysed_and_the_first_one_filtered() -> None:
    plan = checked_plan(CONFIG)
    swept = list(networks(plan.study.coding))
    for stage, shown in (("spectra", "test"), ("projections", "dot")):
        runs = [key for key in plan.selected if key[0] == stage and key[1].startswith("vae-")]
        assert runs == [(stage, name, shown) for name in swept]
        assert all(len(plan.selected[key]) == 23 for key in runs)
    filtered = [key for key in plan.selected if key[0] == "filters" and key[1] in swept]
    assert filtered == [("filters", "vae-dropout0-seed0", "test")]
    assert plan.layer_names(*filtered[0]) == [
        *("resnet.2.0", "resnet.5.1.relu.0:1", "resnet.7.1.relu.0:1"),
    ]


# What reaches the jobs ---------------------------------------------------------------------------


def parts(content: Any) -> Iterator[Any]:
    """Everything inside nested dicts and lists, themselves included."""
    yield content
    if isinstance(content, dict | list):
        for item in content.values() if isinstance(content, dict) else content:
            yield from parts(item)


def sections() -> dict[str, BaseModel]:
    study = load_study(CONFIG)
    folder = ImageFolder(source="folder", root=Path("images"), side=32)
    own = {name: getattr(study, name) for name in Study.model_fields}
    nested = {name: own.pop(name) for name in ("stimuli", "models", "backbones")}
    single = {name: section for name, section in own.items() if isinstance(section, BaseModel)}
    return (
        single | {"folder": folder} | {k: v for found in nested.values() for k, v in found.items()}
    )


@pytest.mark.parametrize("name", sections())
def test_params_are_plain_and_sorted(name: str) -> None:
    params = stage_config(sections()[name], name=name)
    assert json.loads(json.dumps(params)) == params
    for part in parts(params):
        assert type(part) in {dict, list, str, int, float, bool, type(None)}
        if isinstance(part, dict):
            assert list(part) == sorted(part)


class Inner(base.Strict):
    """How and what."""

    what: int
    how: int = Field(json_schema_extra=base.RUNTIME)


class Outer(base.Strict):
    """The same at every place that a section can have in another."""

    alone: Inner
    union: Inner | None
    named: dict[str, Inner]
    several: tuple[Inner, ...]
    deep: dict[str, tuple[dict[str, Inner], ...]]
    how: int = Field(json_schema_extra=base.RUNTIME)


@given(st.from_type(Outer))
def test_params_hold_no_runtime_field_at_any_depth(section: Outer) -> None:
    dumped = section.model_dump(mode="json")
    for part in parts(dumped):
        if isinstance(part, dict):
            part.pop("how", None)
    assert stage_config(section) == stage_config(nested=section)["nested"] == dumped


def test_params_hold_no_runtime_field_of_the_study() -> None:
    """Not of any section that the config can hold, which all of the schema's `runtime` are in."""
    study = load_study(CONFIG)
    chat = language.Chat(token_limit=7, concurrency=8, timeout=9, retries=10)
    sets = [
        Cifar(source="cifar10", root="data", split="test", download=fetch)
        for fetch in (True, False)
    ]
    assert stage_config(study)["runtime"] == stage_config(chat) == {}
    options = {"compile": False, "dtype": "float32", "precision": "float32"}
    assert stage_config(study)["capture"] == options
    assert [stage_config(found) for found in sets] == [
        {"limit": None, "root": "data", "source": "cifar10", "split": "test"}
    ] * 2
