"""Random halves of a stimulus set, and what is strongest inside each."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from codespectra.errors import UserError
from codespectra.half_samples import half_samples, strongest_in_halves


@pytest.mark.parametrize("count", [10, 11])
def test_each_half_holds_half_of_the_stimuli(count):
    halves = half_samples(count, 40, seed=0)
    assert halves.shape == (40, count)
    assert set(halves.sum(axis=1)) <= {count // 2, count - count // 2}


def test_no_stimulus_is_favoured():
    """Of 2,000 halves each stimulus is in 1,000, give or take 4 standard deviations of 22."""
    held = half_samples(30, 2000, seed=3).sum(axis=0)
    assert (np.abs(held - 1000) < 4 * 22.4).all()


def test_halves_depend_on_the_seed_alone():
    np.testing.assert_array_equal(half_samples(50, 9, seed=1), half_samples(50, 9, seed=1))
    assert (half_samples(50, 9, seed=1) != half_samples(50, 9, seed=2)).any(axis=1).all()


def naive(responses: np.ndarray, half: np.ndarray, m: int) -> np.ndarray:
    """Per direction the m strongest of the half, by a stable sort."""
    held = np.flatnonzero(half)
    order = np.argsort(-responses[held], axis=0, kind="stable")[:m]
    return held[order].T


@given(st.data())
def test_strongest_in_halves_are_those_of_a_loop(data):
    """Few levels, so that most responses are tied."""
    count, directions = data.draw(st.integers(4, 60)), data.draw(st.integers(1, 4))
    levels = st.integers(-2, 2)
    responses = data.draw(arrays.arrays(np.float32, (count, directions), elements=levels))
    halves = half_samples(count, 5, seed=data.draw(st.integers(0, 1000)))
    m = data.draw(st.integers(1, min(4, count // 2)))
    lists, places = strongest_in_halves(responses, halves, m)
    whole = np.argsort(-responses, axis=0, kind="stable").T
    np.testing.assert_array_equal(lists, whole[:, : lists.shape[1]])
    assert places.max() == lists.shape[1] - 1
    for half, own in zip(halves, places, strict=True):
        found = np.take_along_axis(lists, own, axis=1)
        np.testing.assert_array_equal(found, naive(responses, half, m))


def test_a_half_without_any_of_the_strongest():
    """The strongest 80 of 100 are all left out: the lists grow until they hold enough."""
    responses = np.arange(100, dtype=np.float32)[::-1, None]
    halves = np.arange(100)[None] >= 80
    lists, places = strongest_in_halves(responses, halves, 3)
    np.testing.assert_array_equal(lists[0, places[0, 0]], [80, 81, 82])


def test_fewer_stimuli_in_a_half_than_asked_for_are_refused():
    responses, halves = np.ones((9, 2), dtype=np.float32), half_samples(9, 3, seed=0)
    assert strongest_in_halves(responses, halves, 4)[1].shape == (3, 2, 4)
    message = r"interpretability\.m: 5 is more than the 4 stimuli of a half.* at least 10"
    with pytest.raises(UserError, match=message):
        strongest_in_halves(responses, halves, 5)
