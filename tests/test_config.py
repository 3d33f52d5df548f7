"""The config: nothing unknown gets in, and every mistake is named with what is allowed."""

import copy
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from codespectra.config import analyses, base, interpretability, models, stimuli, study
from codespectra.config.stage import stage_config
from codespectra.config.stimuli import Cifar, ImageFolder
from codespectra.config.study import Runtime, Study, load_study
from codespectra.errors import UserError
from codespectra.plan import Plan, cached_layers, make_plan

ROOT = Path(__file__).parents[1]
CONFIG = (ROOT / "config.yaml").read_text()
SECTIONS = (analyses, base, interpretability, models, stimuli, study)
BASES = {base.Strict, models._Model}


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


def test_schema_is_that_of_the_study() -> None:
    written = (ROOT / "workflow" / "schemas" / "config.schema.json").read_text()
    expected = json.dumps(Study.model_json_schema(), indent=2) + "\n"
    assert written == expected, "run: python scripts/write_schema.py"


# The embedded study ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def describe(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return cached_layers(tmp_path_factory.mktemp("layers"), "code")


def changed(changes: dict[str, Any]) -> dict[str, Any]:
    """The embedded study with other values at dotted paths."""
    edited = copy.deepcopy(yaml.safe_load(CONFIG))
    for path, value in changes.items():
        *parents, last = path.split(".")
        section = edited
        for parent in parents:
            section = section[parent]
        section[last] = value
    return edited


def checked(changes: dict[str, Any], describe: Any) -> Plan:
    return make_plan(load_study(changed(changes)), describe)


def test_embedded_study_has_a_plan(describe: Any) -> None:
    plan = checked({}, describe)
    assert plan.layer_names("directions", "classifier", "tiles") == ["layer1", "layer2"]
    assert len(plan.layer_names("spectra", "classifier", "test")) == 13
    assert list(plan.methods) == [
        *("neurons", "kmeans-32", "kmeans-64", "kmeans-128"),
        *("random-64", "exemplar-64"),
    ]


def undocumented(text: str) -> list[str]:
    """Keys that no comment tells of.

    A comment tells of the key below it and of that key's neighbour below, of a section that it
    opens, and of keys that it names in the same top-level section; a key needs that only once.
    """
    lines, known, named, missing = text.splitlines(), set(), set(), []
    for index, line in enumerate(lines):
        if line.startswith("#") and not lines[index - 1].startswith("#"):
            named = set()
        if line.lstrip().startswith("#"):
            words = re.findall(r"\w+", line.lower())
            named |= {form for word in words for form in (word, word.removesuffix("s"))}
            continue
        around = [lines[at].lstrip().startswith("#") for at in (index - 2, index - 1)]
        opens = line.endswith(":") and lines[index + 1].lstrip().startswith("#")
        for key in re.findall(r"([\w-]+):(?= |$)", line.partition(" #")[0]):
            if any(around) or opens or key in named:
                known.add(key)
            elif key not in known:
                missing.append(key)
    return missing


def test_every_key_has_a_comment() -> None:
    assert undocumented(CONFIG) == []


def test_a_key_without_a_comment_is_noticed() -> None:
    text = "# A study.\nstudy: a\nspectra:\n  # Fit.\n  ranks: [1, 2]\n  seed: 0\n  solver: exact\n"
    assert undocumented(text) == ["solver"]


# Mistakes ----------------------------------------------------------------------------------------

