"""A study with one value replaced by a bad one: what becomes of it."""

import copy
import json
import math
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from checked_plans import checked_plan
from project import changed, read_config

from codespectra.errors import UserError
from codespectra.study.sections.study import load_study

LONG = "x" * 240
BAD = (None, True, "3", -1, 0, 1.5, math.nan, math.inf, 10**40, "", "NA", [], {}, LONG, "{x}")
# Where a value of these is right after all, by the last key that isn't a number in a list.
RIGHT = {
    "None": {
        *("pca", "ica", "nmf", "kmeans_identity", "kmeans_code", "random", "exemplar", "sha256"),
        *("people", "interpretability", "coding", "language", "theory", "lookup", "openai"),
        *("side", "limit", "checkpoints", "published", "classes", "methods", "filters"),
        *("analysis_set", "robustness", "attacks", "noise", "models", "zoo"),
    },
    "True": {"color", "label", "bigram", "download", "compile"},
    "'3'": {"study", "tag", "repository", "revision", "pattern", "condition", "model", "root"},
    "0": {
        *("seed", "seeds", "min_contrast", "mean", "color", "background", "crop_padding"),
        *("weight_decay", "kld_weight", "dropouts", "dropout", "l1", "difficulties", "passage"),
        *("random", "retries", "expected_accuracy", "swaps", "noises", "penalties"),
    },
    "1.5": {
        *("mean", "std", "learning_rate", "weight_decay", "kld_weight", "l1", "perplexity"),
        *("temperature", "last", "smoothing", "timeout", "estimator_learning_rate", "slope"),
        *("noises", "penalties", "read_out_learning_rate"),
    },
    "-1": {"mean", "first"},
    "[]": {"backbones", "mei_methods", "models"},
    "{}": {
        *("runtime", "preprocessing", "expected_accuracy", "capture", "filters", "projections"),
        *("neurons", "pca", "ica", "nmf", "kmeans_identity", "kmeans_code", "index", "theory"),
        *("architecture", "training", "explainers", "lookup", "explanations", "superposition"),
        *("channel", "information", "claims", "figures", "layers", "attacks", "further_scores"),
        *("claims_beside", "planted", "hardness"),
    },
}
RIGHT["'NA'"] = RIGHT["LONG"] = RIGHT["'{x}'"] = RIGHT["'3'"]
Place = tuple[str | int, ...]
# Far more than any plan takes: whether one hangs is no question of how fast a machine is.
SECONDS = 60


# Sections whose keys are names, and what tells what kind of thing a name is of.
NAMED, TAGS = ("stimuli", "models", "backbones"), ("source", "weights", "kind", "seeds")


class Hang(BaseException):
    """A plan isn't made in time."""


def places(node: Any, above: Place = ()) -> Iterator[Place]:
    """Where each value of a config stands, lists and sections too."""
    if above:
        yield above
    if isinstance(node, dict | list):
        for key in node if isinstance(node, dict) else range(len(node)):
            yield from places(node[key], (*above, key))


def kinds(config: dict[str, Any]) -> dict[Place, Place]:
    """The first of all places that say the same of things of one kind, as of trained models."""
    found: dict[Place, Place] = {}
    for place in places(config):
        found.setdefault(_kind(config, place), place)
    return found


def _kind(config: Any, place: Place) -> Place:
    """A place without the names that the config chooses, and without numbers in lists."""
    above, kind = None, []
    for key in place:
        within = config[key]
        chosen = above in NAMED and isinstance(within, dict)
        told = [str(within.get(tag)) for tag in TAGS] if chosen else []
        kind.append("/".join(told) if chosen else "" if isinstance(config, list) else key)
        above, config = key, within
    return tuple(kind)


