"""Token trajectories against closed forms, and the tables of the rule."""

import ast

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from script_job import run_script
from token_texts import write_text_capture

from codespectra.data.tokens import Tokens
from codespectra.errors import UserError
from codespectra.spectra import projections
from codespectra.spectra.token_trajectories import (
    action_columns,
    chosen_film,
    film_measures,
    films,
    project_passage,
)

WIDTH = 5


def circle(count: int, radius: float) -> np.ndarray:
    """Once round a circle in two of `WIDTH` dimensions, off the origin."""
    angle = 2 * np.pi * np.arange(count) / count
    film = np.ones((count, WIDTH), dtype=np.float32)
    film[:, 1], film[:, 3] = 4 + radius * np.cos(angle), radius * np.sin(angle)
    return film


def squared_chords(count: int, radius: float) -> float:
    return (count - 1) * (2 * radius * np.sin(np.pi / count)) ** 2


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20))
def test_films_are_the_rows_of_each_sequence(lengths):
    lengths.append(1)  # a sequence without a token shows before others only
    sequence = np.repeat(np.arange(len(lengths)), lengths)
    found = films(sequence)
    assert [film.stop - film.start for film in found] == lengths
    assert [set(sequence[film]) for film in found if film.stop > film.start] == [
        {number} for number, length in enumerate(lengths) if length
    ]


def test_the_measures_of_circles_in_closed_form():
    lengths, radii = [8, 1, 8, 5], [1.0, 9.0, 2.0, 3.0]
    rows = np.concatenate([circle(*both) for both in zip(lengths, radii, strict=True)])
    measures = film_measures(rows, films(np.repeat(np.arange(4), lengths)))
    kept = [0, 2, 3]  # one token makes no trajectory
    steps = np.array([squared_chords(lengths[i], radii[i]) for i in kept])
    variance = np.array([radii[i] ** 2 * lengths[i] / (lengths[i] - 1) for i in kept])
    wanted = [1.5 / WIDTH * steps, 1.5 / WIDTH * steps / variance, steps / 2 / variance]
    np.testing.assert_allclose(measures, np.transpose(wanted), rtol=1e-5)
    row = action_columns(measures)
    assert row["sequences"] == 3
    assert row["action"] == pytest.approx(wanted[0].mean(), rel=1e-5)
    student = stats.ttest_1samp(wanted[0], 0).confidence_interval(0.95)
    assert (row["action_low"], row["action_high"]) == pytest.approx(student, rel=1e-5)
    assert row["roughness_low"] < row["roughness"] < row["roughness_high"]


def test_a_film_that_stands_still_has_no_relative_action_and_spoils_no_mean():
    rows = np.concatenate([np.ones((4, WIDTH), np.float32), circle(4, 1.0), circle(4, 1.0)])
    row = action_columns(film_measures(rows, films(np.repeat(np.arange(3), 4))))
    assert row["roughness"] == pytest.approx(squared_chords(4, 1.0) / 2 / (4 / 3), rel=1e-5)
    assert row["action"] == pytest.approx(1.5 / WIDTH * squared_chords(4, 1.0) * 2 / 3, rel=1e-5)


def test_the_passage_has_the_least_action_of_all_draws_first():
    activations = np.random.default_rng(0).standard_normal((20, 50)).astype(np.float32)
    drawn = project_passage(activations, draws=200, keep=3, seed=4)
    root = projections.trajectory_root(activations)
    every = projections.draw_trajectories(root, draws=200, seed=4)
    action = projections.action(every)
    assert drawn.trajectories.shape == (4, 20, 3)
    np.testing.assert_array_equal(drawn.trajectories[1:], every[:3])
    assert projections.action(drawn.trajectories[0]) == drawn.least == action.min()
    assert abs(action.mean() - drawn.expected) < 4 * action.std() / np.sqrt(200)
    assert drawn.least < 0.8 * drawn.expected


def test_a_passage_that_is_not_there_or_too_short_is_refused():
    sequences = films(np.repeat([0, 1], [3, 1]))
    assert chosen_film(sequences, 0) == slice(0, 3)
    with pytest.raises(UserError, match=r"language\.passage: 2, but the 2 .* up to 1 "):
        chosen_film(sequences, 2)
    with pytest.raises(UserError, match=r"language\.passage: sequence 1 has 1 tokens"):
        chosen_film(sequences, 1)


WORDS = ["\n", " the", "NA", "'", '"a, b"', "\t\\", "naïve", "\ud800", ""]


@pytest.fixture
def projected(tmp_path):
    """Tables of two layers on three sequences, the second of which is the passage."""
    rng = np.random.default_rng(0)
    rows = {"h.0": rng.standard_normal((27, 6)), "h.1": rng.standard_normal((27, 40))}
    layers = {layer: activations.astype(np.float32) for layer, activations in rows.items()}
    codes, sequence = np.tile(np.arange(9), 3), np.repeat([0, 1, 2], 9)
    tokens, parts = Tokens(codes, sequence, codes, WORDS), {"residual": [*rows]}
    captured = write_text_capture(tmp_path, layers, tokens, parts, model="m", length=9, sequences=3)
    outputs = {
        "action": tmp_path / "action.csv",
        "passage": tmp_path / "passage.csv",
        "trajectories": tmp_path / "trajectories.npy",
    }
    cfg = {"draws": 50, "keep": 4, "seed": 0, "passage": 1, "parts": parts}
    run_script("project_text", captured, outputs, cfg)
    return rows, outputs


def test_the_rules_tables_agree_with_the_activations(projected):
    rows, outputs = projected
    action, passage = (pd.read_csv(outputs[name]) for name in ("action", "passage"))
    curves = np.load(outputs["trajectories"], allow_pickle=False)
    assert curves.shape == (2, 5, 9, 3)
    for index, (layer, activations) in enumerate(rows.items()):
        steps = [np.sum(np.diff(film, axis=0) ** 2) for film in np.split(activations, 3)]
        wanted = 1.5 / activations.shape[1] * np.array(steps)
        assert action.loc[index, "action"] == pytest.approx(wanted.mean(), rel=1e-5)
        own = passage[passage["layer"] == layer]
        least = own[["x", "y", "z"]].to_numpy()
        np.testing.assert_allclose(least, curves[index, 0], rtol=1e-5)
        assert own["action"].iloc[0] == pytest.approx(projections.action(least), rel=1e-5)
        assert own["expected_action"].iloc[0] == pytest.approx(wanted[1], rel=1e-5)
        assert (own["action"].iloc[0] <= projections.action(curves[index]) * (1 + 1e-6)).all()
    assert set(action["sequences"]) == {3} and set(action["length"]) == {9}


def test_tokens_of_any_kind_come_back_from_the_table(projected):
    passage = pd.read_csv(projected[1]["passage"])
    assert [ast.literal_eval(token) for token in passage["token"]] == 2 * WORDS
    assert list(passage["position"]) == 2 * list(range(9))
    assert not passage["token"].str.contains("\n").any()
