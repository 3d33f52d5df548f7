"""Directions are applied elsewhere: what a file keeps gives the stored responses, and new ones."""

import warnings
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import xarray
from scipy.optimize import nnls

from codespectra.directions import directions, finders
from codespectra.directions.baselines import ica, kmeans_code, nmf, pca
from codespectra.directions.encode import encode
from codespectra.directions.nonnegative import nonnegative_code
from codespectra.directions.sparse_autoencoder import SparseAutoencoders, autoencoder_directions
from codespectra.errors import UserError
from codespectra.files.hdf5_files import hdf5_digest

UNITS = 24


def layer(rows: int, seed: int = 0) -> np.ndarray:
    """Activations of a ReLU, one unit of them dead and one stuck, and one row of zeros."""
    rng = np.random.default_rng(seed)
    hidden = rng.standard_normal((rows, 10)) @ np.random.default_rng(7).standard_normal((10, UNITS))
    found = np.maximum(hidden + 0.3 * rng.standard_normal((rows, UNITS)), 0)
    found[:, 3], found[:, 5], found[4] = 0, 0.7, 0
    return found.astype(np.float32)


def autoencoder(activations: np.ndarray) -> directions.Directions:
    """Of an encoder that has moved away from its atoms, with biases."""
    torch.manual_seed(0)
    network = SparseAutoencoders(UNITS, 31)
    with torch.no_grad():
        network.weights += 0.1 * torch.randn(UNITS, 31)
        network.biases += 0.3 * torch.randn(31)
    return autoencoder_directions(network, activations)


KMEANS = {
    how: partial(finders.kmeans, k=9, starts=1, readout=how, seed=0)
    for how in ("cosine", "dot", "neg_distance")
}
METHODS = {
    "neurons": directions.neurons,
    "pca": partial(pca, k=9),
    "ica": partial(ica, k=9, iterations=50, seed=0),
    "nmf": partial(nmf, k=9, iterations=200, seed=0),
    "nmf, overcomplete": partial(nmf, k=40, iterations=200, seed=0),
    "kmeans, cosine": KMEANS["cosine"],
    "kmeans, dot": KMEANS["dot"],
    "kmeans, neg_distance": KMEANS["neg_distance"],
    "kmeans_identity": partial(finders.kmeans_identity, readout="neg_distance"),
    "kmeans_code": partial(kmeans_code, k=9, starts=2, seed=0),
    "random": partial(finders.random, k=9, seed=0),
    "exemplar": partial(finders.exemplar, k=9, seed=0),
    "sae": autoencoder,
}


@pytest.fixture(scope="module", params=METHODS)
def found(request, tmp_path_factory) -> tuple[Path, np.ndarray, directions.Directions]:
    """The file of a method, the activations that it was found with, and what it holds."""
    activations = layer(3000)
    written = METHODS[request.param](activations)
    path = tmp_path_factory.mktemp("found") / "found.h5"
    captured = {"sha256": "abc", "weights": "train", "count": 3000}
    directions.write_layers(
        path, path.with_suffix(".json"), [("layer1.0", written)], captured, method=request.param
    )
    return path, activations, written


def close(first: np.ndarray, second: np.ndarray) -> None:
    """As `encode` says: to 1e-5 of the largest response."""
    assert first.dtype == second.dtype == np.float32
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-5 * np.abs(second).max())


def test_the_activations_of_a_method_have_its_stored_responses(found, tmp_path):
    path, activations, written = found
    with h5py.File(path) as file:
        stored = file["layer1.0/responses"][:]
        close(encode(file, "layer1.0", activations), stored)
        assert directions.read_directions(file["layer1.0"]).encoder.read_out
    close(encode(path, "layer1.0", activations), stored)
    close(encode(str(path), "layer1.0", torch.tensor(activations, requires_grad=True)), stored)
    with h5py.File(tmp_path / "captured.h5", "w") as captured:
        dataset = captured.create_dataset("a", data=activations)
        close(encode(path, "layer1.0", dataset), stored)
        dataset[2500, 3] = np.nan
        with pytest.raises(UserError, match=r"^activations: row 2500 of 3000 is not finite"):
            encode(path, "layer1.0", dataset)
    np.testing.assert_array_equal(stored, written.responses)


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_batches_have_the_responses_of_all_rows(found, batch):
    path, activations, written = found
    rows = activations[:40] if batch < 1000 else activations
    batches = [rows[start : start + batch] for start in range(0, len(rows), batch)]
    joined = np.concatenate([encode(path, "layer1.0", rows) for rows in batches])
    largest = np.abs(written.responses).max()
    np.testing.assert_allclose(joined, written.responses[: len(rows)], rtol=0, atol=1e-5 * largest)


