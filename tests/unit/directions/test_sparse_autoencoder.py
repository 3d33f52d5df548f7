"""Sparse autoencoders: the loss as written, and planted atoms that are found."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from trainings import AUTOENCODER, ROWS, fresh_autoencoder, sparse_rows

from codespectra.directions import sparse_autoencoder
from codespectra.directions.sparse_autoencoder import (
    SparseAutoencoder,
    autoencoder_directions,
    evaluate,
    penalised_error,
    scaled_rows,
    train_autoencoder,
)
from codespectra.errors import UserError

CPU = torch.device("cpu")


# The model and its loss ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", [5, 16, 40])
def test_start_is_orthogonal_with_unit_atoms_and_a_tied_encoder(size):
    network = SparseAutoencoder(16, size)
    gram = (network.atoms @ network.atoms.T).detach().numpy()
    np.testing.assert_allclose(np.diag(gram), 1, atol=1e-6)
    if size <= 16:
        np.testing.assert_allclose(gram, np.eye(size), atol=1e-6)
    else:
        assert np.linalg.matrix_rank(gram) == 16
    assert torch.equal(network.encoder.weight, network.atoms)
    assert not network.encoder.bias.any()


def test_loss_is_the_formula():
    network, l1 = fresh_autoencoder(), 0.3
    weight, bias, atoms = (
        tensor.detach().numpy().astype(np.float64)
        for tensor in (network.encoder.weight, network.encoder.bias, network.atoms)
    )
    rows = ROWS.numpy().astype(np.float64)
    expected = 0.0
    for row in rows:
        code = np.maximum(weight @ row + bias, 0)
        expected += np.sum((row - code @ atoms) ** 2) + l1 * np.abs(code).sum()
    expected /= rows.size
    assert penalised_error(ROWS, *network(ROWS), l1).item() == pytest.approx(expected, rel=1e-5)


def test_one_step_is_adams_on_the_formula(tmp_path):
    network, history = AUTOENCODER.run(tmp_path / "partial", epochs=1, batch=len(ROWS))
    recipe = AUTOENCODER.recipe
    weight, bias, atoms = (
        tensor.detach().clone().requires_grad_()
        for tensor in (lambda n: (n.encoder.weight, n.encoder.bias, n.atoms))(fresh_autoencoder())
    )
    optimizer = torch.optim.Adam([weight, bias, atoms], lr=recipe.learning_rate, fused=False)
    codes = (ROWS @ weight.T + bias).clamp(min=0)
    error = ((codes @ atoms - ROWS) ** 2).sum(dim=1) + recipe.l1 * codes.abs().sum(dim=1)
    loss = error.mean() / ROWS.shape[1]
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        atoms /= atoms.norm(dim=1, keepdim=True)
    assert history[0]["train_loss"] == pytest.approx(loss.item(), rel=1e-5)
    encoder = network.encoder
    for ours, theirs in ((encoder.weight, weight), (encoder.bias, bias), (network.atoms, atoms)):
        clear = theirs.grad.abs() > 1e-6  # Adam's first step takes the sign of rounding as well
        assert clear.float().mean() > 0.5
        assert (ours - theirs)[clear].abs().max() < 1e-4 * recipe.learning_rate


# What training finds ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recovered(tmp_path_factory) -> tuple[SparseAutoencoder, list[dict[str, Any]]]:
    recipe = replace(AUTOENCODER.recipe, epochs=100, batch=128, l1=0.3)
    network, partial = fresh_autoencoder(size=32), tmp_path_factory.mktemp("recovered") / "partial"
    return network, train_autoencoder(network, scaled_rows(sparse_rows()[0], CPU), recipe, partial)


def test_planted_atoms_are_recovered(recovered):
    truth = sparse_rows()[1]
    cosines = recovered[0].atoms.detach().numpy() @ truth.T
    best = cosines[linear_sum_assignment(cosines, maximize=True)]
    assert np.mean(best > 0.9) >= 0.9
    start = fresh_autoencoder(size=32).atoms.detach().numpy() @ truth.T
    assert np.mean(start[linear_sum_assignment(start, maximize=True)] > 0.9) < 0.1


def test_penalty_makes_codes_sparse_and_kills_units_in_the_end(tmp_path):
    found = [AUTOENCODER.run(tmp_path / f"{l1}", epochs=60, l1=l1)[1][-1] for l1 in (0, 0.3, 300)]
    active = [row["mean_active"] for row in found]
    assert active[0] > 2 * active[1] > 0
    assert [active[2], found[2]["dead_share"]] == [0, 1]
    assert found[0]["dead_share"] < 0.5


# Measures and directions --------------------------------------------------------------------------


def test_measures_are_those_of_the_directions(monkeypatch, recovered):
    """By NumPy alone, and whatever the blocks that rows are taken in."""
    rows = scaled_rows(sparse_rows()[0], CPU)
    network = deepcopy(recovered[0])
    with torch.no_grad():
        network.encoder.bias[4] = -1000  # never on
    monkeypatch.setattr(sparse_autoencoder, "BLOCK_ROWS", 300)
    measures, found = evaluate(network, rows), autoencoder_directions(network, sparse_rows()[0])
    assert found.vectors.shape == (32, 16)
    assert found.responses.shape == (2000, 32)
    assert not found.two_sided
    truth = rows.numpy().astype(np.float64)
    error = np.sum((truth - found.responses.astype(np.float64) @ found.vectors) ** 2)
    variance = np.sum((truth - truth.mean(axis=0)) ** 2)
    assert measures["reconstruction_r2"] == pytest.approx(1 - error / variance, rel=1e-5)
    assert measures["mean_active"] == (found.responses > 0).sum() / 2000
    assert found.dead[4]
    assert measures["dead_share"] == found.dead.mean()


@settings(max_examples=20, deadline=None)
@given(st.integers(-100, 63))
def test_size_of_the_activations_does_not_matter(power):
    """Powers of two change no digit."""
    activations = sparse_rows(50)[0]
    rows = scaled_rows(activations * np.float32(2.0**power), CPU)
    assert torch.equal(rows, scaled_rows(activations, CPU))
    assert rows.square().mean().item() == pytest.approx(1, rel=1e-5)


def test_constant_layer_is_refused():
    with pytest.raises(UserError, match=r"^activations: all units are constant"):
        scaled_rows(np.full((20, 4), 0.3, dtype=np.float32), CPU)
