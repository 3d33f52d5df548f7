"""Activations whose features are known: sparse codes times a planted dictionary.

Features are non-negative, sparse and correlated, some of them frequent and some rare; a row of
activations is the sum of those that are active. Source: Sharkey et al. 2022, "Taking features out
of superposition with sparse autoencoders", and the code that replicates it (Cunningham et al.
2023); paper B, fig. 9 A, reprints their result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

# Atoms of any sign, as Sharkey et al. have them, or with no negative entry, as what a ReLU gives:
# NMF takes these alone.
SIGNED, RECTIFIED = "signed", "rectified"
ATOMS = (SIGNED, RECTIFIED)
DECAY = 0.99  # of a feature's probability against the one before, in Sharkey et al.


@dataclass(frozen=True)
class Planted:
    """N rows of activations and what they were made of."""

    dictionary: NDArray[np.float64]  # (F, D), atoms of unit length
    features: NDArray[np.float64]  # (N, F), at least 0, and none of the rows all 0
    activations: NDArray[np.float32]  # (N, D)


def conditions(
    sizes: Sequence[int], densities: Sequence[float], noises: Sequence[float]
) -> list[tuple[Sequence[int], dict[str, Any]]]:
    """Arguments of `plant` that vary, each with the sizes of dictionaries that are looked for.

    Both kinds of atoms at all sizes, the first density and the first noise; then, of rectified
    atoms at the first size, each other density and each other noise.
    """
    density, noise = densities[0], noises[0]
    others = [(one, noise) for one in densities[1:]] + [(density, one) for one in noises[1:]]
    return [
        *((sizes, {"atoms": atoms, "density": density, "noise": noise}) for atoms in ATOMS),
        *((sizes[:1], {"atoms": RECTIFIED, "density": d, "noise": n}) for d, n in others),
    ]


def plant(
    *, features: int, units: int, rows: int, density: float, noise: float, atoms: str, seed: int
) -> Planted:
    """Activations of a random dictionary.

    A seed draws dictionary, features and noise apart from each other: with another density or
    noise the dictionary stays as it was.

    Args:
        features, units, rows: F, D and N.
        density: share of the features that are active in a row, on average.
        noise: standard deviation over the root mean square of the activations without it.
        atoms: one of `ATOMS`; activations of rectified atoms are rectified, too, after the noise.
        seed: of all that is drawn.
    """
    of_atoms, of_features, of_noise = np.random.default_rng(seed).spawn(3)
    dictionary = random_dictionary(features, units, atoms, of_atoms)
    codes = sparse_features(rows, features, density, of_features)
    clean = codes @ dictionary
    size = noise * np.sqrt(np.mean(clean**2))
    activations = clean + size * of_noise.standard_normal(clean.shape)
    if atoms == RECTIFIED:
        activations = np.maximum(activations, 0)
    return Planted(dictionary, codes, activations.astype(np.float32))


def random_dictionary(
    features: int, units: int, atoms: str, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Isotropic atoms (F, D) of unit length; rectified ones are half 0, none of them all 0."""
    drawn = rng.standard_normal((features, units))
    if atoms == RECTIFIED:
        largest = np.abs(drawn).argmax(axis=1)[:, None]
        np.put_along_axis(drawn, largest, np.abs(np.take_along_axis(drawn, largest, 1)), 1)
        drawn = np.maximum(drawn, 0)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def sparse_features(
    rows: int, features: int, density: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Features (N, F) that are uniform on 0..1 where they are active.

    Each row draws its own probabilities: values of the normal distribution function at a correlated
    Gaussian, falling by `DECAY` from feature to feature, scaled to a mean of `density` and cut off
    at 1. A row without an active feature gets one of size 1, at random.
    """
    gaussian = rng.standard_normal((rows, features)) @ _covariance_root(features, rng).T
    chances = ndtr(gaussian) * DECAY ** np.arange(features)
    chances *= density / chances.mean(axis=1, keepdims=True)
    codes = rng.random((rows, features)) * (rng.random((rows, features)) < chances)
    empty = np.flatnonzero(~codes.any(axis=1))
    codes[empty, rng.integers(features, size=len(empty))] = 1
    return codes


def _covariance_root(features: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """R (F, F) whose R @ R.T is a random covariance, as in the replication of Sharkey et al.

    A symmetric matrix of uniform numbers, its diagonal raised until it is positive definite.
    """
    drawn = rng.random((features, features))
    values, vectors = np.linalg.eigh((drawn + drawn.T) / 2)
    return vectors * np.sqrt(values - 1.001 * min(values[0], 0))
