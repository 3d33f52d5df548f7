from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans, kmeans_plusplus
from sklearn.metrics import adjusted_rand_score

from codespectra.directions.kmeans import lloyd, spherical_kmeans
from codespectra.directions.read_out import unit_rows


def overlapping(rows: int = 3000, dimensions: int = 24) -> np.ndarray:
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((40, 8))[rng.integers(40, size=rows)]
    hidden = hidden + 0.7 * rng.standard_normal((rows, 8))
    return np.maximum(hidden @ rng.standard_normal((8, dimensions)), 0).astype(np.float32)


def planted(clusters: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Narrow bundles of directions, of any length, and which bundle each row is of."""
    rng = np.random.default_rng(1)
    truth = rng.integers(clusters, size=600)
    rows = rng.standard_normal((clusters, 30))[truth] + 0.05 * rng.standard_normal((600, 30))
    return rows * rng.uniform(0.01, 100, (600, 1)), truth


def test_fixed_point_by_hand():
    """Lloyd's next step from the answer, in numpy alone, changes nothing."""
    rows = overlapping()
    fit = spherical_kmeans(rows, 16, starts=1)
    assert fit.converged
    assert (fit.centroids.dtype, fit.labels.dtype) == (np.float32, np.int32)
    directions = rows / np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    cosines = directions @ fit.centroids.T.astype(np.float64)
    ranked = np.sort(cosines, axis=1)
    clear = ranked[:, -1] - ranked[:, -2] > 1e-6
    np.testing.assert_array_equal(fit.labels[clear], cosines.argmax(axis=1)[clear])
    assert clear.mean() > 0.99
    sums = np.array([directions[fit.labels == label].sum(axis=0) for label in range(16)])
    mean_directions = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    np.testing.assert_allclose(fit.centroids, mean_directions, atol=1e-6)
    assert fit.objective == pytest.approx(ranked[:, -1].mean(), abs=1e-6)


def test_objective_never_falls_and_ends_the_history():
    fit = spherical_kmeans(overlapping(), 30, starts=1)
    assert fit.iterations == len(fit.history) - 1 > 5
    assert all(later >= earlier - 1e-7 for earlier, later in pairwise(fit.history))
    assert fit.history[-1] == fit.objective > fit.history[0] + 1e-3


def test_stops_at_the_iterations_asked_for():
    fit = spherical_kmeans(overlapping(), 30, starts=1, max_iterations=3)
    assert (fit.iterations, fit.converged) == (3, False)
    scores = unit_rows(overlapping()) @ fit.centroids.T
    np.testing.assert_array_equal(fit.labels, scores.argmax(axis=1))


def test_as_good_as_scikit_learn_on_unit_rows():
    rows = unit_rows(overlapping())
    fit = spherical_kmeans(rows, 20, starts=5)
    peer = KMeans(20, n_init=5, max_iter=300, tol=0, random_state=0).fit(rows)
    best = (rows @ unit_rows(peer.cluster_centers_).T).max(axis=1).mean()
    assert fit.objective > best - 1e-4


def test_best_of_more_starts_is_not_worse():
    single, several = (spherical_kmeans(overlapping(), 20, starts=n).objective for n in (1, 6))
    assert several > single


def test_same_seed_same_clusters_other_seed_others():
    first, again, other = (spherical_kmeans(overlapping(), 20, seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(first.centroids, again.centroids)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert not np.array_equal(first.labels, other.labels)


def test_start_is_as_good_as_scikit_learn_greedy_start():
    rows = unit_rows(overlapping())
    ours, peers = [], []
    for seed in range(40):
        centres, _ = kmeans_plusplus(rows, 20, random_state=seed)
        peers.append(lloyd(rows, centres, 0).objective)
        fit = spherical_kmeans(rows, 20, starts=1, max_iterations=0, seed=seed, start_rows=150)
        ours.append(fit.objective)
    error = np.hypot(np.std(ours), np.std(peers)) / np.sqrt(40)
    assert abs(np.mean(ours) - np.mean(peers)) < 4 * error


def test_empty_cluster_takes_the_row_that_fits_worst():
    east, north, up = np.eye(3, dtype=np.float32)
    nothing = np.zeros(3)  # has no direction to give
    directions = np.array([east, east, north, [0.8, 0, 0.6], nothing], dtype=np.float32)
    fit = lloyd(directions, np.array([east, north, -up]), 1)
    np.testing.assert_array_equal(fit.centroids[2], directions[3])
    np.testing.assert_array_equal(fit.labels, [0, 0, 1, 2, 0])


def test_duplicated_rows_fill_every_cluster_that_they_can():
    """Five directions, many copies: five clusters recover them, and seven stay valid."""
    rows = np.repeat(np.eye(5, dtype=np.float32), 30, axis=0)
    assert adjusted_rand_score(np.arange(150) // 30, spherical_kmeans(rows, 5).labels) == 1
    fit = spherical_kmeans(rows, 7)
    assert fit.converged
    assert fit.objective == pytest.approx(1)
    np.testing.assert_allclose(np.linalg.norm(fit.centroids, axis=1), 1, atol=1e-6)


def test_ties_go_to_the_lowest_index():
    rows = np.array([[1, 0], [0, 1], [1, 1]])
    fit = lloyd(unit_rows(rows), np.eye(2, dtype=np.float32), 0)
    np.testing.assert_array_equal(fit.labels, [0, 1, 0])


def test_zero_rows_count_as_cosine_zero_and_move_no_centroid():
    rows, truth = planted()
    padded = np.concatenate([np.zeros((100, 30)), rows])
    fit = spherical_kmeans(padded, 12)
    assert adjusted_rand_score(truth, fit.labels[100:]) == 1
    np.testing.assert_array_equal(unit_rows(padded)[:100], 0)
    alone = spherical_kmeans(rows, 12)
    assert fit.objective == pytest.approx(alone.objective * 600 / 700, abs=1e-6)


def test_as_many_clusters_as_rows_gives_each_row_its_own():
    rows = np.random.default_rng(0).standard_normal((25, 6))
    fit = spherical_kmeans(rows, 25, starts=1)
    assert sorted(fit.labels) == list(range(25))
    assert fit.objective == pytest.approx(1)


@pytest.mark.parametrize("k", [-1, 0, 5])
def test_impossible_k_is_refused_with_the_numbers(k):
    rows = np.vstack([np.eye(4), np.zeros((2, 4))])
    with pytest.raises(ValueError, match=rf"k = {k} .*1\.\.4.* 6 rows"):
        spherical_kmeans(rows, k)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_that_are_not_finite_are_refused_by_number(bad):
    rows = overlapping()
    rows[2500, 3] = bad
    with pytest.raises(ValueError, match="row 2500 of 3000 "):
        spherical_kmeans(rows, 4)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_length_of_rows_does_not_matter(seed):
    """Powers of two change no digit, so the answer is the same to the bit."""
    rows = overlapping(200)
    lengths = 2.0 ** np.random.default_rng(seed).integers(-30, 30, (200, 1))
    plain, scaled = (spherical_kmeans(x, 6, starts=1) for x in (rows, rows * lengths))
    np.testing.assert_array_equal(plain.centroids, scaled.centroids)
    np.testing.assert_array_equal(plain.labels, scaled.labels)
