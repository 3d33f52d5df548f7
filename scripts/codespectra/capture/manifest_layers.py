"""Captured layers: the columns that identify each in tables, and its dataset in the file."""

import json
from typing import Any

from codespectra.files.json_files import parse_json

Layer = dict[str, Any]


def captured_layers(manifest: dict[str, Any], cfg: dict[str, Any]) -> list[tuple[Layer, Layer]]:
    """For each layer of an analysis: the first columns of its table rows, and its dataset.

    Args:
        manifest: of the activations file.
        cfg: of the analysis: model, stimuli, layers in running order, reduction.
    """
    known = {(item["layer"], item["reduction"]): item for item in manifest["datasets"]}
    run = {"model": cfg["model"], "weights": manifest["weights"], "stimuli": cfg["stimuli"]}
    run["reduction"] = cfg["reduction"]
    return [
        (run | {"layer": layer, "depth": depth}, known[layer, cfg["reduction"]])
        for depth, layer in enumerate(cfg["layers"], start=1)
    ]


def layer_contents(manifest: dict[str, Any]) -> dict[str, Layer]:
    """What results of each captured layer follow from, whichever other layers there are."""
    return {item["layer"]: content_of(manifest, item) for item in manifest["datasets"]}


def content_of(manifest: dict[str, Any], dataset: Layer) -> Layer:
    """The same of one dataset."""
    return {key: dataset[key] for key in dataset if key != "depth"} | {"count": manifest["count"]}


def part_item(part: str, selectors: list[Any]) -> tuple[str, str]:
    """What an activations file of text holds one of: a part by its name, and its layers' selectors.

    They are told as JSON, which tells them from what chose the part's layers before.
    """
    return part, json.dumps(selectors, sort_keys=True)


def selectors_of(item: tuple[str, str]) -> tuple[str, list[Any]]:
    """The part and the selectors of a `part_item`."""
    part, told = item
    return part, parse_json(told.encode())


def captured_parts(manifest: dict[str, Any]) -> list[tuple[Layer, Layer]]:
    """For each layer of a captured language model: the first columns of its rows, and its dataset.

    Depth counts a part's layers from 1.
    """
    run = {"model": manifest["model"], "weights": manifest["weights"], "stimuli": "text"}
    run["reduction"] = "tokens"
    return [
        (run | {"part": item["part"], "layer": item["layer"], "depth": item["depth"]}, item)
        for item in manifest["datasets"]
    ]
