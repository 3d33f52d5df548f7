"""Embeddings from files: rows of images by order or by name, and the distance between them."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from codespectra.capture.recorded_rows import ShownStimuli
from codespectra.errors import UserError
from codespectra.interpretability import given_embeddings
from codespectra.interpretability.embedding_file import write_embeddings
from codespectra.interpretability.given_embeddings import embeddings_of, rows_of_images
from codespectra.sources.recorded_source import open_recorded

NAMES = ["a", "b", "c"]
OPTIONS = {"format": None, "layers": None, "transposed": False, "preparation": None}
NAMED, UNNAMED = ShownStimuli("tiles", 3, NAMES), ShownStimuli("tiles", 3)
ROWS = np.array([[3.0, 4, 0], [0, 2, 0], [0, 0, 1]])


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch):
    monkeypatch.setattr(given_embeddings, "NUMBERS", 6)


def embedded(path: Path, distance: str, rows: np.ndarray) -> dict[str, np.ndarray]:
    with open_recorded(path, OPTIONS) as source:
        write_embeddings(path.with_suffix(".h5"), len(rows), embeddings_of(source, rows, distance))
    with h5py.File(path.with_suffix(".h5")) as file:
        return {part: file[part][:] for part in file.attrs["parts"]}


@pytest.mark.parametrize("distance", ["cosine", "squared_euclidean"])
def test_squared_distances_are_those_of_the_definition(tmp_path, distance):
    """Of more rows than are read at once, in another order than the file's."""
    random = np.random.default_rng(0)
    arrays = {"x": random.standard_normal((9, 3)), "y": random.standard_normal((9, 2))}
    np.savez(tmp_path / "given.npz", **arrays)
    order = random.permutation(9)
    found = embedded(tmp_path / "given.npz", distance, order)
    for name, rows in arrays.items():
        rows, written = rows[order], found[name].astype(float)
        expected = np.square(rows[:, None] - rows).sum(axis=2)
        if distance == "cosine":
            unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
            expected = 1 - unit @ unit.T
        squared = np.square(written[:, None] - written).sum(axis=2)
        np.testing.assert_allclose(squared, expected, rtol=1e-5, atol=1e-6)


def test_a_single_array_is_one_part_whatever_its_file_is_called(tmp_path):
    np.save(tmp_path / "mine.npy", ROWS)
    assert [*embedded(tmp_path / "mine.npy", "cosine", np.arange(3))] == ["embedding"]


MATCHED = {
    "by order": (None, "in_order", UNNAMED, [0, 1, 2], "matched by their order alone"),
    "the same order": (NAMES, "in_order", NAMED, [0, 1, 2], "ids of stimuli are passed over"),
    "by name": (NAMES, "by_id", NAMED, [0, 1, 2], ""),
    "sorted by name": (["c", "a", "b"], "by_id", NAMED, [1, 2, 0], "rows are sorted by their ids"),
}


@pytest.mark.parametrize(("ids", "how", "images", "rows", "said"), MATCHED.values(), ids=MATCHED)
def test_rows_are_matched_and_said(ids, how, images, rows, said):
    found, remarks = rows_of_images({"x": (3, 5)}, ids, None, how, images)
    assert found.tolist() == rows
    assert said in "; ".join(remarks) and bool(remarks) == bool(said)


WRONG = {
    "no matrix": ((3, 5, 2), None, "in_order", UNNAMED, "layers: x has shape (3, 5, 2), expect"),
    "too few": ((2, 5), None, "in_order", UNNAMED, "the file has 2 rows and tiles 3 stimuli"),
    "columns": ((5, 3), None, "in_order", UNNAMED, "then set transposed: true"),
    "another order": (
        (3, 5), ["a", "c", "b"], "in_order", NAMED,
        "row 2 is of c, and image 2 of tiles is b (2 of 3 differ); say by_id",
    ),
    "no ids": ((3, 5), None, "by_id", NAMED, "the file doesn't say whose stimulus_id its rows are"),
    "a set without ids": ((3, 5), NAMES, "by_id", UNNAMED, "tiles has no ids; list its images"),
    "a name missing": ((3, 5), ["a", "b", "d"], "by_id", NAMED, "1 of 3 stimuli have no row"),
    "a name twice": ((4, 5), [*NAMES, "a"], "by_id", NAMED, "stimulus_id a stands twice"),
}  # fmt: skip


@pytest.mark.parametrize(("shape", "ids", "how", "images", "words"), WRONG.values(), ids=WRONG)
def test_rows_that_are_not_the_images_are_refused(shape, ids, how, images, words):
    with pytest.raises(UserError) as caught:
        rows_of_images({"x": shape}, ids, None, how, images)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_repeats_are_refused():
    with pytest.raises(UserError, match="rows: 2 rows an image of tiles, expected one; average"):
        rows_of_images({"x": (6, 5)}, NAMES * 2, [0] * 3 + [1] * 3, "by_id", NAMED)


@pytest.mark.parametrize(
    ("value", "distance", "words"),
    [
        (np.nan, "squared_euclidean", "row 2 holds NaN or infinite numbers"),
        (1e300, "cosine", "row 2 holds NaN or infinite numbers, expected finite ones in single"),
        (0, "cosine", "row 2 holds zeros alone, expected a direction, for cosine; mend the file"),
    ],
)
def test_rows_without_a_distance_are_refused(tmp_path, value, distance, words):
    np.save(tmp_path / "given.npy", np.where([[False], [True], [False]], value, ROWS))
    with pytest.raises(UserError, match=words):
        embedded(tmp_path / "given.npy", distance, np.array([2, 0, 1]))