def test_new_rows_have_the_response_that_the_methods_state(found):
    """In float64, by the table of methods §5."""
    path, activations, written = found
    rows, encoder = layer(200, seed=1), written.encoder
    exact, vectors = rows.astype(np.float64), written.vectors.astype(np.float64)
    lengths = np.linalg.norm(exact, axis=1, keepdims=True)
    unit = np.divide(exact, lengths, where=lengths > 0, out=np.zeros_like(exact))
    centred = exact - activations.mean(axis=0, dtype=np.float64)
    expected = {
        "dot": (centred if written.two_sided else exact) @ vectors.T,
        "cosine": unit @ vectors.T,
        "neg_distance": -np.linalg.norm(unit[:, None] - vectors, axis=2),
    }
    if encoder.read_out == "relu":
        size = np.sqrt(np.mean(activations.astype(np.float64) ** 2))
        before = exact / size @ encoder.weights.T.astype(np.float64) + encoder.biases
        expected["relu"] = np.maximum(before, 0)
    response = encode(path, "layer1.0", rows)
    if encoder.read_out == "nonnegative":
        assert (response >= 0).all()
        # The code is not quite the best one: as near as the sweeps of the finder came.
        best = np.array([nnls(vectors.T, row)[1] for row in exact])
        error = np.linalg.norm(exact - response @ vectors, axis=1)
        np.testing.assert_allclose(error, best, atol=2e-2 * np.linalg.norm(exact, axis=1).max())
    else:
        close(response, expected[encoder.read_out].astype(np.float32))


def test_files_of_directions_are_the_same_to_the_byte(found, tmp_path):
    path, _, written = found
    captured = {"sha256": "abc", "weights": "train", "count": 3000}
    again = tmp_path / "found.h5"
    directions.write_layers(again, tmp_path / "found.json", [("layer1.0", written)], captured)
    assert again.read_bytes() == path.read_bytes()
    assert hdf5_digest(again) == hdf5_digest(path)


def test_the_code_of_a_row_has_nothing_to_do_with_the_rows_beside_it():
    """scikit-learn's own `transform` of a row depends on when the others are done."""
    rows, parts = layer(300), np.random.default_rng(0).random((30, UNITS), np.float32)
    _, sweeps = nonnegative_code(rows, parts, 200)
    together, _ = nonnegative_code(rows, parts, sweeps, tolerance=0)
    alone = np.concatenate(
        [nonnegative_code(row[None], parts, sweeps, tolerance=0)[0] for row in rows]
    )
    np.testing.assert_allclose(alone, together, atol=1e-5 * together.max())
    stopping = np.concatenate([nonnegative_code(row[None], parts, 200)[0] for row in rows])
    assert np.abs(stopping - together).max() > 1e-4 * together.max()


@pytest.mark.parametrize(
    ("name", "activations", "words"),
    [
        ("layer2", layer(5), "layer 'layer2' isn't in .*found.h5: did you mean 'layer1.0'"),
        ("layer1.0", layer(5)[:, :7], "activations has 7 columns, but directions are of 24 units"),
        ("layer1.0", [1.0] * UNITS, "activations of shape \\(24,\\), expected \\(N, D\\)"),
        (
            "layer1.0",
            layer(5) * np.nan,
            "activations of shape .* hold 120 .* row 0 of 5 .column 0.; drop",
        ),
    ],
)
def test_what_cannot_be_encoded_is_refused_in_one_line(found, name, activations, words):
    with pytest.raises(UserError, match=f"^{words}") as refusal:
        encode(found[0], name, activations)
    assert "\n" not in str(refusal.value)


def test_a_file_of_something_else_says_so(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["none"] = np.eye(3)
        with pytest.raises(UserError, match=r"^file .*a\.h5 holds no directions of none"):
            encode(file, "none", np.eye(3))


def test_a_file_of_an_older_version_says_so(found, tmp_path):
    with h5py.File(tmp_path / "old.h5", "w") as file:
        directions.write_directions(
            file.create_group("layer1.0"), directions.Directions(np.eye(3), np.eye(3))
        )
        with pytest.raises(UserError, match=r"old\.h5: keeps no encoder of /layer1\.0; .* again"):
            encode(file, "layer1.0", np.eye(3))


def test_xarray_sees_named_axes(found):
    path, _, written = found
    with (
        warnings.catch_warnings(action="error"),
        xarray.open_datatree(path, engine="h5netcdf") as tree,
    ):
        layer = tree["layer1.0"]
        assert layer["vectors"].dims == ("direction", "unit")
        assert layer["responses"].dims == ("stimulus", "direction")
        np.testing.assert_array_equal(layer["responses"], written.responses)
        assert layer["encoder"].attrs["read_out"] == written.encoder.read_out
        assert {*layer["encoder"].dims} <= {"direction", "unit", "stimulus"}
