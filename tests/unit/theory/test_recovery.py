"""MMCS against its definition, chance in closed form, and finders that must find the truth."""

import math

import numpy as np
import pytest
from scipy.stats import ortho_group

from codespectra.directions import baselines, finders
from codespectra.directions.directions import Directions, Encoder, neurons
from codespectra.directions.encode import directions_of
from codespectra.statistics.ranking import top_stimuli
from codespectra.theory.planted_features import (
    ATOMS,
    RECTIFIED,
    Planted,
    plant,
    random_dictionary,
    sparse_features,
)
from codespectra.theory.recovery import (
    chance_mmcs,
    dictionaries,
    mmcs,
    planted_index,
    scores,
)

TRAINING = {"epochs": 1, "batch": 20, "learning_rate": 0.01}


def naive_mmcs(vectors: np.ndarray, others: np.ndarray, two_sided: bool) -> float:
    best = []
    for a in vectors.astype(np.float64):
        cosines = [a @ b / math.sqrt((a @ a) * (b @ b)) for b in others.astype(np.float64)]
        best.append(max(map(abs, cosines) if two_sided else cosines))
    return sum(best) / len(best)


@pytest.mark.parametrize("two_sided", [False, True])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_mmcs_is_its_definition(two_sided, kind):
    rng = np.random.default_rng(0)
    for count, other, width in ((1, 1, 1), (5, 3, 2), (7, 30, 11)):
        a, b = (10 ** rng.normal() * rng.normal(size=(n, width)) for n in (count, other))
        a, b = a.astype(kind), b.astype(kind)
        expected = naive_mmcs(a, b, two_sided)
        assert mmcs(a, b, two_sided=two_sided) == pytest.approx(expected, abs=1e-12)
        assert mmcs(a, -5 * a, two_sided=True) == pytest.approx(1)


def test_a_direction_of_length_0_is_near_nothing():
    assert mmcs(np.eye(3), np.zeros((2, 3))) == 0


@pytest.mark.parametrize("two_sided", [False, True])
@pytest.mark.parametrize("atoms", ATOMS)
@pytest.mark.parametrize(("count", "width"), [(1, 16), (40, 2), (32, 16), (200, 30)])
def test_chance_is_what_random_directions_recover(count, width, atoms, two_sided):
    rng = np.random.default_rng(1)
    planted = random_dictionary(10, width, atoms, rng)
    draws = [
        mmcs(planted, rng.normal(size=(count, width)), two_sided=two_sided) for _ in range(400)
    ]
    error = np.std(draws) / 20
    expected = chance_mmcs(count, width, two_sided=two_sided)
    assert np.mean(draws) == pytest.approx(expected, abs=4 * error)


def test_chance_of_one_direction_is_the_mean_cosine():
    assert chance_mmcs(1, 9) == pytest.approx(0, abs=1e-6)
    exact = math.gamma(4.5) / math.sqrt(math.pi) / math.gamma(5)
    assert chance_mmcs(1, 9, two_sided=True) == pytest.approx(exact, abs=1e-5)
    assert (chance_mmcs(1, 1), chance_mmcs(3, 1), chance_mmcs(2, 1, two_sided=True)) == (0, 0.75, 1)


def orthogonal(*, signed: bool) -> Planted:
    """Eight sparse, independent features along orthogonal directions, without noise."""
    rng = np.random.default_rng(2)
    atoms = ortho_group.rvs(8, random_state=2) if signed else np.eye(8)[rng.permutation(8)]
    features = rng.random((4000, 8)) * (rng.random((4000, 8)) < 0.15)
    features = features[features.any(axis=1)]
    return Planted(atoms, features, (features @ atoms).astype(np.float32))


