"""Direction finders: planted directions found, and what scikit-learn or NumPy alone would find."""

import logging
from functools import partial

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import FastICA

from codespectra.directions import baselines, directions, encode
from codespectra.directions import kmeans as kmeans_module
from codespectra.directions.baselines import ica, kmeans_code, nmf, pca
from codespectra.directions.directions import Directions
from codespectra.directions.finders import exemplar, kmeans, kmeans_identity, random
from codespectra.directions.read_out import unit_rows
from codespectra.errors import UserError
from codespectra.files.hdf5_files import hdf5_digest
from codespectra.files.manifests import read_manifest
from codespectra.models.layer_selection import count_of
from codespectra.statistics import row_blocks

run_ica = partial(ica, iterations=200, seed=0)
run_nmf = partial(nmf, iterations=300, seed=0)


def relu_layer(rows: int = 700, units: int = 24, seed: int = 0) -> np.ndarray:
    """Activations with zeros, unit 3 dead at zero and unit 5 stuck at one value."""
    rng = np.random.default_rng(seed)
    hidden = rng.standard_normal((rows, 10)) @ rng.standard_normal((10, units))
    layer = np.maximum(hidden + 0.3 * rng.standard_normal((rows, units)), 0)
    layer[:, 3], layer[:, 5] = 0, 0.7
    return layer.astype(np.float32)


def matched(found: np.ndarray, planted: np.ndarray) -> np.ndarray:
    """|cos| of each planted row (K, D) and the found row that goes with it, one to one."""
    cosines = np.abs(unit_rows(planted) @ unit_rows(found).T)
    return cosines[linear_sum_assignment(cosines, maximize=True)]


def assert_projections(found: Directions, activations: np.ndarray) -> None:
    """Unit vectors whose responses are the projections of centred activations."""
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-6)
    centred = activations - activations.mean(axis=0, dtype=np.float64)
    scale = np.abs(centred).max()
    np.testing.assert_allclose(found.responses, centred @ found.vectors.T, atol=2e-5 * scale)
    assert found.vectors.dtype == found.responses.dtype == np.float32
    assert found.two_sided


# Principal components -----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(200, 15), (15, 40)])
def test_pca_is_the_singular_value_decomposition(shape):
    activations = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    found = pca(activations, k=10)
    _, sizes, rows = np.linalg.svd(activations - activations.mean(axis=0, dtype=np.float64))
    assert np.abs(np.sum(found.vectors * rows[:10], axis=1)).min() > 1 - 1e-6
    np.testing.assert_allclose(np.linalg.norm(found.responses, axis=0), sizes[:10], rtol=1e-5)
    assert_projections(found, activations)


@pytest.mark.parametrize("finder", [pca, run_ica])
def test_no_direction_of_rounding_noise(finder, caplog):
    """Constant units and copies of others span no dimension of their own."""
    layer = relu_layer()
    doubled = np.hstack([layer, layer[:, :6] / 3])  # 24 units of rank 22, and six copies
    found = finder(doubled, k=30)
    assert len(found.vectors) == 22
    assert "22 of 30 directions" in caplog.text
    assert_projections(found, doubled)
    assert np.ptp(found.responses, axis=0).min() > 1e-3
    assert np.abs(found.vectors[:, [3, 5, 27, 29]]).max() < 1e-6


@pytest.mark.parametrize("finder", [pca, run_ica])
@pytest.mark.parametrize("shape, most", [((50, 20), 20), ((9, 20), 8)])
def test_too_many_components_are_refused_with_the_numbers(finder, shape, most):
    activations = np.random.default_rng(0).random(shape)
    assert len(finder(activations, k=most).vectors) == most
    with pytest.raises(UserError, match=rf"^k: {most + 1} .* {most} .*{shape[0]}"):
        finder(activations, k=most + 1)


@pytest.mark.filterwarnings("ignore:invalid value encountered in divide")
@pytest.mark.parametrize("finder", [pca, run_ica])
def test_constant_layer_is_refused(finder):
    with pytest.raises(UserError, match=r"^activations: all units are constant"):
        finder(np.full((30, 4), 0.7, dtype=np.float32), k=2)


# Independent components ---------------------------------------------------------------------------