NETWORK = {"name": "bottleneck_resnet"}
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
        {"spectra.bootstrap": "many"},
        ["spectra.bootstrap: ", "valid integer", "'many'"],
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
        ["stimuli.mine.source: Field required"],
    ),
    "unknown layer": (
        {"directions.layers": ["layer1", "leyer2"]},
        ["directions.layers", "classifier", "'leyer2'", "did you mean 'layer2'?", "layer1.0.conv1"],
    ),
    "unknown layer type": (
        {"spectra.layers": [{"type": "RELU6"}]},
        ["spectra.layers", "classifier", "'RELU6'", "did you mean 'ReLU'?", "allowed: ", "Conv2d"],
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
        {"directions.methods.kmeans.k": [32, 1601]},
        ["directions.methods.kmeans.k: 1601", "tiles (at most 1600)"],
    ),
    "M above the stimuli": (
        {"interpretability.m": 841},
        ["interpretability.m: 841", "840 stimuli"],
    ),
    "missing checkpoint": (
        {"models.c": {"weights": "path", "architecture": NETWORK, "path": "no/such.pt"}},
        ["models.c.path: no such checkpoint file: no/such.pt"],
    ),
    "missing backbone checkpoint": (
        {"backbones.mine": {"kind": "path", "path": "no/such.pt"}},
        ["backbones.mine.path: no such checkpoint file: no/such.pt"],
    ),
    "bad sha256": (
        {"models.c": {"weights": "path", "architecture": NETWORK, "path": ".", "sha256": "A1"}},
        ["models.c.sha256: ", "[0-9a-f]{64}", "'A1'"],
    ),
    "downloaded weights of our own network": (
        {"models.c": {"weights": "torchvision", "architecture": NETWORK}},
        ["models.c.weights", "bottleneck_resnet", "allowed: train, path, random"],
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
    "labels of unlabelled stimuli": (
        {"directions.runs": [{"model": "classifier", "stimuli": "dot"}]},
        ["interpretability.label: dot has no labels; set label: false"],
    ),
    "training on unlabelled stimuli": (
        {"models.classifier.training.train": "dot"},
        ["models.classifier.training.train: dot has no labels"],
    ),
    "images too small for a backbone": (
        {"stimuli.tiles.side": 30},
        ["interpretability.backbones: tiles has images of 30 pixels", "at least 31"],
    ),
    "projections of other stimuli": (
        {"projections.stimuli": ["test"]},
        ["projections.stimuli: test is no moving_dot (it is photographs)"],
    ),
    "backbone without features": (
        {"backbones.inhouse.model": "classifier"},
        ["backbones.inhouse.model: bottleneck_resnet", "small_alexnet, alexnet, vgg"],
    ),
}
UNKNOWN_NAMES = {
    "spectra.models": (["classifer"], "spectra: model", "classifier"),
    "spectra.stimuli": (["tset"], "spectra: stimuli", "test"),
    "projections.models": (["untraind"], "projections: model", "untrained"),
    "projections.stimuli": (["dott"], "projections: stimuli", "dot"),
    "directions.runs": (
        [{"model": "classifer", "stimuli": "tiles"}],
        "directions: model",
        "classifier",
    ),
    "models.classifier.training.test": ("tset", "models.classifier.training.test", "test"),
    "models.classifier.expected_accuracy": ({"tset": 0.5}, "expected_accuracy", "test"),
    "backbones.inhouse.model": ("perceptul", "backbones.inhouse.model", "perceptual"),
    "interpretability.backbones": (["inhuose"], "interpretability.backbones", "inhouse"),
    "figures.mei_methods": (["kmeans-65"], "figures.mei_methods", "kmeans-64"),
}


@pytest.mark.parametrize("changes, told", MISTAKES.values(), ids=MISTAKES)
def test_mistake_is_explained(changes: dict[str, Any], told: list[str], describe: Any) -> None:
    with pytest.raises(UserError) as caught:
        checked(changes, describe)
    message = str(caught.value)
    assert [part for part in told if part not in message] == [], message


@pytest.mark.parametrize("path", UNKNOWN_NAMES)
def test_unknown_name_is_explained(path: str, describe: Any) -> None:
    value, key, closest = UNKNOWN_NAMES[path]
    with pytest.raises(UserError) as caught:
        checked({path: value}, describe)
    (line,) = str(caught.value).splitlines()
    assert key in line
    assert f"did you mean {closest!r}? allowed: " in line


def test_unknown_stimuli_of_a_run_are_explained(describe: Any) -> None:
    runs = [{"model": "classifier", "stimuli": "tyles"}]
    with pytest.raises(UserError, match=r"directions: stimuli: 'tyles' .* did you mean 'tiles'"):
        checked({"directions.runs": runs}, describe)


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
                "interpretability.m": 900,
            },
            {"spectra", "projections.stimuli", "interpretability.m"},
        ),
        (
            {"spectra.layers": ["nowhere"], "directions.layers": ["nothing"]},
            {
                f"{stage}.layers for models.{model}"
                for stage in ("spectra", "directions")
                for model in ("classifier", "untrained")
            },
        ),
    ],
    ids=["in the file", "between sections", "in layers"],
)
def test_all_mistakes_are_told_at_once(
    changes: dict[str, Any], lines: set[str], describe: Any
) -> None:
    with pytest.raises(UserError) as caught:
        checked(changes, describe)
    assert {line.split(": ")[1] for line in str(caught.value).splitlines()} == lines


# What reaches the jobs ---------------------------------------------------------------------------


def parts(content: Any) -> Iterator[Any]:
    """Everything inside nested dicts and lists, themselves included."""
    yield content
    if isinstance(content, dict | list):
        for item in content.values() if isinstance(content, dict) else content:
            yield from parts(item)


def sections() -> dict[str, BaseModel]:
    study = load_study(yaml.safe_load(CONFIG))
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


def test_params_hold_no_runtime_field() -> None:
    assert stage_config(Runtime(device="cuda", batch=3)) == {}
    sets = [
        Cifar(source="cifar10", root="data", split="test", download=fetch)
        for fetch in (True, False)
    ]
    assert [stage_config(found) for found in sets] == [
        {"limit": None, "root": "data", "source": "cifar10", "split": "test"}
    ] * 2