@pytest.mark.parametrize(
    ("find", "signed"),
    [
        (lambda rows: baselines.ica(rows, k=8, iterations=200, seed=0), True),
        (lambda rows: finders.kmeans(rows, k=8, starts=5, readout="cosine", seed=0), True),
        (lambda rows: baselines.nmf(rows, k=8, iterations=200, seed=0), False),
        (neurons, False),
    ],
    ids=["ica", "kmeans", "nmf", "neurons"],
)
def test_orthogonal_features_without_noise_are_recovered(find, signed):
    planted = orthogonal(signed=signed)
    [found] = scores(planted, [find(planted.activations)], 5)
    assert min(found["mmcs"], found["mmcs_found"]) > 0.99
    assert found["directions"] == 8 and found["chance"] < 0.8


def test_the_index_of_the_truth_depends_on_how_it_is_read():
    """By the cosine, rows with little else in them are a feature's most exciting; not by size."""
    planted = orthogonal(signed=True)
    by_cosine, by_size = (
        directions_of(planted.activations, planted.dictionary, Encoder(read_out))
        for read_out in ("cosine", "dot")
    )
    high, low = planted_index(planted.features, [by_cosine, by_size], 5)
    assert high.mean() > 0.99 > 0.85 > low.mean()


def test_principal_components_do_not_recover_what_is_not_orthogonal():
    planted = plant(
        features=16, units=8, rows=2000, density=0.1, noise=0.0, atoms=RECTIFIED, seed=0
    )
    pca, kmeans = scores(
        planted,
        [
            baselines.pca(planted.activations, k=8),
            finders.kmeans(planted.activations, k=16, starts=3, readout="cosine", seed=0),
        ],
        5,
    )
    assert kmeans["mmcs"] > 0.9 > 0.8 > pca["mmcs"]


@pytest.mark.parametrize("atoms", ATOMS)
def test_every_finder_runs_by_the_code_of_networks(atoms):
    planted = plant(features=6, units=4, rows=80, density=0.2, noise=0.1, atoms=atoms, seed=0)
    found = list(
        dictionaries(
            planted, atoms=atoms, sizes=[5, 9], penalties=[0.1, 1.0], training=TRAINING, seed=3
        )
    )
    methods = [one.method for one in found]
    fixed = ["neurons", "pca", "ica", "kmeans_identity"]
    sized = ["kmeans", "kmeans_code", *["nmf"] * (atoms == RECTIFIED), "random", "exemplar"]
    assert methods == [*fixed, *2 * [*sized, "sae", "sae"]]
    for one in found:
        size = one.size or 4
        assert one.found.vectors.shape[1] == 4 and len(one.found.vectors) <= size
        assert (one.l1 is None) == (one.method != "sae")
    (kmeans,) = (one for one in found if (one.method, one.size) == ("kmeans", 9))
    expected = finders.kmeans(planted.activations, k=9, starts=3, readout="cosine", seed=3)
    np.testing.assert_array_equal(kmeans.found.vectors, expected.vectors)


def test_the_index_is_the_mean_cosine_of_the_features_of_top_rows():
    rng = np.random.default_rng(4)
    features = sparse_features(200, 12, 0.2, rng)
    found = Directions(rng.normal(size=(7, 5)), rng.normal(size=(200, 7)))
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    first, second = np.triu_indices(4, k=1)
    [index] = planted_index(features, [found], 4)
    for rows, value in zip(top_stimuli(found.responses, 4), index, strict=True):
        cosines = (unit[rows[first]] * unit[rows[second]]).sum(axis=1)
        assert value == pytest.approx(cosines.mean(), abs=1e-5)


def test_directions_that_never_respond_are_counted_and_left_out():
    planted = orthogonal(signed=False)
    responses = planted.activations.copy()
    responses[:, 3:] = 0
    part, nothing = Directions(np.eye(8), responses), Directions(np.eye(8), responses * 0)
    some, none = scores(planted, [part, nothing], 5)
    assert (some["directions"], some["dead"]) == (3, 5)
    assert (some["mmcs"], some["mmcs_found"]) == pytest.approx((3 / 8, 1))
    assert none["dead"] == 8 and np.isnan([none["mmcs"], none["ii"], none["chance"]]).all()
