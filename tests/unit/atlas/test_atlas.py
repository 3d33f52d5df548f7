"""What the atlas shows, against the same computed plainly."""

import base64
import json
import os
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from codespectra.atlas.examples import examples_of
from codespectra.atlas.grids import grid_of
from codespectra.atlas.maps import Places, Shown, four_bits
from codespectra.atlas.measures import index_columns, other_measures, part_columns
from codespectra.atlas.neighbours import loadings, nearest
from codespectra.atlas.page_files import link
from codespectra.atlas.responses import Labels, describe_responses
from codespectra.atlas.shards import packed, write_shard
from codespectra.atlas.sheets import ACROSS, make_sheet
from codespectra.directions.directions import Directions

RNG = np.random.default_rng(0)


def directions(count: int, units: int = 6, stimuli: int = 50) -> Directions:
    responses = RNG.standard_normal((stimuli, count)).astype(np.float32)
    return Directions(RNG.standard_normal((count, units)).astype(np.float32), responses)


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (np.array([0, 255]), "uint8"),
        (np.array([-1, 3]), "int8"),
        (np.array([[70_000, 1]]), "uint32"),
        (np.array([0.1, np.nan]), "float32"),
        (np.array([], dtype=int), "uint8"),
        (np.array([True, False]), "uint8"),
    ],
)
def test_an_array_comes_back_from_its_bytes(array, kind):
    told = packed(array)
    assert (told["type"], told["shape"]) == (kind, list(array.shape))
    back = np.frombuffer(base64.b64decode(told["base64"]), kind).reshape(told["shape"])
    np.testing.assert_allclose(back, array)


@pytest.mark.parametrize("links", [True, False])
def test_a_part_is_in_the_atlas_without_taking_room(tmp_path, monkeypatch, links):
    source = tmp_path / "parts/runs/a"
    source.mkdir(parents=True)
    for name in ("run.js", ".snakemake_timestamp"):
        (source / name).write_text(name)
    if not links:
        monkeypatch.setattr(os, "link", Mock(side_effect=OSError))
    link(source, tmp_path / "atlas/runs/a")
    link(source / "run.js", tmp_path / "atlas/exports/a/run.js")
    found = [file for file in (tmp_path / "atlas").rglob("*") if file.is_file()]
    assert sorted(file.name for file in found) == ["run.js", "run.js"]
    for file in found:
        assert file.read_text() == "run.js"
        assert file.samefile(source / "run.js") == links


def test_a_shard_is_ascii_and_one_call(tmp_path):
    write_shard(tmp_path / "a.js", "a/b", {"name": "ü\u2028</script>", "n": np.int64(3)})
    text = (tmp_path / "a.js").read_text("ascii")
    assert text.startswith('atlas.data("a/b",') and text.endswith(");\n")
    content = json.loads(text[len('atlas.data("a/b",') : -3])
    assert content == {"name": "ü\u2028</script>", "n": 3}


def test_images_of_a_sheet_lie_in_their_places():
    images = RNG.integers(0, 256, (ACROSS + 2, 20, 20, 3)).astype(np.uint8)
    sheet = np.asarray(make_sheet(images))
    np.testing.assert_array_equal(sheet[20:40, 20:40], images[ACROSS + 1])
    assert make_sheet(np.zeros((1, 300, 300, 3), np.uint8)).size[1] == 96
    assert isinstance(make_sheet(images), Image.Image)


def test_responses_are_described_as_they_are():
    found = directions(70)
    found.responses[:, 3] = 2.0  # a dead one
    labels = Labels(np.arange(50) % 4, 5)
    told = describe_responses(found, labels)
    for direction in (0, 3, 69):
        own = found.responses[:, direction]
        np.testing.assert_array_equal(told["top_response"][direction], np.sort(own)[::-1][:9])
        np.testing.assert_array_equal(told["bottom_response"][direction], np.sort(own)[:9])
        assert told["histogram"][direction].sum() == 50
        assert told["active"][direction] == (own > own.min()).mean()
        strips = own[told["strips"][direction]]
        assert (np.diff(strips.ravel()) >= 0).all()
        np.testing.assert_allclose(
            told["quantiles"][direction], np.quantile(own, np.linspace(0, 1, 11)), rtol=1e-6
        )
    means = [found.responses[labels.of_stimulus == c, 0].mean() for c in range(4)]
    assert told["classes"][0][0] == np.argmax(means)
    scaled = (max(means) - found.responses[:, 0].mean()) / found.responses[:, 0].std()
    np.testing.assert_allclose(told["class_means"][0][0], scaled, rtol=1e-5)
    assert np.isnan(told["class_means"][3]).all()


