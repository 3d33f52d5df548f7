"""Places of directions, on codes whose components are planted."""

import numpy as np
import pytest

from codespectra.directions.directions import Directions
from codespectra.directions.places import LEADING, on_a_map, places, variances_along

RNG = np.random.default_rng(0)
N, D = 600, 230


@pytest.fixture(scope="module")
def code() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows (N, D) with exact components (D, D), a vector a row, of variances 1 / rank."""
    scores = RNG.standard_normal((N, D))
    scores = np.linalg.qr(scores - scores.mean(axis=0))[0] * np.sqrt(N - 1)
    vectors = np.linalg.qr(RNG.standard_normal((D, D)))[0]
    variances = 1 / np.arange(1, D + 1)
    rows = (scores * np.sqrt(variances)) @ vectors + 3
    return rows.astype(np.float32), vectors, variances


def projected(rows: np.ndarray, vectors: np.ndarray) -> Directions:
    return Directions(vectors.astype(np.float32), (rows @ vectors.T).astype(np.float32))


def placed(rows: np.ndarray, found: Directions):
    return places(rows, {"a": found}, solver="exact", seed=0)


def test_a_component_lies_at_its_rank(code):
    rows, vectors, variances = code
    ranks = np.array([1, 10, 11, 60, 150, 220])
    table = placed(rows, projected(rows, vectors[ranks - 1] * 7))
    shares = variances[ranks - 1] / variances.sum()
    np.testing.assert_allclose(table["variance_share"], shares, rtol=1e-3)
    bands = table[["ranks_1_10", "ranks_11_50", "ranks_51_200"]].to_numpy()
    expected = np.eye(3)[[0, 0, 1, 2, 2]]
    np.testing.assert_allclose(bands[:5], expected, atol=1e-3)
    assert bands[5].sum() < 1e-2  # 220 is beyond the leading ones
    np.testing.assert_allclose(table["mean_rank"][:5], ranks[:5], rtol=1e-2)


def test_a_mixture_lies_between_its_components(code):
    rows, vectors, variances = code
    table = placed(rows, projected(rows, (vectors[[1]] + vectors[[30]]) / np.sqrt(2)))
    weights = variances[[1, 30]] / variances[[1, 30]].sum()
    np.testing.assert_allclose(table["ranks_1_10"], weights[0], rtol=1e-3)
    np.testing.assert_allclose(table["mean_rank"], weights @ [2, 31], rtol=1e-2)


def test_what_is_not_linear_in_the_code_has_less_than_all(code):
    rows, vectors, _ = code
    found = projected(rows, vectors[:3])
    rectified = Directions(found.vectors, np.abs(found.responses - found.responses.mean(axis=0)))
    bands = placed(rows, rectified)[["ranks_1_10", "ranks_11_50", "ranks_51_200"]].sum(axis=1)
    assert (bands < 0.6).all()


def test_dead_directions_and_constant_layers_have_no_place(code):
    rows, vectors, _ = code
    found = projected(rows, vectors[:5])
    found.responses[:, 2] = 1
    table = placed(rows, found).drop(columns="variance_share")
    assert table.isna().any(axis=1).to_list() == [False, False, True, False, False]
    constant = np.ones((50, 8), np.float32)
    table = placed(constant, projected(constant, np.eye(8)[:5]))
    assert table.drop(columns=["method", "direction"]).isna().all(axis=None)


@pytest.mark.parametrize("size", [1, 1e18])
def test_variances_along_vectors_of_any_length(code, size):
    rows, vectors, variances = code
    found = variances_along(rows * np.float32(size), vectors[:9] * 5)
    np.testing.assert_allclose(found, variances[:9] * size**2, rtol=1e-4)


def test_directions_that_respond_alike_are_near_whatever_their_sign():
    causes = RNG.standard_normal((200, 3))
    group = np.arange(60) % 3
    signs = np.where(RNG.random(60) < 0.5, -1, 1)
    noise = 0.1 * RNG.standard_normal((200, 60))
    spots = on_a_map((causes[:, group] + noise) * signs, seed=0)
    distances = np.linalg.norm(spots[:, None] - spots, axis=2) + np.diag(np.full(60, np.inf))
    assert (group[distances.argmin(axis=1)] == group).all()


@pytest.mark.parametrize("count", [0, 1, 3, 4])
def test_a_map_of_few(count):
    spots = on_a_map(RNG.standard_normal((20, count)), seed=0)
    assert spots.shape == (count, 2) and np.isfinite(spots).all() == (count in (0, 4))


def test_there_may_be_fewer_ranks_than_bands():
    rows = RNG.standard_normal((30, 5)).astype(np.float32)
    table = placed(rows, projected(rows, np.eye(5)))
    np.testing.assert_allclose(table["ranks_1_10"], 1, rtol=1e-4)
    assert (table["ranks_51_200"] == 0).all() and LEADING == 200
