"""Units split at the median index, and K-Means in each half's own activations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from codespectra.directions import finders
from codespectra.directions.halves import half_directions, split_at_median
from codespectra.errors import UserError

KMEANS = {"starts": 1, "readout": "cosine", "seed": 0}


def test_split_by_hand():
    ii = np.array([-1.0, np.nan, -5.0, -1.0, -1.0, -0.5])
    found = split_at_median(ii, "layer1")
    np.testing.assert_array_equal(found["lower"], [0, 2])  # of three equal units the first
    np.testing.assert_array_equal(found["upper"], [3, 4, 5])


@given(
    arrays.arrays(
        np.float64, st.integers(2, 40), elements=st.sampled_from([np.nan, -2.0, -1.5, -1.0, 0.0])
    )
)
def test_halves_part_the_units_with_an_index(ii):
    known = np.flatnonzero(np.isfinite(ii))
    if len(known) < 2:
        with pytest.raises(UserError, match=rf"layer layer1: {len(known)} of {len(ii)} neurons"):
            split_at_median(ii, "layer1")
        return
    found = split_at_median(ii, "layer1")
    lower, upper = found["lower"], found["upper"]
    assert len(upper) - len(lower) == len(known) % 2
    np.testing.assert_array_equal(np.sort(np.concatenate([lower, upper])), known)
    assert ii[lower].max() <= np.median(ii[known]) <= ii[upper].max()
    assert ii[lower].max() <= ii[upper].min()


def test_a_half_is_a_space_of_its_own():
    """What the other units do changes nothing."""
    rng, units = np.random.default_rng(0), np.array([1, 4, 5])
    activations = rng.random((30, 6)).astype(np.float32)
    found = half_directions(activations, units, **KMEANS)
    np.testing.assert_array_equal(found["neurons"].responses, activations[:, units])
    assert found["kmeans"].vectors.shape == (3, 3)
    other = activations.copy()
    other[:, [0, 2, 3]] = rng.random((30, 3))
    again = half_directions(other, units, **KMEANS)
    np.testing.assert_array_equal(again["kmeans"].responses, found["kmeans"].responses)
    whole = finders.kmeans(activations[:, units], k=3, **KMEANS)
    np.testing.assert_array_equal(found["kmeans"].vectors, whole.vectors)


def test_a_half_that_too_few_stimuli_excite_is_refused():
    activations = np.ones((10, 4), dtype=np.float32)
    activations[1:, 2:] = 0
    with pytest.raises(UserError, match=r"^k = 2 .* of 10 rows"):
        half_directions(activations, np.array([2, 3]), **KMEANS)