def mixed(rows: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Sparse, flat and skewed sources, and ten units that mix them."""
    rng = np.random.default_rng(2)
    sources = np.column_stack(
        [rng.laplace(size=(rows, 3)), rng.uniform(-1, 1, (rows, 2)), rng.exponential(size=rows)]
    )
    return sources, (sources @ rng.standard_normal((6, 10)) + 4).astype(np.float32)


def test_ica_recovers_planted_sources():
    sources, activations = mixed()
    found = run_ica(activations, k=6)
    correlations = np.abs(np.corrcoef(found.responses.T, sources.T)[:6, 6:])
    assert (correlations.max(axis=0) > 0.99).all()
    assert sorted(correlations.argmax(axis=0)) == list(range(6))
    assert_projections(found, activations)


def test_ica_agrees_with_scikit_learn_up_to_order_and_sign():
    _, activations = mixed()
    peer = FastICA(6, whiten="unit-variance", max_iter=500, tol=1e-8, random_state=3)
    peer.fit(activations.astype(np.float64))
    found = run_ica(activations, k=6)
    assert (matched(found.vectors, peer.components_) > 0.9999).all()


# Nonnegative factors ------------------------------------------------------------------------------


def test_nmf_recovers_planted_parts():
    rng = np.random.default_rng(4)
    parts = rng.exponential(size=(6, 20)) * (rng.random((6, 20)) < 0.4)
    codes = rng.exponential(size=(900, 6)) * (rng.random((900, 6)) < 0.4)
    activations = (codes @ parts).astype(np.float32)
    found = run_nmf(activations, k=6)
    assert (matched(found.vectors, parts) > 0.99).all()
    assert (matched(found.responses.T, codes.T) > 0.99).all()
    error = np.linalg.norm(activations - found.responses @ found.vectors)
    assert error < 0.02 * np.linalg.norm(activations)
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-6)
    assert not found.two_sided


def test_negative_activations_are_refused_by_nmf():
    activations = relu_layer()
    activations[5, 6] = -0.25
    with pytest.raises(UserError, match=r"^activations .* -0\.25.* leave nmf out"):
        run_nmf(activations, k=3)


def test_part_that_nothing_needs_is_dead():
    """One part explains the multiples of one stimulus, and zeros need none."""
    multiples = run_nmf(np.outer(np.arange(40), [1, 2, 0, 3]).astype(np.float32), k=3)
    np.testing.assert_array_equal(multiples.dead, [False, True, True])
    np.testing.assert_allclose(multiples.responses[:, 0], 14**0.5 * np.arange(40), rtol=1e-5)
    assert run_nmf(np.zeros((40, 4), np.float32), k=3).dead.all()


def test_codes_of_equal_stimuli_are_equal_among_others():
    """A code follows from the stimulus, not from where the search began."""
    layer = relu_layer(300)
    found = run_nmf(np.concatenate([layer, layer]), k=12).responses
    np.testing.assert_allclose(found[:300], found[300:], atol=1e-5 * found.max())


# All of them --------------------------------------------------------------------------------------

FINDERS = {
    "neurons": directions.neurons,
    "nmf": partial(run_nmf, k=8),
    "kmeans": partial(kmeans, k=8, starts=1, readout="cosine", seed=0),
    "kmeans, dot": partial(kmeans, k=8, starts=1, readout="dot", seed=0),
    "kmeans, distance": partial(kmeans, k=8, starts=1, readout="neg_distance", seed=0),
    "kmeans_identity": partial(kmeans_identity, readout="cosine"),
    "kmeans_code": partial(kmeans_code, k=8, starts=2, seed=0),
    "random": partial(random, k=8, seed=0),
    "exemplar": partial(exemplar, k=8, seed=0),
    "pca": partial(pca, k=8),
    "ica": partial(run_ica, k=8),
}


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
@pytest.mark.parametrize("name", [name for name in FINDERS if name not in ("pca", "ica")])
@pytest.mark.parametrize("units", [16, 150])
def test_every_direction_is_dead_if_all_stimuli_are_equal(name, units):
    """PCA and ICA refuse them."""
    stimulus = np.random.default_rng(units).random(units, dtype=np.float32)
    assert FINDERS[name](np.tile(stimulus, (203, 1))).dead.all()


@pytest.mark.parametrize("name", FINDERS)
@pytest.mark.parametrize("power", [-100, -30, 63])
def test_directions_do_not_depend_on_the_scale(name, power):
    """2^-30 is 1e-9, and 2^63 is 1e19, of which float32 holds no square."""
    layer = relu_layer(200)
    plain, scaled = FINDERS[name](layer), FINDERS[name](np.ldexp(layer, power))
    np.testing.assert_array_equal(scaled.dead, plain.dead)
    np.testing.assert_array_equal(scaled.rare(5), plain.rare(5))
    np.testing.assert_allclose(scaled.vectors, plain.vectors, atol=1e-5)
    linear = name in ("neurons", "nmf", "kmeans, dot", "random", "pca", "ica")
    wanted = np.ldexp(plain.responses, power * linear)
    np.testing.assert_allclose(scaled.responses, wanted, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("size", [1e-9, 1.0, 1e19])
def test_a_unit_is_dead_by_its_spread_against_its_size(size):
    rounding = 1 + 3e-7 * (np.arange(50) % 2)  # of a sum in float32, by the place in a batch
    faint = 1 + 1e-5 * (np.arange(50) % 2)
    layer = size * np.stack([np.zeros(50), np.ones(50), rounding, faint, np.arange(50)], axis=1)
    found = directions.neurons(layer.astype(np.float32))
    np.testing.assert_array_equal(found.dead, [True, True, True, False, False])
    np.testing.assert_array_equal(found.rare(5), False)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 22))
def test_directions_of_any_layer_are_finite_and_of_unit_length(seed, k):
    layer = relu_layer(rows=60, seed=seed)
    for finder in (pca, partial(ica, iterations=3, seed=0), partial(nmf, iterations=3, seed=0)):
        found = finder(layer, k=k)
        assert found.vectors.shape == (k, 24)
        assert np.isfinite(found.responses).all()
        np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-6)
        assert not found.dead.any()


@pytest.mark.parametrize("finder, name", [(ica, "ica"), (nmf, "nmf")])
def test_missing_convergence_is_logged_and_seeds_count(finder, name, caplog, recwarn):
    layer = relu_layer()
    first, again, other = (finder(layer, k=20, iterations=2, seed=s) for s in (0, 0, 1))
    messages = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(messages) == 3
    assert f"{name}: not converged in 2 iterations" in messages[0]
    assert "raise iterations" in messages[0]
    assert not recwarn
    np.testing.assert_array_equal(first.vectors, again.vectors)
    np.testing.assert_array_equal(first.responses, again.responses)
    assert not np.allclose(first.vectors, other.vectors)


@pytest.mark.parametrize("name", FINDERS)
def test_a_dataset_gives_what_an_array_gives(name, tmp_path, monkeypatch):
    """Though neither its rows nor the responses to the directions are held."""
    layer = relu_layer(500)
    wanted = FINDERS[name](layer)
    monkeypatch.setattr(kmeans_module, "MOST_HELD", 0)
    for module in (encode, kmeans_module):
        monkeypatch.setattr(module, "BLOCK_ROWS", 90)
    monkeypatch.setattr(row_blocks, "READ", 24 * 130)
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        found = FINDERS[name](file.create_dataset("rows", data=layer, chunks=(50, 24)))
        assert name == "nmf" or not isinstance(found.responses, np.ndarray)
        np.testing.assert_allclose(found.vectors, wanted.vectors, atol=1e-5)
        np.testing.assert_array_equal(found.dead, wanted.dead)
        np.testing.assert_array_equal(found.rare(5), wanted.rare(5))
        close = 1e-5 * np.abs(wanted.responses).max()
        np.testing.assert_allclose(found.responses[:], wanted.responses, atol=close)
        captured = {"sha256": "abc", "weights": "train", "count": 500}
        made = tmp_path / "found.h5", tmp_path / "found.json"
        directions.write_layers(*made, [("layer", found)], captured)
    whole = directions.read_layer(made[0], "layer")
    np.testing.assert_allclose(whole.responses, wanted.responses, atol=close)
    assert read_manifest(made[1])["digests"] == {"layer": directions.digest_of(whole)}
    assert read_manifest(made[1])["dead"] == {"layer": wanted.dead.sum()}


@pytest.mark.parametrize("name", ["ica", "nmf", "kmeans_code"])
def test_of_too_many_stimuli_some_are_looked_at_and_all_respond(name, monkeypatch, caplog):
    layer = relu_layer(700)
    monkeypatch.setattr(baselines, "MOST_NUMBERS", 24 * 300)
    found = FINDERS[name](layer)
    assert f"{name}: found on 300 of 700 stimuli, drawn by chance" in caplog.text
    drawn = np.sort(np.random.default_rng(0).choice(700, 300, replace=False))
    wanted = FINDERS[name](layer[drawn])
    np.testing.assert_array_equal(found.vectors, wanted.vectors)
    close = 1e-5 * np.abs(wanted.responses).max()
    np.testing.assert_allclose(found.responses[drawn], wanted.responses, atol=close)


# K-Means from the units, and as in the paper's code -----------------------------------------------


def test_kmeans_from_the_units_finds_clusters_around_the_axes():
    rng = np.random.default_rng(5)
    axis = rng.integers(8, size=500)
    rows = np.eye(8)[axis] + 0.1 * rng.random((500, 8))
    rows *= rng.uniform(0.1, 10, (500, 1))
    found = kmeans_identity(rows.astype(np.float32), readout="cosine")
    means = unit_rows(np.array([unit_rows(rows[axis == unit]).sum(axis=0) for unit in range(8)]))
    np.testing.assert_allclose(found.vectors, means, atol=1e-5)
    assert 0.97 < np.diag(found.vectors).min() < 0.999
    np.testing.assert_array_equal(found.responses.argmax(axis=1), axis)
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-6)


def test_kmeans_from_the_units_needs_as_many_stimuli():
    rows = np.vstack([np.random.default_rng(0).random((7, 8)), np.zeros((5, 8))])
    with pytest.raises(UserError, match=r"^k = 8 must be in 1\.\.7.* 12 rows"):
        kmeans_identity(rows, readout="cosine")


def test_kmeans_of_the_code_is_scikit_learns_on_unit_rows():
    layer = relu_layer()
    layer[17] = 0  # has no direction to give
    found = kmeans_code(layer, k=20, starts=3, seed=1)
    lengths = np.linalg.norm(layer, axis=1, keepdims=True)
    rows = np.divide(layer, lengths, where=lengths > 0, out=np.zeros_like(layer))
    peer = MiniBatchKMeans(20, n_init=3, random_state=1).fit(rows)
    np.testing.assert_array_equal(found.vectors, peer.cluster_centers_)
    np.testing.assert_array_equal(found.responses.argmax(axis=1), peer.labels_)
    np.testing.assert_allclose(found.responses, -cdist(rows, found.vectors), atol=2e-4)
    assert np.linalg.norm(found.vectors, axis=1).max() < 0.999
    other = kmeans_code(layer, k=20, starts=3, seed=2)
    assert not np.allclose(found.vectors, other.vectors)


def test_more_centroids_than_stimuli_are_refused_by_the_code():
    with pytest.raises(UserError, match=r"^k: 31 is more than 30 stimuli"):
        kmeans_code(relu_layer(30), k=31, starts=1, seed=0)


# Files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "count, width, number",
    [(7, 64, 7), ("1x", 64, 64), ("0.5x", 64, 32), ("2x", 3, 6)]
    + [("0.5x", 5, 3), ("0.5x", 7, 4), ("1.5x", 3, 5), ("0.145x", 100, 15), ("0.49x", 1, 0)],
)
def test_multiples_of_the_units_with_halves_up(count, width, number):
    assert count_of(count, width) == number


def test_layers_come_back_as_they_were_written(tmp_path):
    layer = relu_layer()
    written = {"layer1.0": directions.neurons(layer), "layer2": pca(layer, k=4)}
    data, manifest = tmp_path / "found.h5", tmp_path / "found.json"
    captured = {"sha256": "abc", "weights": "train", "count": 700}
    directions.write_layers(data, manifest, written.items(), captured, method="pca")
    for name, methods in directions.read_methods(
        {"any": str(data)}, ["layer2", "layer1.0"]
    ).items():
        np.testing.assert_array_equal(methods["any"].vectors, written[name].vectors)
        np.testing.assert_array_equal(methods["any"].responses, written[name].responses)
        assert methods["any"].two_sided == (name == "layer2")
        assert directions.digest_of(methods["any"]) == directions.digest_of(written[name])
    assert read_manifest(manifest) == {
        "file": "found.h5",
        "sha256": hdf5_digest(data),
        "method": "pca",
        "counts": {"layer1.0": 24, "layer2": 4},
        "dead": {"layer1.0": 2, "layer2": 0},
        "digests": {name: directions.digest_of(found) for name, found in written.items()},
        "activations_sha256": "abc",
        "weights": "train",
        "stimulus_count": 700,
    }
