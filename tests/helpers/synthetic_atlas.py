"""An atlas of any size, as the rules write it, of random responses and of crops of photographs."""

import os
from pathlib import Path

import numpy as np

from codespectra.atlas.maps import four_bits
from codespectra.atlas.measures import PLACES, STATES
from codespectra.atlas.page_files import INDEX, PAGE, copy_page
from codespectra.atlas.responses import BINS, CLASSES, OF_STRIP, SHOWN, STRIPS, summary_of
from codespectra.atlas.shards import write_shard
from codespectra.atlas.sheets import ACROSS, SIDE, sheet_count, write_sheets
from codespectra.data.photographs import CLASSES as PHOTOGRAPHS
from codespectra.data.photographs import random_crops

RUN, SET = "runs/network/images", "images/images"
METRICS = [f"metric{number}" for number in range(8)]
PARTS = [f"part{number}" for number in range(5)]
DISTINCT = 64


def write_atlas(root: Path, *, layers: int, units: int, images: int, seed: int = 0) -> Path:
    """Write the atlas of one network with the method `neurons`; its index.html."""
    draw = np.random.default_rng(seed)
    for folder in (RUN, "maps/network/images", SET, "page"):
        (root / folder).mkdir(parents=True)
    _write_images(root / SET, images, draw)
    names = [f"layer{number}" for number in range(layers)]
    blocks = []
    for depth in range(layers):
        own, near = _responses(draw, units, images), _nearest(draw, units)
        blocks.append(
            {
                "layer": depth,
                "method": 0,
                "two_sided": False,
                "measures": {},
                "places": {name: draw.random(units, np.float32) for name in PLACES},
                "map": {axis: draw.random(units, np.float32) for axis in "xy"},
                **summary_of(own),
                "state": np.zeros(units, np.uint8),
                "scores": {metric: _scores(draw, units) for metric in METRICS},
            }
        )
        ii = draw.standard_normal((units, len(PARTS)), np.float32)
        detail = own | near | {"parts": {METRICS[0]: {"names": PARTS, "ii": ii}}}
        write_shard(root / RUN / f"{depth}-0.js", f"{RUN}/{depth}-0", detail)
        maps = {"grid": [7, 7], **four_bits(draw.random((units, SHOWN, 7, 7), np.float32))}
        key = f"maps/network/images/{depth}-0"
        write_shard(root / f"{key}.js", key, maps)
    told = {"model": "network", "stimuli": "images", "weights": "random", "layers": names}
    told |= {"methods": ["neurons"], "metrics": METRICS}
    rules = {"reduction": "spatial_mean", "m": 5, "normalisation": "pairs"}
    write_shard(
        root / RUN / "run.js", f"{RUN}/run", told | rules | {"states": STATES, "blocks": blocks}
    )
    made = {"sha256": "0" * 64, "bytes": 0}
    catalogue = {
        "study": "synthetic",
        "backbones": {},
        "runs": [{"path": RUN, "directions": layers * units, **told, **made}],
        "maps": [{"path": "maps/network/images", "layers": [*range(layers)], "covers": 1, **made}],
        "images": [{"path": SET, **made}],
        "texts": [],
        "claims": [],
        "exponents": [],
        "versions": {},
        "citation": "",
    }
    write_shard(root / "page/catalogue.js", "catalogue", catalogue)
    copy_page(root / "page")
    (root / INDEX).write_bytes((PAGE / INDEX).read_bytes())
    return root / INDEX


def _write_images(folder: Path, count: int, draw: np.random.Generator) -> None:
    sheet = ACROSS**2
    crops, _ = random_crops(
        split="all",
        per_class=-(-DISTINCT * sheet // 10),
        side=SIDE,
        crops=(96, 192),
        block=0,
        test_share=0,
        seed=0,
    )
    order = draw.permutation(len(crops))
    write_sheets(folder, (crops[order[n * sheet : (n + 1) * sheet]] for n in range(DISTINCT)))
    for number in range(DISTINCT, sheet_count(count)):
        os.link(folder / f"{number % DISTINCT}.webp", folder / f"{number}.webp")
    content = {
        "name": "images", "count": count, "side": SIDE, "across": ACROSS,
        "sheets": sheet_count(count), "classes": [*PHOTOGRAPHS],
        "labels": draw.integers(0, len(PHOTOGRAPHS), count),
    }  # fmt: skip
    write_shard(folder / "images.js", SET, content)


def _responses(draw: np.random.Generator, units: int, images: int) -> dict[str, np.ndarray]:
    numbers = draw.standard_normal((units, 2 * SHOWN), np.float32)
    return {
        "top": draw.integers(0, images, (units, SHOWN)),
        "top_response": -np.sort(-numbers[:, :SHOWN]),
        "bottom": draw.integers(0, images, (units, SHOWN)),
        "bottom_response": np.sort(numbers[:, SHOWN:]),
        "strips": draw.integers(0, images, (units, STRIPS, OF_STRIP)),
        "quantiles": np.sort(draw.standard_normal((units, STRIPS + 1), np.float32)),
        "histogram": draw.multinomial(images, np.full(BINS, 1 / BINS), units),
        "active": draw.random(units),
        "classes": draw.integers(0, len(PHOTOGRAPHS), (units, CLASSES)),
        "class_means": -np.sort(-draw.standard_normal((units, CLASSES), np.float32)),
    }


def _nearest(draw: np.random.Generator, units: int) -> dict[str, np.ndarray]:
    near = {
        f"{relation}_{part}": values
        for relation in ("own", "others", "sharing")
        for part, values in (
            ("method", np.zeros((units, 6), int)),
            ("direction", draw.integers(0, units, (units, 6))),
            ("value", draw.random((units, 6), np.float32)),
        )
    }
    return near | {"sharing_value": draw.integers(0, 6, (units, 6))}


def _scores(draw: np.random.Generator, units: int) -> dict[str, np.ndarray]:
    ii = draw.standard_normal(units)
    return {"ii": ii, "low": ii - 0.3, "high": ii + 0.3, "sign": np.ones(units, np.int8)}
