"""Random two thirds of a stimulus set, and what is strongest inside each."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from codespectra.errors import UserError
from codespectra.statistics.ranking import strongest_inside
from codespectra.statistics.subsamples import (
    group_subsamples,
    image_deviations,
    random_groups,
    subsamples,
)


@pytest.mark.parametrize(("count", "held"), [(12, 8), (11, 8), (10, 7)])
def test_each_leaves_a_third_of_the_stimuli_out(count, held):
    found = subsamples(count, 40, seed=0)
    assert found.shape == (40, count)
    assert set(found.sum(axis=1)) == {held}


def test_no_stimulus_is_favoured():
    """Of 1,800 each stimulus is in 1,200, give or take 4 standard deviations of 20."""
    held = subsamples(30, 1800, seed=3).sum(axis=0)
    assert (np.abs(held - 1200) < 4 * 20).all()


def test_subsamples_depend_on_the_seed_alone():
    np.testing.assert_array_equal(subsamples(50, 9, seed=1), subsamples(50, 9, seed=1))
    assert (subsamples(50, 9, seed=1) != subsamples(50, 9, seed=2)).any(axis=1).all()


@pytest.mark.parametrize("count", [7, 30, 95])
def test_random_groups_are_of_equal_size_and_drawn_by_the_seed(count):
    groups = random_groups(count, 30, 0)
    sizes = np.bincount(groups)
    assert len(sizes) == min(count, 30) and np.ptp(sizes) <= 1
    np.testing.assert_array_equal(groups, random_groups(count, 30, 0))
    assert (groups != random_groups(count, 30, 1)).any()


def test_groups_are_drawn_whole():
    groups = np.array([5, 5, 2, 9, 9, 9, 2, 7, 1, 1])
    held = group_subsamples(groups, 50, seed=0)
    for group in np.unique(groups):
        own = held[:, groups == group]
        np.testing.assert_array_equal(own.any(axis=1), own.all(axis=1))
    first_of_each = np.unique(groups, return_index=True)[1]
    np.testing.assert_array_equal(held[:, first_of_each], subsamples(5, 50, seed=0))
    np.testing.assert_array_equal(group_subsamples(np.arange(50), 9, 1), subsamples(50, 9, 1))


def test_deviations_are_as_large_as_those_of_a_mean_over_fresh_groups():
    """Of means of ten groups of equal size: the variance between them over ten, in closed form."""
    values = np.random.default_rng(0).standard_normal(10)
    held = group_subsamples(np.repeat(np.arange(10), 3), 20_000, seed=0)
    draws = held @ np.repeat(values, 3) / held.sum(axis=1)
    told = np.mean(image_deviations(draws, 10) ** 2)
    assert told == pytest.approx(values.var(ddof=1) / 10, rel=0.03)


def naive(responses: np.ndarray, inside: np.ndarray, m: int) -> np.ndarray:
    """Per direction the m strongest of those inside, by a stable sort."""
    held = np.flatnonzero(inside)
    order = np.argsort(-responses[held], axis=0, kind="stable")[:m]
    return held[order].T


@given(st.data())
def test_the_strongest_are_those_of_a_loop(data):
    """Few levels, so that most responses are tied."""
    count, directions = data.draw(st.integers(4, 60)), data.draw(st.integers(1, 4))
    levels = st.integers(-2, 2)
    responses = data.draw(arrays.arrays(np.float32, (count, directions), elements=levels))
    held = subsamples(count, 5, seed=data.draw(st.integers(0, 1000)))
    m = data.draw(st.integers(1, min(4, count - count // 3)))
    lists, places = strongest_inside(responses, held, m)
    whole = np.argsort(-responses, axis=0, kind="stable").T
    np.testing.assert_array_equal(lists, whole[:, : lists.shape[1]])
    assert places.max() == lists.shape[1] - 1
    for inside, own in zip(held, places, strict=True):
        found = np.take_along_axis(lists, own, axis=1)
        np.testing.assert_array_equal(found, naive(responses, inside, m))


def test_a_subsample_without_any_of_the_strongest():
    """The strongest 80 of 100 are all left out: the lists grow until they hold enough."""
    responses = np.arange(100, dtype=np.float32)[::-1, None]
    held = np.arange(100)[None] >= 80
    lists, places = strongest_inside(responses, held, 3)
    np.testing.assert_array_equal(lists[0, places[0, 0]], [80, 81, 82])


def test_fewer_stimuli_inside_than_asked_for_are_refused():
    responses, held = np.ones((9, 2), dtype=np.float32), subsamples(9, 3, seed=0)
    assert strongest_inside(responses, held, 6)[1].shape == (3, 2, 6)
    message = r"^m: 7 is more than the 6 stimuli of a subsample.* at least 10"
    with pytest.raises(UserError, match=message):
        strongest_inside(responses, held, 7)