def test_nearest_directions_are_those_of_the_highest_correlation():
    a, b = directions(5), directions(8)
    b.responses[:, 2] = -a.responses[:, 1]
    top = {name: describe_responses(one, None)["top"][:, :3] for name, one in (("a", a), ("b", b))}
    found = nearest({"a": a, "b": b}, top)["a"]
    assert (found["others_method"][1][0], found["others_direction"][1][0]) == (1, 2)
    np.testing.assert_allclose(found["others_value"][1][0], -1, rtol=1e-5)
    whole = np.corrcoef(a.responses.T)
    np.fill_diagonal(whole, 0)
    order = np.argsort(-np.abs(whole[0]))[: found["own_direction"].shape[1]]
    np.testing.assert_array_equal(found["own_direction"][0][:4], order[:4])
    shared = [len({*top["a"][0]} & {*images}) for name in "ab" for images in top[name]]
    assert found["sharing_value"][0][0] == max(shared[1:])


def test_loadings_are_the_same_both_ways():
    """A unit's weight in a direction is found from either, among methods of any length."""
    a, b = directions(5), directions(8)
    a.vectors[:] *= 100
    found = loadings({"a": a, "neurons": Directions(np.eye(6), np.zeros((50, 6))), "b": b})
    weights = {
        (method, direction, unit): value
        for method, one in ((0, a), (2, b))
        for direction, vector in enumerate(
            one.vectors / np.linalg.norm(one.vectors, axis=1)[:, None]
        )
        for unit, value in enumerate(vector)
    }
    assert found["a"]["units"].shape == (5, 6)  # there are no more
    for place, method in ((0, "a"), (2, "b")):
        for direction, (units, values) in enumerate(
            zip(found[method]["units"], found[method]["weights"], strict=True)
        ):
            assert list(np.abs(values)) == sorted(np.abs(values), reverse=True)
            for unit, value in zip(units, values, strict=True):
                np.testing.assert_allclose(value, weights[place, direction, unit], rtol=1e-6)
    for unit in range(6):
        own = [abs(value) for (*_, other), value in weights.items() if other == unit]
        loads = [
            found["neurons"][f"loads_{part}"][unit] for part in ("method", "direction", "value")
        ]
        np.testing.assert_allclose(np.abs(loads[2]), sorted(own, reverse=True)[:8], rtol=1e-6)
        for method, direction, value in zip(*loads, strict=True):
            np.testing.assert_allclose(value, weights[method, direction, unit], rtol=1e-6)


def test_a_pair_s_images_are_those_of_its_sum():
    responses = directions(4).responses
    rows = [("color", 0, 2), ("color", 2, 0), ("color", 3, 1)]
    table = pd.DataFrame(rows, columns=["metric", "direction", "best_partner"]).assign(layer="a")
    found = examples_of({"synergy_units": table}, "a", "neurons", responses, 3)["partners"]["color"]
    assert found["units"].tolist() == [2, -1, 0, 1]
    scores = (responses - responses.mean(axis=0)) / responses.std(axis=0)
    strongest = np.argsort(-(scores[:, 3] + scores[:, 1]))[:3]
    np.testing.assert_array_equal(found["images"][3], strongest)


def test_parts_of_a_metric_add_up_to_it():
    rows = [("net", "all", 1, 0.5), ("net", "conv1", 1, 0.2), ("net", "conv2", 1, 0.3)]
    rows += [("net", "conv1", 0, np.nan), ("net", "conv2", 0, np.nan), ("color", "all", 1, 0.1)]
    scores = pd.DataFrame(rows, columns=["metric", "part", "direction", "ii"])
    told = part_columns(scores, 2)
    assert told.keys() == {"net"} and told["net"]["names"] == ["conv1", "conv2"]
    np.testing.assert_array_equal(told["net"]["ii"], [[np.nan, np.nan], [0.2, 0.3]])


