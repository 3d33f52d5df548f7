"""People's answers, their file map and its images, in the published form and small."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from codespectra.data import photographs
from codespectra.experiments.trial_images import IMAGES

CONDITION = "resnet50_natural"
UNITS = (("layer1_0_conv1", 3), ("layer1_0_conv1", 41), ("layer3_4_conv1", 3))
BATCHES = (1, 2)


def answer(**said) -> dict:
    """A row of responses_main.csv: a right answer to a natural trial, unless `said` otherwise."""
    return {
        "rt": 2616.0,
        "button_pressed": 5,
        "switched_queries": True,
        "confidence": 3,
        "choice": "b",
        "correct": True,
        **dict.fromkeys(("min_query", "max_query", "min_references"), "anonymized"),
        "max_references": "anonymized",
        "catch_trial": False,
        "is_demo": False,
        "trial_type": "2afc-image-confidence-response",
        "trial_index": 41,
        "time_elapsed": 343544,
        "internal_node_id": "0.0-4.0-0.31",
        "response_index": 0,
        "participant_id": "anonymized",
        "corrected_trial_index": 31,
        "task_id": f"{CONDITION}-61",
        "task_number": 61,
        "batch": 8.0,
        "channel": 130.0,
        "layer": "layer3_4_conv1",
        "mode": "natural",
        "model": "resnet50",
        "passed_checks": True,
        "catch_trials_details": "{'ratio': 1.0}",
    } | said


WRONG = {"choice": "a", "correct": False}
# What the loader must leave out.
OTHERS = (
    answer(is_demo=True, batch=None, channel=None, layer=None, mode=None, model=None),
    answer(catch_trial=True, batch=-1.0, mode="catch_trial", model="catch/manual"),
    answer(task_id="resnet50_optimized-3", mode="optimized"),
    answer(task_id="resnet50_natural_hard95-3"),
    answer(task_id="wide_resnet50_natural-3"),
)


def write_responses(folder: Path, *rows: dict) -> Path:
    pd.DataFrame([*rows]).to_csv(folder / "responses_main.csv", index=False)
    return folder / "responses_main.csv"


def the_map() -> dict:
    """A file map in which trials of one unit share images, as in the published one."""
    units = {}
    for (unit, (layer, channel)), batch in product(enumerate(UNITS), BATCHES):
        shift = 3 * unit + batch
        trial = {}
        for place, image in enumerate(reversed(IMAGES)):
            index = (place + shift) % 25
            trial[image] = f"n{index % 2:08d}/n{index % 2:08d}_{index}.JPEG"
        units.setdefault(f"{layer}/channel_{channel}", {})[f"batch_{batch}"] = trial
    return {"resnet50": units, "googlenet_hard85": {}}


def write_map(folder: Path, content: dict) -> Path:
    (folder / "map.json").write_text(json.dumps(content))
    return folder / "map.json"


def write_imagenet(folder: Path) -> None:
    """Twenty-five photographs of several shapes under ImageNet-like names."""
    rng = np.random.default_rng(0)
    photos = list(photographs.read_photographs().values())
    for index in range(25):
        photo = photos[index % len(photos)]
        top, left = rng.integers(20, size=2)
        crop = photo[top : top + 250, left : left + (180, 250, 330)[index % 3]]
        path = folder / f"n{index % 2:08d}/n{index % 2:08d}_{index}.JPEG"
        path.parent.mkdir(exist_ok=True, parents=True)
        Image.fromarray(crop).save(path)
