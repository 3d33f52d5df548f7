"""Paths between centroids, their nearest images and II, and what the claims make of them."""

from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from judged import alone
from scipy import stats

from codespectra.claims.judges import CONTRADICTED, SUPPORTED, negative
from codespectra.claims.measures import sensitivity as measures
from codespectra.directions.directions import Directions
from codespectra.directions.read_out import read_out
from codespectra.errors import UserError
from codespectra.experiments import sensitivity
from codespectra.experiments.sensitivity import NO_IMAGE, Neighbours
from codespectra.figures.sensitivity import draw_sensitivity
from codespectra.interpretability.index import Index, index_table
from codespectra.interpretability.parts import ALL
from codespectra.interpretability.similarity import Color, Label

GRID = sensitivity.path_grid(-0.5, 1.5, 21)


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def random_units(count: int, width: int, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).random((count, width))).astype(np.float32)


# Paths -------------------------------------------------------------------------------------------


def test_the_grid_holds_both_centroids_exactly():
    assert len(GRID) == 21
    np.testing.assert_allclose(np.diff(GRID), 0.1)
    np.testing.assert_allclose(
        sensitivity.path_grid(-0.5, 1.5, 4), [-0.5, 0, 1 / 6, 5 / 6, 1, 1.5], atol=1e-12
    )
    for steps in range(3, 60):
        grid = sensitivity.path_grid(-0.7, 1.3, steps)
        assert (np.diff(grid) > 1e-3).all()
        assert {0.0, 1.0} <= set(grid)
        assert not np.signbit(grid[grid == 0]).any()


