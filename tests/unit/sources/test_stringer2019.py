"""Recordings of Stringer et al.: files of the true layout, against the same steps in NumPy."""

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from codespectra.errors import UserError
from codespectra.sources.formats.stringer2019 import prepare, read_recording
from codespectra.sources.open_source import open_source

OFF: dict[str, Any] = {
    "drop_red_cells": False,
    "drop_blanks": False,
    "nan_to_zero": False,
    "zscore_by_spontaneous": False,
    "spontaneous_components": 0,
}
ON = dict.fromkeys(OFF, True) | {"spontaneous_components": 4}
IMAGES, NEURONS = 12, 30


def content(seed: int = 0, **changed: Any) -> dict[str, Any]:
    """What is in a file: two presentations of each image, in no order, and three blanks."""
    rng = np.random.default_rng(seed)
    shown = np.concatenate([np.arange(1, IMAGES + 1)] * 2 + [[IMAGES + 1] * 3])
    images = rng.permutation(shown)[:, None].astype(float)
    red = rng.random(NEURONS) < 0.2
    stat = np.array([(cell,) for cell in red], dtype=[("redcell", object)])
    stim = {
        "resp": rng.gamma(2, 3, (len(images), NEURONS)),
        "istim": images,
        "spont": rng.gamma(1, 2, (50, NEURONS)) @ rng.standard_normal((NEURONS, NEURONS)),
    }
    stim["resp"][3, 5] = np.nan
    return {"stim": stim | changed, "stat": stat, "med": rng.random((NEURONS, 3))}


def write(path: Path, **changed: Any) -> Path:
    savemat(path / "natimg2800_M170714_MP032_2017-09-14.mat", content(**changed))
    return path / "natimg2800_M170714_MP032_2017-09-14.mat"


def in_numpy(found: dict[str, Any], steps: dict[str, Any]) -> np.ndarray:
    """The published steps, with a full singular value decomposition."""
    stim = found["stim"]
    responses, spontaneous, images = stim["resp"], stim["spont"], stim["istim"][:, 0]
    if steps["drop_red_cells"]:
        kept = ~found["stat"]["redcell"].astype(bool)
        responses, spontaneous = responses[:, kept], spontaneous[:, kept]
    if steps["drop_blanks"]:
        responses = responses[images < images.max()]
    if steps["nan_to_zero"]:
        responses = np.where(np.isnan(responses), 0, responses)
    if steps["zscore_by_spontaneous"]:
        mean, sd = spontaneous.mean(0), spontaneous.std(0) + 1e-6
        responses, spontaneous = (responses - mean) / sd, (spontaneous - mean) / sd
    if count := steps["spontaneous_components"]:
        axes = np.linalg.svd(spontaneous - spontaneous.mean(0), full_matrices=False)[2][:count].T
        responses = responses - responses @ axes @ axes.T
    return responses


CASES = [ON, *({**ON, step: OFF[step]} for step in OFF if step != "nan_to_zero")]
CASES += [{**OFF, "nan_to_zero": True} | {a: ON[a], b: ON[b]} for a, b in combinations(OFF, 2)]


@pytest.mark.parametrize("steps", CASES, ids=lambda steps: "+".join(s for s in steps if steps[s]))
def test_each_step_is_the_published_one(steps: dict[str, Any], tmp_path: Path) -> None:
    source = prepare(read_recording(write(tmp_path)), **steps, two_repeats=False)
    rows = source.layers["resp"]
    expected = in_numpy(content(), steps)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows[:], expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
    images = content()["stim"]["istim"][:, 0].astype(int)
    images = images[images <= IMAGES] if steps["drop_blanks"] else images
    assert source.ids == [str(image) for image in images]
    # The n-th presentation of an image is its n-th row.
    assert source.repeats == [list(images[: i + 1]).count(image) for i, image in enumerate(images)]
    assert not source.remarks


def test_only_two_repeats_of_an_image_are_kept(tmp_path: Path) -> None:
    images = np.array([2, 1, 3, 2, 5, 1, 1, 4, 5, 4])
    path = write(tmp_path, istim=images[:, None], resp=np.arange(10 * NEURONS).reshape(10, -1))
    source = prepare(read_recording(path), **OFF)
    assert source.ids == ["2", "1", "2", "5", "1", "4", "5", "4"]
    assert source.repeats == [1, 1, 2, 1, 2, 1, 2, 2]
    np.testing.assert_array_equal(
        source.layers["resp"][:][:, 0], [0, 30, 90, 120, 150, 210, 240, 270]
    )
    assert source.remarks == ["2 presentations aren't of an image's two repeats"]


def test_a_recording_opens_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path)
    with open_source(path) as source:
        assert source.format == "stringer2019"
        np.testing.assert_array_equal(source.layers["resp"][2:9], content()["stim"]["resp"][2:9])
        assert source.remarks == ["unprepared; image 13, the largest number, is the blank"]
        assert max(source.repeats or []) == 3


def test_without_spontaneous_activity_responses_are_their_own_reference(tmp_path: Path) -> None:
    source = prepare(read_recording(write(tmp_path, spont=np.zeros((0, 0)))))
    np.testing.assert_allclose(source.layers["resp"][:].mean(axis=0), 0, atol=1e-6)
    assert source.remarks == [
        "no spontaneous activity: responses are z-scored by their own",
        "no spontaneous activity, and so none is projected out",
    ]


@pytest.mark.parametrize(
    ("changed", "steps", "words"),
    [
        ({}, {"nan_to_zero": False}, "1 of 24 rows hold NaN or infinite numbers"),
        ({}, {"spontaneous_components": 200}, "lower spontaneous_components"),
        ({"istim": np.ones((3, 1))}, {}, "not of the layout of natimg2800_*.mat"),
        ({"resp": "text"}, {}, "stim.resp is"),
    ],
)
def test_what_cannot_be_prepared_is_said(
    changed: dict, steps: dict, words: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as error:
        prepare(read_recording(write(tmp_path, **changed)), **steps)
    assert words in str(error.value) and "\n" not in str(error.value)
    assert str(error.value).startswith(str(tmp_path))