LAYERS = {
    "maps": ({"axes": "NCHW", "shape": (4, 14, 14), "prefix": None}, "spatial_mean", (7, 7)),
    "small maps": ({"axes": "NHWC", "shape": (5, 3, 4), "prefix": None}, "spatial_max", (5, 3)),
    "tokens": ({"axes": "NTC", "shape": (10, 4), "prefix": 1}, "token_mean", (3, 3)),
    "no square": ({"axes": "NTC", "shape": (9, 4), "prefix": 1}, "token_mean", None),
    "one place": ({"axes": "NCHW", "shape": (4, 1, 1), "prefix": None}, "spatial_mean", None),
    "numbers": ({"axes": "NC", "shape": (4,), "prefix": None}, "spatial_mean", None),
    "units at places": ({"axes": "NCHW", "shape": (4, 14, 14), "prefix": None}, "none", None),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_maps_average_to_the_response(layer):
    """Where averaging places is the reduction, the mean of a map is the projection."""
    told, reduction, grid = LAYERS[layer]
    assert grid_of(told, reduction) == grid
    if grid is None:
        return
    output = torch.randn(2, *told["shape"])
    places = Places(told, grid).reduce(output).numpy()
    assert places.shape == (2, 4, *grid)
    if layer == "tokens":
        means = output[:, 1:].mean(dim=1)
    else:
        means = output.mean(dim=(2, 3) if told["axes"] == "NCHW" else (1, 2))
    vectors = RNG.standard_normal((3, 4)).astype(np.float32)
    shown = Shown(vectors, np.array([[8, 5], [5, 8], [5, 5]]), grid)
    for image, own in ((5, places[0]), (8, places[1])):
        shown.add(image, own)
    if layer != "small maps":
        np.testing.assert_allclose(
            shown.maps[:, 0].mean(axis=(1, 2)),
            np.einsum("kc,kc->k", vectors, means.numpy()[[1, 0, 0]]),
            atol=1e-5,
        )


def test_four_bits_keep_each_place_to_a_fifteenth():
    maps = RNG.standard_normal((3, 9, 7, 7)).astype(np.float32)
    told = four_bits(maps)
    levels = np.stack([told["levels"] >> 4, told["levels"] & 15], axis=2).reshape(3, -1)[:, :441]
    width = (told["high"] - told["low"])[:, None]
    back = told["low"][:, None] + levels / 15 * width
    assert (np.abs(back - maps.reshape(3, -1)) <= width / 30 + 1e-6).all()


def test_scores_and_measures_are_found_by_direction():
    rows = {"method": "neurons", "layer": "a", "part": "all", "low": 0.0, "high": 1.0, "sign": 1}
    scores = pd.DataFrame(
        [
            rows | {"metric": "color", "direction": 2, "state": "live", "ii": 0.5},
            rows | {"metric": "color", "direction": 0, "state": "dead", "ii": np.nan},
            rows | {"metric": "color", "direction": 1, "state": "rare", "ii": np.nan},
        ]
    )
    told = index_columns(scores, 3)
    assert told["state"].tolist() == [2, 1, 0]
    np.testing.assert_array_equal(told["scores"]["color"]["ii"], [np.nan, np.nan, 0.5])
    table = pd.DataFrame({"layer": ["a"], "stage": ["post"], "direction": [1], "coactivation": 0.3})
    found = other_measures({"coactivation": table}, "a", "neurons", 3)
    np.testing.assert_array_equal(found["co-activation (post ReLU)"], [np.nan, 0.3, np.nan])
    assert other_measures({"coactivation": table}, "a", "pca", 3) == {}
    further = table.assign(method="pca", metric="m", value=0.7)
    further = pd.concat([further.assign(score="mis"), further.assign(score="clarity", value=0.2)])
    found = other_measures({"further": further}, "a", "pca", 2)
    assert {name: values.tolist()[1] for name, values in found.items()} == {
        "MIS (m)": 0.7,
        "clarity (m)": 0.2,
    }