@given(st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_partners_are_others_and_farthest_in_sum(count, seed):
    points = np.random.default_rng(seed).standard_normal((count, 3))
    distances = sensitivity.centroid_distances(points)
    partner = sensitivity.farthest_partners(distances)
    everyone = np.arange(count)
    assert sorted(partner) == list(everyone)
    assert (partner != everyone).all()
    allowed = (np.array(p) for p in permutations(everyone) if (np.array(p) != everyone).all())
    best = max(distances[everyone, p].sum() for p in allowed)
    assert distances[everyone, partner].sum() == pytest.approx(best)


def test_one_centroid_has_no_path():
    with pytest.raises(
        UserError, match=r"interpretability\.sensitivity\.method: 1 centroid, at least 2"
    ):
        sensitivity.find_paths(np.ones((1, 3)), GRID)


@given(st.integers(0, 2**32 - 1))
def test_directions_are_the_weighted_sums_at_unit_length(seed):
    centroids = 3 * np.random.default_rng(seed).standard_normal((5, 4)).astype(np.float32)
    paths, units = sensitivity.find_paths(centroids, GRID), unit(centroids.astype(np.float64))
    ends = np.stack([units, units[paths.partner]], axis=1)
    along = np.einsum("kti,kid->ktd", paths.weights, ends)
    sums = GRID[:, None] * ends[:, None, 0] + (1 - GRID[:, None]) * ends[:, None, 1]
    np.testing.assert_allclose(along, unit(sums), atol=1e-9)
    np.testing.assert_allclose(along[:, paths.place(1)], units, atol=1e-12)
    np.testing.assert_allclose(along[:, paths.place(0)], units[paths.partner], atol=1e-12)


def test_opposite_centroids_have_no_direction_half_way():
    centroids = np.array([[0.6, 0.8], [-0.6, -0.8]], dtype=np.float32)
    paths = sensitivity.find_paths(centroids, GRID)
    missing = np.isnan(paths.weights).any(axis=-1)
    assert (missing == (GRID == 0.5)).all()
    cosines = read_out(random_units(9, 2), centroids, "cosine")
    images = sensitivity.nearest_images(cosines, paths, 3)
    assert ((images == NO_IMAGE).all(axis=-1) == missing).all()
    ii = sensitivity.index_along(images, Color(np.eye(9, 3)), Index(3, "pairs"))
    assert (np.isnan(ii) == missing).all()
    near = Neighbours.of(images)
    norms = np.ones((len(near.image), len(GRID)))
    assert (np.isnan(near.own(norms)) == missing[..., None]).all()
    assert sensitivity.mean_over_images(near.own(norms))[0, paths.place(0)] == 1


# Nearest images ----------------------------------------------------------------------------------


@given(
    arrays.arrays(np.float32, (24, 3), elements=st.sampled_from([-0.5, 0, 0.25, 0.5])),
    st.integers(1, 24),
)
def test_nearest_images_are_those_of_a_full_sort(cosines, count):
    paths = sensitivity.find_paths(np.eye(3), GRID)
    found = sensitivity.nearest_images(cosines, paths, count)
    for a, b in enumerate(paths.partner):
        for place, (of_a, of_b) in enumerate(paths.weights[a].astype(np.float32)):
            responses = of_a * cosines[:, a] + of_b * cosines[:, b]
            expected = np.argsort(-responses, kind="stable")[:count]
            np.testing.assert_array_equal(found[a, place], expected)


def clusters(seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Activations of very different lengths about four directions: rows, labels, directions."""
    rng = np.random.default_rng(seed)
    centroids = unit(np.eye(4, 8) + 0.1)
    labels = rng.integers(4, size=200)
    rows = centroids[labels] + 0.05 * rng.random((200, 8))
    return rows * 10 ** rng.uniform(2, 4, (200, 1)), labels, centroids.astype(np.float32)


def test_nearest_images_are_the_nearest_of_unit_length_not_the_shortest():
    rows, labels, centroids = clusters()
    paths = sensitivity.find_paths(centroids, GRID)
    cosines = read_out(rows, centroids, "cosine")
    found = sensitivity.nearest_images(cosines, paths, 5)
    units = unit(rows)
    raw = set()
    for a, b in enumerate(paths.partner):
        for place, (of_a, of_b) in enumerate(paths.weights[a]):
            v = unit(of_a * centroids[a].astype(float) + of_b * centroids[b])
            distances = np.linalg.norm(units - v, axis=1)
            assert set(found[a, place]) == set(np.argsort(distances)[:5])
            raw |= set(np.argsort(np.linalg.norm(rows - v, axis=1))[:5].tolist())
    assert (labels[found[:, paths.place(1)]] == np.arange(4)[:, None]).all()
    # Of raw activations they would be the same few, whatever the direction.
    shortest = np.argsort(np.linalg.norm(rows, axis=1))[:8]
    assert raw <= set(shortest.tolist())
    assert len(set(found.ravel().tolist())) > 40


def test_fewer_images_than_m_are_refused():
    cosines = read_out(random_units(4, 3), np.eye(3, dtype=np.float32), "cosine")
    with pytest.raises(UserError, match=r"count: 5 is more than the 4 stimuli"):
        sensitivity.nearest_images(cosines, sensitivity.find_paths(np.eye(3), GRID), 5)


# II ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("normalisation", ["pairs", "code", "literal"])
def test_at_its_ends_a_path_has_the_index_of_the_centroids(normalisation):
    rows, labels, centroids = clusters()
    index = Index(5, normalisation)
    similarities = [Color(np.random.default_rng(0).random((200, 3))), Label(labels)]
    cosines = read_out(rows, centroids, "cosine")
    scores = index_table({"kmeans": Directions(centroids, cosines)}, similarities, index)
    paths = sensitivity.find_paths(centroids, GRID)
    images = sensitivity.nearest_images(cosines, paths, 5)
    for similarity in similarities:
        expected = scores.loc[scores["metric"] == similarity.metric, "ii"].to_numpy()
        along = sensitivity.index_along(images, similarity, index)
        np.testing.assert_allclose(along[:, paths.place(1)], expected)
        np.testing.assert_allclose(along[:, paths.place(0)], expected[paths.partner])


def test_cross_similarity_is_the_mean_over_pairs_of_images():
    rng = np.random.default_rng(3)
    sets = np.stack([rng.choice(20, 4, replace=False) for _ in range(6)])
    sets[1, 0] = sets[0, 0]
    for similarity in (Color(rng.random((20, 3))), Label(rng.integers(3, size=20))):
        alike = similarity.matrix(np.arange(20))[ALL]
        expected = [[alike[np.ix_(one, other)].mean() for other in sets] for one in sets]
        found = sensitivity.cross_similarity(sets, similarity)
        np.testing.assert_allclose(found, expected)


# Gradients along paths ---------------------------------------------------------------------------


def test_norms_go_back_to_the_images_that_they_are_of():
    images = np.random.default_rng(4).integers(7, size=(3, len(GRID), 2))
    images[1, 5] = NO_IMAGE
    near = Neighbours.of(images)
    assert len(set(zip(near.path, near.image, strict=True))) == len(near.path)

    def norm(path: np.ndarray, image: np.ndarray, place: np.ndarray) -> np.ndarray:
        return 1000 * path + 100 * image + place

    places = np.arange(len(GRID))
    norms = norm(near.path[:, None], near.image[:, None], places).astype(float)
    path = np.arange(3)[:, None, None]
    expected = norm(path, images, places[:, None]).astype(float)
    expected[1, 5] = np.nan
    np.testing.assert_array_equal(near.own(norms), expected)
    fixed = norm(path, images[:, 2, None], places[:, None])
    np.testing.assert_array_equal(near.of_place(norms, 2), fixed)


def test_undefined_norms_are_left_out():
    norms = np.array([[1, np.nan, 3], [np.nan, np.nan, np.nan], [2, 4, 9]])
    found = sensitivity.norm_table(norms)
    table = sensitivity.centroid_table(np.array([0.1, 0.2, 0.3]), found, layer="here")
    np.testing.assert_array_equal(table["least_gradient_norm"], [1, np.nan, 2])
    np.testing.assert_array_equal(table["mean_gradient_norm"], [2, np.nan, 5])
    assert table["layer"].tolist() == ["here"] * 3


# Claims ------------------------------------------------------------------------------------------

RUN = {"model": "net", "weights": "train", "stimuli": "set", "stimulus_count": 99, "m": 5}


def a_study(dip: float, bump: float, slope: float, count: int = 24) -> SimpleNamespace:
    """Tables in which II falls by `dip` half-way, the norm rises by the share `bump` towards both
    centroids, and II rises with the least norm by `slope`.
    """
    rng = np.random.default_rng(5)
    centroids = unit(rng.standard_normal((count, 6)))
    paths = sensitivity.find_paths(centroids, GRID)
    half_way = np.exp(-((GRID - 0.5) ** 2) / 0.05)
    noise = rng.standard_normal((count, len(GRID)))
    ii = -dip * half_way + 0.1 * noise
    norm = 1 + bump * (1 - half_way) + 0.02 * noise
    towards_a = 1 + bump * GRID + 0.02 * noise
    own = np.repeat(norm[:, [paths.place(1)]], 5, axis=1)
    along = {"gradient_norm": norm, "gradient_norm_a": towards_a, "gradient_norm_b": norm}
    labels = RUN | {"layer": "layer1"}
    metric = labels | {"metric": "color"}
    cross = -paths.distances + 0.1 * rng.standard_normal((count, count))
    return SimpleNamespace(
        trained=("net",),
        resamples=500,
        seed=0,
        resampling={"resamples": 500, "seed": 0},
        sensitivity=sensitivity.path_table(paths, {"ii": ii}, **metric),
        sensitivity_gradients=sensitivity.path_table(paths, along, **labels),
        sensitivity_pairs=sensitivity.pair_table(paths, cross, **metric),
        sensitivity_centroids=sensitivity.centroid_table(
            slope * own[:, 0] + 0.01 * noise[:, 0], sensitivity.norm_table(own), **metric
        ),
    )


def verdict(measure, study: SimpleNamespace) -> list[str]:
    return [alone(negative, one) for one in measure(study)]


def test_planted_effects_are_found():
    study = a_study(dip=1, bump=-0.2, slope=-1)
    assert verdict(measures.index_between_centroids, study) == [SUPPORTED]
    assert verdict(measures.gradient_at_centroids, study) == [SUPPORTED] * 2
    assert verdict(measures.index_and_gradient, study) == [SUPPORTED]
    opposite = a_study(dip=-1, bump=0.2, slope=1)
    assert verdict(measures.index_between_centroids, opposite) == [CONTRADICTED]
    assert verdict(measures.gradient_at_centroids, opposite) == [CONTRADICTED] * 2
    assert verdict(measures.index_and_gradient, opposite) == [CONTRADICTED]
    (change,) = measures.index_between_centroids(study)
    assert change.estimate == pytest.approx(-1, abs=0.1)
    own, fixed = measures.gradient_at_centroids(study)
    assert own.estimate == pytest.approx(-0.2, abs=0.02)
    assert fixed.estimate == pytest.approx(-0.2, abs=0.02)


def test_untrained_networks_have_no_part_in_the_claims():
    study = a_study(dip=1, bump=-0.2, slope=-1)
    study.trained = ()
    assert not list(measures.index_between_centroids(study))
    assert not list(measures.gradient_at_centroids(study))
    assert not list(measures.index_and_gradient(study))


def test_a_path_and_its_reverse_count_once():
    paths = pd.DataFrame({"a": [0, 1, 2, 3, 4], "b": [1, 0, 3, 4, 2]})
    assert measures.one_way(paths)["a"].tolist() == [0, 2, 3, 4]  # two of a pair, three of a cycle
    study = a_study(dip=1, bump=0, slope=0)
    distinct = {
        frozenset(pair) for pair in zip(study.sensitivity["a"], study.sensitivity["b"], strict=True)
    }
    assert len(distinct) < 24
    (change,) = measures.index_between_centroids(study)
    assert change.n == len(distinct)


def test_paths_without_a_middle_are_left_out():
    study = a_study(dip=1, bump=0, slope=0)
    (whole,) = measures.index_between_centroids(study)
    lost = measures.one_way(study.sensitivity)["a"].iloc[0]
    study.sensitivity.loc[
        (study.sensitivity["a"] == lost) & (study.sensitivity["t"] == 0.5), "ii"
    ] = np.nan
    (found,) = measures.index_between_centroids(study)
    assert found.n == whole.n - 1
    assert np.isfinite([found.low, found.high]).all()
    study.sensitivity["ii"] = np.nan
    (nothing,) = measures.index_between_centroids(study)
    assert np.isnan([nothing.estimate, nothing.low, nothing.high]).all()


def test_the_interval_over_pairs_allows_for_the_centroids_that_they_share():
    """Distances without any effect on cross-II, which depends on the centroids alone."""
    rng = np.random.default_rng(6)
    a, b = np.triu_indices(15, k=1)
    held, held_if_independent = 0, 0
    for _ in range(100):
        place, look = rng.standard_normal((2, 15))
        pairs = {"a": a, "b": b, "distance": place[a] + place[b], "cross_ii": look[a] + look[b]}
        found = measures.distance_and_similarity("", pd.DataFrame(pairs))
        rho = stats.spearmanr(pairs["distance"], pairs["cross_ii"]).statistic
        assert found.estimate == pytest.approx(rho)
        assert found.n == 15
        held += found.low <= 0 <= found.high
        held_if_independent += abs(rho) < 1.96 / np.sqrt(len(a))
    few = measures.distance_and_similarity("", pd.DataFrame({k: pairs[k][:1] for k in pairs}))
    assert np.isnan([few.estimate, few.low, few.high]).all()
    assert held >= 85
    assert held_if_independent < 70


# Figure ------------------------------------------------------------------------------------------


def test_the_figure_draws_each_path_once_and_their_mean():
    study = a_study(dip=1, bump=0.2, slope=1)
    cfg = {"study": "study", "metric": "color", **study.resampling}
    figure, _ = draw_sensitivity(vars(study), cfg)
    cross, along, gradients, least = figure.axes[:4]
    once = measures.one_way(study.sensitivity)
    assert len(cross.collections[0].get_offsets()) == len(study.sensitivity_pairs)
    assert len(along.collections[0].get_segments()) == once["a"].nunique()
    mean = once.groupby("t")["ii"].mean()
    np.testing.assert_allclose(along.lines[0].get_ydata(), mean)
    known = study.sensitivity_pairs.set_index(["a", "b"])["cross_ii"]
    ends = once.drop_duplicates("a").sort_values("a")[["a", "b"]]
    colours = [known[min(pair), max(pair)] for pair in ends.itertuples(index=False)]
    np.testing.assert_allclose(gradients.collections[0].get_array(), colours)
    assert len(least.collections[0].get_offsets()) == 24
