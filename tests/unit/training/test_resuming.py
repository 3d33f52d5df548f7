"""Training: the same each time, resumable bit for bit, and loud when the loss is lost."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from trainings import AUTOENCODERS, LANGUAGE, PLAIN, TRAININGS, VAE, History, Training, same

from codespectra.errors import UserError
from codespectra.training import epochs
from codespectra.training.epochs import Recipe, descend, run_epochs

Case = tuple[Training, nn.Module, History]


@pytest.fixture(scope="module", params=TRAININGS)
def case(request, tmp_path_factory) -> Case:
    """A training, and what an undisturbed run of it gives."""
    training = TRAININGS[request.param]
    return training, *training.run(tmp_path_factory.mktemp("undisturbed") / "partial")


def check(case: Case, network: nn.Module, history: History) -> None:
    """That a run has ended as the undisturbed one."""
    assert same(network, case[1])
    assert history == case[2]


def test_two_runs_give_the_same_weights_and_another_seed_others(case, tmp_path):
    training = case[0]
    check(case, *training.run(tmp_path / "second"))
    assert not same(case[1], training.run(tmp_path / "other", seed=1)[0])


@pytest.mark.parametrize("epoch", [2, 3])
def test_an_interrupted_run_ends_like_an_undisturbed_one(case, epoch, tmp_path):
    """Other weights to start from: all that counts comes from the partial state."""
    training = case[0]
    training.die(tmp_path / "partial", epoch)
    check(case, *training.run(tmp_path / "partial", start=1))


def test_a_run_interrupted_in_its_first_epoch_starts_anew(case, tmp_path):
    training = case[0]
    training.die(tmp_path / "partial", 1)
    assert not (tmp_path / "partial").exists()
    check(case, *training.run(tmp_path / "partial"))


def test_the_state_of_another_run_is_ignored(case, tmp_path):
    training = case[0]
    another = {"epochs": 2, "learning_rate": 1e-3, "identity": "another run"}
    training.run(tmp_path / "partial", start=1, **another)
    check(case, *training.run(tmp_path / "partial"))


def test_a_finished_run_is_not_repeated(case, tmp_path, monkeypatch):
    training = case[0]
    training.run(tmp_path / "partial")
    monkeypatch.setattr(training.module, "evaluate", lambda *_: pytest.fail("trained again"))
    check(case, *training.run(tmp_path / "partial", start=1))


# Lost losses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("training", "one_step_an_epoch"),
    [
        (PLAIN, {"batch": 96}),
        (VAE, {"batch": 96, "loss": "paper"}),
        (VAE, {"batch": 96, "loss": "code"}),
        (LANGUAGE, {"round_steps": 1}),
        (AUTOENCODERS, {"batch": 200}),
    ],
)
def test_a_lost_loss_names_the_epoch_and_the_key_and_keeps_the_state(
    training: Training, one_step_an_epoch: dict[str, Any], tmp_path
):
    """The loss of epoch 1 is that of the fresh weights."""
    partial = tmp_path / "partial"
    with pytest.raises(UserError) as caught:
        training.run(partial, learning_rate=1e30, **one_step_an_epoch)
    key = rf"lower {training.key} \(1e\+30\)"
    told = rf"in epoch (\d); {key}\. The state after epoch (\d) is in {partial}$"
    lost, kept = map(int, re.search(told, str(caught.value)).groups())
    assert 1 <= kept == lost - 1
    history = torch.load(partial, weights_only=True)["history"]
    assert [row["epoch"] for row in history] == list(range(1, lost))


def test_a_loss_lost_at_once_promises_no_state(tmp_path):
    with pytest.raises(UserError, match=r"in epoch 1; lower training\.learning_rate \(1e\+30\)$"):
        PLAIN.run(tmp_path / "partial", learning_rate=1e30)
    assert not (tmp_path / "partial").exists()


# Damage ------------------------------------------------------------------------------------------

RECIPE = Recipe(epochs=3, batch=4, learning_rate=0.1, seed=0, identity="this run")


def train_line(partial: Path | None, recipe: Recipe = RECIPE) -> torch.Tensor:
    """Weights of a linear layer after its epochs."""
    torch.manual_seed(0)
    network, rows = nn.Linear(2, 1), torch.arange(32.0).reshape(16, 2) / 32
    optimizer = torch.optim.AdamW(network.parameters(), lr=RECIPE.learning_rate)

    def step(chosen: torch.Tensor, _: torch.Generator) -> float:
        return descend(network(rows[chosen]).square().mean(), optimizer)

    parts = {"network": network, "optimizer": optimizer}
    run_epochs(parts, 16, step, dict, recipe, device=torch.device("cpu"), partial=partial)
    return network.weight.detach()


def test_a_damaged_state_starts_anew_and_says_so(tmp_path, caplog):
    partial = tmp_path / "partial"
    expected, whole = train_line(partial), partial.read_bytes()
    rng, refused = np.random.default_rng(0), 0
    for _ in range(40):
        changed = bytearray(whole)
        changed[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        partial.write_bytes(bytes(changed))
        caplog.clear()
        assert torch.equal(train_line(partial), expected)
        refused += f"{partial} is damaged; starting anew" in caplog.text
    assert refused > 20


@pytest.mark.parametrize(("seconds", "kept"), [(1000, [2, 4, 6, 7]), (0, [1, 2, 3, 4, 5, 6, 7])])
def test_of_many_short_epochs_the_state_of_some_is_kept(seconds, kept, tmp_path, monkeypatch):
    """After the last always; of long ones that of each."""
    monkeypatch.setattr(epochs, "LOGGED_EPOCHS", 3)
    monkeypatch.setattr(epochs, "KEPT_SECONDS", seconds)
    found = []
    monkeypatch.setattr(epochs, "save_tensors", lambda _, x: found.append(len(x["history"])))
    recipe = replace(RECIPE, epochs=7)
    assert torch.equal(train_line(tmp_path / "partial", recipe), train_line(None, recipe))
    assert found == kept


def without_network(content: dict[str, Any]) -> None:
    del content["state"]["network"]


def another_weight(content: dict[str, Any]) -> None:
    content["state"]["network"]["bias"] += 1


def another_loss(content: dict[str, Any]) -> None:
    content["history"][0]["train_loss"] = 0.5


def without_digest(content: dict[str, Any]) -> None:
    del content["digest"]


@pytest.mark.parametrize("edit", [without_network, another_weight, another_loss, without_digest])
def test_an_edited_state_starts_anew_and_says_so(edit, tmp_path, caplog):
    partial = tmp_path / "partial"
    expected = train_line(partial)
    content = torch.load(partial, weights_only=True)
    edit(content)
    torch.save(content, partial)
    assert torch.equal(train_line(partial), expected)
    assert f"{partial} is damaged: it isn't what was written; starting anew" in caplog.text


@pytest.mark.parametrize("content", [b"", b"no checkpoint", None])
def test_a_foreign_state_is_not_taken_up(content: bytes | None, tmp_path):
    partial = tmp_path / "partial"
    expected, whole = train_line(partial), partial.read_bytes()
    if content is None:
        torch.save({"weight": torch.zeros(2)}, partial)
    else:
        partial.write_bytes(content)
    assert torch.equal(train_line(partial), expected)
    assert partial.read_bytes() == whole
