"""Sparse autoencoders: the loss as written, each as if alone, and planted atoms that are found."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from torch import nn
from trainings import AUTOENCODERS, ROWS, fresh_autoencoders, sparse_rows

from codespectra.directions import sparse_autoencoder
from codespectra.directions.sparse_autoencoder import (
    SparseAutoencoders,
    autoencoder_directions,
    evaluate,
    penalised_errors,
    scaled_rows,
    train_autoencoders,
)
from codespectra.errors import UserError

CPU = torch.device("cpu")
RECIPE = AUTOENCODERS.recipe


# The models and their loss ------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 5, 16, 40])
def test_start_is_orthogonal_with_unit_atoms_and_a_tied_encoder_the_same_for_all(size):
    networks = SparseAutoencoders(16, size, 2)
    atoms = networks.atoms.detach()
    gram = (atoms[0] @ atoms[0].T).numpy()
    np.testing.assert_allclose(np.diag(gram), 1, atol=1e-6)
    if size <= 16:
        np.testing.assert_allclose(gram, np.eye(size), atol=1e-6)
    else:
        assert np.linalg.matrix_rank(gram) == 16
    assert torch.equal(atoms[0], atoms[1])
    assert torch.equal(networks.weights, atoms.mT)
    assert not networks.biases.any()


def test_loss_is_the_formula():
    networks, l1 = fresh_autoencoders(), torch.tensor([0.3, 0.7])
    found = penalised_errors(ROWS, *networks(ROWS), l1).tolist()
    rows = ROWS.numpy().astype(np.float64)
    for at in range(2):
        weights, biases, atoms = (
            tensor[at].detach().numpy().astype(np.float64)
            for tensor in (networks.weights, networks.biases, networks.atoms)
        )
        expected = 0.0
        for row in rows:
            code = np.maximum(row @ weights + biases[0], 0)
            expected += np.sum((row - code @ atoms) ** 2) + l1[at].item() * np.abs(code).sum()
        assert found[at] == pytest.approx(expected / rows.size, rel=1e-5)


def plain_training(rows: torch.Tensor, l1: float, steps: int) -> dict[str, torch.Tensor]:
    """One autoencoder as modules and the formula have it, on the batches that ours takes."""
    encoder, start = nn.Linear(16, 24), fresh_autoencoders()
    encoder.load_state_dict({"weight": start.atoms[0], "bias": start.biases[0, 0]})
    atoms = start.atoms[0].detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([*encoder.parameters(), atoms], lr=RECIPE.learning_rate)
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(1))
    for batch in rows[order].split(RECIPE.batch)[:steps]:
        codes = encoder(batch).clamp(min=0)
        error = ((codes @ atoms - batch) ** 2).sum(dim=1) + l1 * codes.abs().sum(dim=1)
        optimizer.zero_grad()
        (error.mean() / 16).backward()
        optimizer.step()
        with torch.no_grad():
            atoms /= atoms.norm(dim=1, keepdim=True)
    return {"weights": encoder.weight.T, "biases": encoder.bias[None], "atoms": atoms}


def distances(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> list[float]:
    return [(first[name] - second[name]).abs().max().item() for name in first]


def test_sixty_steps_are_adams_on_the_formula():
    """Rounding grows from step to step: by the sign that Adam's first ones take of it, too."""
    rows = scaled_rows(sparse_rows(60 * RECIPE.batch)[0], CPU)
    networks = fresh_autoencoders()
    train_autoencoders(networks, rows, replace(RECIPE, epochs=1), None)
    for at, l1 in enumerate(RECIPE.penalties):
        ours = {name: one[at] for name, one in networks.state_dict().items()}
        assert max(distances(ours, plain_training(rows, l1, 60))) < 1e-4


# Each as if alone ---------------------------------------------------------------------------------

PENALTIES = (0.01, 0.05, 0.3, 1.0, 3.0)


@pytest.mark.parametrize("size", [24, 13])
def test_those_that_train_together_are_those_that_train_alone(size):
    """After 250 steps; 13 fills no vector register."""
    rows = scaled_rows(sparse_rows(400)[0], CPU)
    networks = fresh_autoencoders(size=size, count=5)
    recipe = replace(RECIPE, epochs=25, batch=40, penalties=PENALTIES)
    together = train_autoencoders(networks, rows, recipe, None)
    for at, l1 in enumerate(PENALTIES):
        alone = fresh_autoencoders(size=size, count=1)
        recipe = replace(recipe, penalties=[l1])
        [history] = train_autoencoders(alone, rows, recipe, None)
        found = {name: one[at] for name, one in networks.state_dict().items()}
        assert max(distances(found, {k: v[0] for k, v in alone.state_dict().items()})) < 1e-5
        assert [row.keys() for row in together[at]] == [row.keys() for row in history]
        for ours, theirs in zip(together[at], history, strict=True):
            assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-9)
    assert together[0][-1]["mean_active"] > 3 * together[-1][-1]["mean_active"]


def test_a_lost_loss_names_its_penalty(caplog):
    with pytest.raises(UserError, match=r"in epoch 1; lower directions\.methods\.sae"):
        AUTOENCODERS.run(None, penalties=(0.05, float("inf")))
    assert "the loss is lost of l1 = [inf]" in caplog.text


# What training finds ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recovered() -> tuple[SparseAutoencoders, list[dict[str, Any]]]:
    recipe = replace(RECIPE, epochs=100, batch=128, penalties=[0.3])
    networks, rows = fresh_autoencoders(size=32, count=1), scaled_rows(sparse_rows()[0], CPU)
    return networks, train_autoencoders(networks, rows, recipe, None)[0]


def test_planted_atoms_are_recovered(recovered):
    truth = sparse_rows()[1]
    cosines = recovered[0].atoms[0].detach().numpy() @ truth.T
    best = cosines[linear_sum_assignment(cosines, maximize=True)]
    assert np.mean(best > 0.9) >= 0.9
    start = fresh_autoencoders(size=32).atoms[0].detach().numpy() @ truth.T
    assert np.mean(start[linear_sum_assignment(start, maximize=True)] > 0.9) < 0.1


def test_penalty_makes_codes_sparse_and_kills_units_in_the_end():
    networks = fresh_autoencoders(count=3)
    recipe = replace(RECIPE, epochs=60, penalties=(0, 0.3, 300))
    found = [rows[-1] for rows in train_autoencoders(networks, ROWS, recipe, None)]
    active = [row["mean_active"] for row in found]
    assert active[0] > 2 * active[1] > 0
    assert [active[2], found[2]["dead_share"]] == [0, 1]
    assert found[0]["dead_share"] < 0.5


# Measures and directions --------------------------------------------------------------------------


def test_measures_are_those_of_the_directions(monkeypatch, recovered):
    """By NumPy alone, and whatever the blocks that rows are taken in."""
    rows = scaled_rows(sparse_rows()[0], CPU)
    networks = deepcopy(recovered[0])
    with torch.no_grad():
        networks.biases[0, 0, 4] = -1000  # never on
    monkeypatch.setattr(sparse_autoencoder, "BLOCK_ROWS", 300)
    measures = {name: value for name, [value] in evaluate(networks, rows).items()}
    found = autoencoder_directions(networks, sparse_rows()[0])
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
