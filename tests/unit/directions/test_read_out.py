"""Read-outs of directions, and those that need no more: K-Means, random ones, exemplars."""

import numpy as np
import pytest

from codespectra.directions import finders, read_out
from codespectra.errors import UserError
from codespectra.interpretability.parts import ALL
from codespectra.interpretability.similarity import Label
from codespectra.statistics.ranking import top_stimuli


def test_read_outs_by_definition():
    rng = np.random.default_rng(0)
    rows, vectors = rng.standard_normal((50, 8)), rng.standard_normal((6, 8))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    expected = {
        "dot": [[row @ vector for vector in vectors] for row in rows],
        "cosine": [[row @ vector for vector in vectors] for row in unit],
        "neg_distance": [[-np.linalg.norm(row - v) for v in vectors] for row in unit],
    }
    for how, responses in expected.items():
        found = read_out.read_out(rows, vectors, how)
        np.testing.assert_allclose(found, responses, rtol=1e-5, atol=1e-6)


def test_strongest_response_of_a_random_direction_is_positive():
    activations = np.random.default_rng(0).standard_normal((40, 12)).astype(np.float32)
    found = finders.random(activations, k=64, seed=5)
    strongest = np.abs(found.responses).argmax(axis=0)
    assert (found.responses[strongest, np.arange(64)] > 0).all()
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(found.responses, activations @ found.vectors.T, atol=1e-6)
    again, other = (finders.random(activations, k=64, seed=seed) for seed in (5, 6))
    np.testing.assert_array_equal(again.vectors, found.vectors)
    assert not np.isclose(other.vectors, found.vectors).all(axis=1).any()
    # Isotropic: no coordinate has more than its share of the squared length.
    many = finders.random(activations, k=20_000, seed=0).vectors
    np.testing.assert_allclose(np.square(many).mean(axis=0), 1 / 12, rtol=0.05)


def test_exemplars_are_stimuli_of_the_set():
    activations = np.random.default_rng(0).standard_normal((30, 12)).astype(np.float32)
    unit = activations / np.linalg.norm(activations, axis=1, keepdims=True)
    found = finders.exemplar(activations, k=30, seed=1)
    np.testing.assert_allclose(found.vectors, unit, atol=1e-6)
    few = finders.exemplar(activations, k=7, seed=1)
    chosen = few.responses.argmax(axis=0)
    assert len(set(chosen)) == 7
    np.testing.assert_allclose(few.vectors, unit[chosen], atol=1e-6)
    np.testing.assert_allclose(few.responses, unit @ unit[chosen].T, atol=1e-6)
    with pytest.raises(UserError, match=r"^k: 31 is more than 30 stimuli"):
        finders.exemplar(activations, k=31, seed=1)


def test_kmeans_directions_respond_most_to_their_cluster():
    rng = np.random.default_rng(0)
    bundles = np.arange(80) % 4
    rows = rng.standard_normal((4, 16))[bundles] + 0.05 * rng.standard_normal((80, 16))
    found = finders.kmeans(rows.astype(np.float32), k=4, starts=3, readout="cosine", seed=0)
    of_one_bundle = Label(bundles).within(top_stimuli(found.responses, 20))[ALL]
    np.testing.assert_array_equal(of_one_bundle, 1)
    with pytest.raises(UserError, match=r"^k = 81 .*80"):
        finders.kmeans(rows, k=81, starts=1, readout="cosine", seed=0)