def unusual(folder: Path) -> tuple[dict[str, Any], list[Place]]:
    """The embedded study with what it has none of, and where that stands; files are made."""
    model = {"model_type": "gpt2", "n_positions": 96, "n_embd": 8, "n_layer": 1, "n_head": 2}
    (folder / "config.json").write_text(json.dumps(model))
    for name in ("model.safetensors", "tokenizer.json", "tokenizer_config.json", "own.pt"):
        (folder / name).write_text("{}")
    here, file, network = str(folder), str(folder / "own.pt"), {"name": "bottleneck_resnet"}
    changes = {
        "stimuli.own": {"source": "folder", "root": here, "side": 32, "limit": 9},
        "stimuli.cifar": {
            **{"source": "cifar10", "root": here, "split": "test", "download": True, "limit": 9}
        },
        "models.own": {
            "architecture": {"name": "pytorch_cifar10", "model": "resnet18"},
            "preprocessing": {"side": 32},
            "expected_accuracy": {"test": 0.5},
            **{"weights": "path", "path": file, "sha256": "0" * 64},
        },
        "models.fetched": {
            "architecture": {"name": "torchvision", "model": "resnet18"},
            **{"classes": 1000, "weights": "torchvision", "tag": "DEFAULT"},
        },
        "models.code": {
            "architecture": {
                **{"name": "resnet_vae", "encoder": network, "hidden": [8, 8], "latent": 4},
                **{"dropout": 0.2, "dropout_sites": "stage"},
            },
            "weights": "random",
        },
        "backbones.lpips": {"kind": "imagenet"},
        "backbones.file": {"kind": "path", "path": file, "sha256": "0" * 64},
        "backbones.baseline": {"kind": "random", "seed": 1},
        "people": {
            **{"responses": file, "file_map": file, "images": here, "model": "resnet50"},
            **{"condition": "natural", "backbone": "lpips", "resamples": 100, "seed": 1},
        },
        "language.text": {
            **{"source": "folder", "root": here, "pattern": "**/*.txt", "test_share": 0.5}
        },
        "language.models.disk": {"weights": "path", "path": here, "objective": "causal"},
        "language.models.hub": {
            **{"weights": "hub", "repository": "a/b", "revision": "main", "objective": "masked"}
        },
        "language.explanations.explainers.openai": {
            **{"token_limit": 9, "concurrency": 2, "timeout": 2.5, "retries": 1}
        },
        "language.explanations.published": here,
    }
    starts = [tuple(path.split(".")) for path in changes]
    config = changed(read_config(), changes)
    return config, [p for p in places(config) if any(p[: len(s)] == s for s in starts)]


def replaced(config: dict[str, Any], place: Place, value: Any) -> dict[str, Any]:
    """A copy of a config with another value in a place."""
    edited = copy.deepcopy(config)
    section: Any = edited
    for key in place[:-1]:
        section = section[key]
    section[place[-1]] = value
    return edited


def outcome(config: dict[str, Any], place: Place, value: Any) -> tuple[str, str]:
    """What becomes of a study in a word, `told` or `right` if all is well, and what was told.

    A mistake is told by lines of which one names the key; a value is right if RIGHT has it, and if
    the study holds it as it was written, or what a section is without its keys.
    """

    def late(*_: Any) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    edited = replaced(config, place, value)
    try:
        checked_plan(edited)
    except UserError as error:
        said = str(error)
        # A layer that isn't there is told of the list that selects it.
        key = ".".join(map(str, place)).removesuffix(".type")
        # Without seeds of a model it is the names of its networks that are unknown.
        missing = value is None and place[0] == "models" and place[-1] == "seeds"
        key = "-s0' is unknown" if missing else key
        clear = _without_numbers(key) in _without_numbers(said) and _lines_are_short(said)
        return ("told" if clear else "unclear"), said
    except Hang:
        return "hang", ""
    except BaseException as error:
        return "traceback", f"{type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    held: Any = load_study(edited).model_dump(mode="json")
    for key in place:
        held = held[key]
    last = next(key for key in reversed(place) if isinstance(key, str))
    last = str(place[-2]) if "expected_accuracy" in place[:-1] else last
    shown = "LONG" if value == LONG else repr(value)
    right = last in RIGHT.get(shown, ()) and (held == value or value in ({}, None))
    return ("right" if right else "silent"), repr(held)


def _without_numbers(key: str) -> str:
    """A key without its place in a list, `layers.0` as `layers`."""
    return re.sub(r"\.\d+(?=[.: ]|$)", "", key)


def _lines_are_short(said: str) -> bool:
    return all(line.startswith("config: ") and len(line) < 2000 for line in said.splitlines())
