"""Rows of other people's files: matched to stimuli, reduced and written as by a capture."""

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codespectra.capture.recorded import without_nan, write_recorded
from codespectra.capture.recorded_rows import FileRows, MatchedRows, ShownStimuli, match_rows
from codespectra.errors import UserError
from codespectra.models.hooks import Wanted
from codespectra.models.recorded_layers import recorded_layers
from codespectra.sources.source import Source

# Which row is which stimulus -----------------------------------------------------------------


@given(st.integers(1, 30), st.integers(1, 4), st.randoms(use_true_random=False))
def test_rows_find_their_stimuli_in_any_order(count: int, repeats: int, random: Any) -> None:
    presentations = [(n, r) for n in range(count) for r in range(repeats)]
    random.shuffle(presentations)
    file = FileRows(
        len(presentations), [f"s{n}" for n, _ in presentations], [r for _, r in presentations]
    )
    names = [f"s{n}" for n in range(count)]
    random.shuffle(names)
    found = match_rows(file, "by_id", ShownStimuli("set", count, names))
    assert found.rows.shape == (repeats, count)
    for repeat, rows in enumerate(found.rows):
        assert [presentations[row] for row in rows] == [(int(n[1:]), repeat) for n in names]
    table = ShownStimuli("set", count, None, presentations)
    in_order = match_rows(FileRows(len(presentations)), "in_order", table).rows
    assert all(
        presentations[in_order[r, n]] == (n, r) for n in range(count) for r in range(repeats)
    )


def test_without_a_set_stimuli_come_as_the_file_first_has_them() -> None:
    found = match_rows(FileRows(4, ["b", "a", "a", "b"], [1, 1, 0, 0]), "by_id", None)
    assert found.rows.tolist() == [[3, 2], [0, 1]]
    assert match_rows(FileRows(3), "in_order", None).rows.tolist() == [[0, 1, 2]]


def test_what_is_passed_over_is_said() -> None:
    found = match_rows(FileRows(3, ["x", "a", "b"]), "by_id", ShownStimuli("set", 2, ["b", "a"]))
    assert found.rows.tolist() == [[2, 1]]
    assert found.remarks == ["1 rows of stimuli that aren't in the set are passed over"]
    in_order = match_rows(FileRows(2, ["a", "b"]), "in_order", None)
    assert in_order.remarks[1] == "its own ids of stimuli are passed over"


@pytest.mark.parametrize(
    ("file", "how", "shown", "words"),
    [
        (FileRows(3), "by_id", None, "rows: by_id, but the file doesn't say whose stimulus_id"),
        (FileRows(3, columns=5), "in_order", ("set", 4), "has 3 rows and set 4 stimuli; match"),
        (FileRows(3, columns=4), "in_order", ("set", 4), "then set transposed: true"),
        (
            FileRows(3),
            "in_order",
            ("set", 2, None, [(0, 0), (1, 0), (0, 1), (1, 1)]),
            "the file has 3 rows and set 4 presentations",
        ),
        (FileRows(2, ["a", "b"]), "by_id", ("set", 2), "stimuli: set has no ids; list its images"),
        (
            FileRows(2, ["a", "b"]),
            "by_id",
            ("set", 3, ["a", "c", "d"]),
            "2 of 3 stimuli have no row, first c; add them",
        ),
        (
            FileRows(2, ["0", "1"]),
            "by_id",
            ("set", 2, ["a", "b"]),
            "first a; the ids of the two seem to be of different kinds",
        ),
        (
            FileRows(4, ["a", "b", "a", "a"]),
            "by_id",
            None,
            r"stimulus_id a stands twice with one repeat, or without \(2 of 4 rows are too many\)",
        ),
        (
            FileRows(3, ["a", "b", "a"], [0, 0, 1]),
            "by_id",
            None,
            "b was shown 1 times, a 2; repeats must be equal in number",
        ),
    ],
)
def test_rows_without_a_place_are_refused(
    file: FileRows, how: str, shown: tuple | None, words: str
) -> None:
    with pytest.raises(UserError, match=words):
        match_rows(file, how, shown and ShownStimuli(*shown))


# What is written -----------------------------------------------------------------------------


def source(**layers: np.ndarray) -> Source:
    return Source("npz", layers, None, None, [])


def write(
    path: Path, found: Source, matched: MatchedRows, *, axes=None, reduction="none", **options
):
    shapes = {name: rows.shape for name, rows in found.layers.items()}
    wanted = [Wanted(layer, reduction) for layer in recorded_layers(shapes, axes, 1)]
    given = {"noisy": False, "dtype": "float32", "attributes": {}, "follows_from": []}
    write_recorded(path, found, wanted, matched, **given | options)
    with h5py.File(path) as file:
        return {item.layer["name"]: file[item.key][:] for item in wanted}


