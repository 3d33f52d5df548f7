"""Planted dictionaries: what is drawn is as dense, noisy and correlated as it says."""

import numpy as np
import pytest

from codespectra.theory.planted_features import (
    ATOMS,
    RECTIFIED,
    SIGNED,
    conditions,
    plant,
    random_dictionary,
    sparse_features,
)

SHAPE = {"features": 24, "units": 10, "rows": 4000}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("density", [0.06, 0.25, 0.5])
def test_features_are_as_dense_as_asked_and_uniform_where_active(density):
    codes = sparse_features(4000, 24, density, rng())
    assert codes.any(axis=1).all() and codes.min() == 0 and codes.max() <= 1
    # Rows that would have none get one; at low densities these are many.
    filled = (codes == 1).any(axis=1)
    assert (codes[~filled] > 0).sum() / codes.size == pytest.approx(density, rel=0.05)
    active = codes[~filled][codes[~filled] > 0]
    assert active.mean() == pytest.approx(0.5, abs=0.02)
    assert active.std() == pytest.approx(12**-0.5, rel=0.03)


def test_features_fall_in_frequency_and_are_correlated():
    codes = sparse_features(20_000, 40, 0.3, rng()) > 0
    shares = codes.mean(axis=0)
    assert shares[:10].mean() / shares[-10:].mean() == pytest.approx(0.99**-30, rel=0.05)
    # Pairs of features occur together more, or less, often than independent ones would.
    correlation = np.corrcoef(codes.T)[np.triu_indices(40, k=1)]
    assert correlation.std() > 1.5 / 20_000**0.5


@pytest.mark.parametrize("atoms", ATOMS)
def test_atoms_have_unit_length_and_activations_are_made_of_them(atoms):
    planted = plant(**SHAPE, atoms=atoms, density=0.1, noise=0.0, seed=3)
    np.testing.assert_allclose(np.linalg.norm(planted.dictionary, axis=1), 1)
    assert ((planted.dictionary >= 0).all()) == (atoms == RECTIFIED)
    exact = planted.features @ planted.dictionary
    np.testing.assert_allclose(planted.activations, exact, atol=1e-6)


@pytest.mark.parametrize("units", [1, 2, 5])
def test_rectified_atoms_are_never_zero(units):
    assert random_dictionary(2000, units, RECTIFIED, rng()).any(axis=1).all()


def test_noise_is_relative_and_changes_nothing_else():
    clean, noisy = (
        plant(**SHAPE, atoms=SIGNED, density=0.1, noise=noise, seed=3) for noise in (0.0, 0.5)
    )
    np.testing.assert_array_equal(clean.dictionary, noisy.dictionary)
    np.testing.assert_array_equal(clean.features, noisy.features)
    added = noisy.activations - clean.activations
    size = np.sqrt(np.mean(clean.activations**2))
    assert added.std() / size == pytest.approx(0.5, rel=0.02)
    other = plant(**SHAPE, atoms=SIGNED, density=0.3, noise=0.0, seed=3)
    np.testing.assert_array_equal(clean.dictionary, other.dictionary)


def test_one_thing_changes_at_a_time():
    found = conditions([4, 8], [0.1, 0.2], [0.0, 0.3, 0.6])
    first = {"density": 0.1, "noise": 0.0}
    assert found[:2] == [([4, 8], first | {"atoms": atoms}) for atoms in ATOMS]
    changed = [{k: v for k, v in one.items() if first.get(k) != v} for _, one in found[2:]]
    assert changed == [{"atoms": RECTIFIED} | c for c in ({"density": 0.2}, *NOISES)]
    assert all(sizes == [4] for sizes, _ in found[2:])


NOISES = ({"noise": 0.3}, {"noise": 0.6})
