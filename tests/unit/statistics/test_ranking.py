import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from codespectra.statistics.ranking import strongest, top_stimuli

# Few distinct values, so that most rows have ties inside and across groups.
TIED = st.sampled_from([-np.inf, -1.0, -0.0, 0.0, 1.0, 2.0, np.inf])
SHAPES = st.tuples(st.integers(0, 3), st.integers(1, 200))


def by_stable_sort(values: np.ndarray, count: int) -> np.ndarray:
    return np.argsort(-values, axis=1, kind="stable")[:, :count]


@st.composite
def rows(draw, dtype, elements):
    values = draw(arrays.arrays(dtype, draw(SHAPES), elements=elements, fill=st.nothing()))
    return values, draw(st.integers(1, values.shape[1]))


ANY = st.floats(width=32, allow_nan=False)


@given(rows(np.float32, TIED) | rows(np.float64, TIED) | rows(np.float32, ANY))
def test_floats_and_ties_are_ordered_as_by_a_stable_sort(case):
    values, count = case
    np.testing.assert_array_equal(strongest(values, count), by_stable_sort(values, count))


@pytest.mark.parametrize("width", [1, 49_999, 50_000])
@pytest.mark.parametrize("levels", [1, 2, 50, 1 << 22])
def test_wide_rows_with_few_or_many_distinct_values(width, levels):
    rng = np.random.default_rng(levels)
    values = rng.integers(levels, size=(3, width)).astype(np.float32)
    for count in (1, 5, 40, 30_000):
        if count <= width:
            found = strongest(values, count)
            assert found.dtype == np.int64
            np.testing.assert_array_equal(found, by_stable_sort(values, count))


def test_rows_need_not_be_contiguous():
    values = np.random.default_rng(0).integers(9, size=(300, 4)).astype(np.float32)
    np.testing.assert_array_equal(strongest(values.T, 7), by_stable_sort(values.T, 7))
    np.testing.assert_array_equal(strongest(values[::-1].T, 7), by_stable_sort(values[::-1].T, 7))


@pytest.mark.parametrize("place", [0, 50, 99])
def test_nan_is_refused_wherever_it_is(place):
    values = np.zeros((2, 100), dtype=np.float32)
    values[1, place] = np.nan
    with pytest.raises(ValueError, match="nan"):
        strongest(values, 5)


@pytest.mark.parametrize("count", [0, -1, 8])
def test_a_count_that_a_row_cannot_hold_is_refused(count):
    with pytest.raises(ValueError, match=r"must be in 1\.\.7"):
        strongest(np.zeros((2, 7)), count)


@pytest.mark.parametrize("directions", [0, 1, 64, 65, 200])
def test_top_stimuli_of_any_number_of_directions(directions):
    responses = np.random.default_rng(0).integers(20, size=(90, directions)).astype(np.float32)
    np.testing.assert_array_equal(top_stimuli(responses, 6), by_stable_sort(responses.T, 6))