@pytest.mark.parametrize("kind", ["float32", "float64", "float16", "int8", "bool", ">f4"])
def test_rows_are_written_in_the_order_of_the_stimuli(kind: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    numbers = (3 * random.standard_normal((2500, 11))).astype(kind)
    order = random.permutation(2500)[:2000]
    found = write(tmp_path / "a.h5", source(a=numbers), MatchedRows(order[None], []))
    np.testing.assert_array_equal(found["a"], numbers[order].astype(np.float32))


def test_repeats_are_averaged_and_halved_for_cross_validation(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    numbers = random.standard_normal((70, 3)).astype(np.float32)
    rows = random.permutation(70)[:50].reshape(5, 10)
    repeats = numbers[rows].astype(np.float64)
    mean = write(tmp_path / "a.h5", source(a=numbers), MatchedRows(rows, []))["a"]
    np.testing.assert_array_equal(mean, repeats.mean(axis=0).astype(np.float32))
    halves = write(tmp_path / "b.h5", source(a=numbers), MatchedRows(rows, []), noisy=True)["a"]
    expected = np.concatenate([repeats[[0, 2]].mean(axis=0), repeats[[1, 3]].mean(axis=0)])
    np.testing.assert_array_equal(halves, expected.astype(np.float32))


@pytest.mark.parametrize(
    ("shape", "axes", "reduction", "expected"),
    [
        ((6, 2, 3, 4), "channels_first", "spatial_mean", lambda x: x.mean((2, 3))),
        ((6, 3, 4, 2), "channels_last", "spatial_max", lambda x: x.max((1, 2))),
        ((6, 3, 4, 2), "channels_last", "none", lambda x: x.reshape(6, -1)),
        ((6, 5, 2), "tokens", "cls", lambda x: x[:, 0]),
        ((6, 5, 2), "tokens", "token_mean", lambda x: x[:, 1:].mean(1)),
        ((6, 5, 2), "tokens", "tokens", lambda x: x[:, 1:].reshape(6, -1)),
        ((6, 5), "tokens", "none", lambda x: x),
    ],
)
def test_more_axes_are_reduced_as_a_network_s(shape, axes, reduction, expected, tmp_path) -> None:
    numbers = np.random.default_rng(2).standard_normal(shape).astype(np.float32)
    matched = match_rows(FileRows(6), "in_order", None)
    found = write(tmp_path / "a.h5", source(a=numbers), matched, axes=axes, reduction=reduction)
    np.testing.assert_allclose(found["a"], expected(numbers), rtol=1e-6, atol=1e-7)


def test_axes_that_nobody_says_are_refused() -> None:
    with pytest.raises(UserError, match=r"axes: null, and a has shape \(6, 5, 2\); set tokens"):
        recorded_layers({"a": (6, 5, 2)}, None, 0)
    with pytest.raises(UserError, match=r"axes: tokens, .*set channels_first or channels_last"):
        recorded_layers({"a": (6, 5, 2, 3)}, "tokens", 0)
    with pytest.raises(UserError, match="give one of 2 to 4 axes"):
        recorded_layers({"a": (6, 5, 2, 3, 4)}, "tokens", 0)


# NaN -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_rows_without_finite_numbers_are_counted_or_left_out(bad: float) -> None:
    a, b = np.ones((9, 2)), np.ones((9, 3))
    a[4, 1] = b[7, 0] = a[8, 0] = bad
    rows = np.array([[0, 1, 4, 5], [2, 3, 6, 7]])
    found, matched = source(a=a, b=b), MatchedRows(rows, ["said"])
    words = "3 of 9 rows hold NaN or infinite numbers, first row 5"
    with pytest.raises(
        UserError, match=re.escape(f"{words}; mend the file, or say drop_nan: true")
    ):
        without_nan(found, ["a", "b"], matched, drop=False)
    kept = without_nan(found, ["a", "b"], matched, drop=True)
    assert kept.rows.tolist() == [[0, 1], [2, 3]]
    assert kept.remarks == ["said", f"{words}: 2 of 4 stimuli are left out"]
    with pytest.raises(UserError, match="nothing is left without them"):
        without_nan(found, ["a", "b"], MatchedRows(np.array([[4, 7]]), []), drop=True)
    assert without_nan(found, ["a"], MatchedRows(np.array([[0, 7]]), []), drop=False)
