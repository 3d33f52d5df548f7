"""Language models learn what can be learned and no more."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from trainings import CONTEXT, CYCLE, LANGUAGE, History, Training
from transformers import GPT2LMHeadModel

from codespectra.errors import UserError
from codespectra.training import language_model
from codespectra.training.language_model import (
    LanguageRecipe,
    evaluate,
    next_byte_loss,
    rate_factor,
    rounds_of,
    train_language_model,
    windows,
)


def text(content: bytes) -> torch.Tensor:
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)


def learning(learned: torch.Tensor, held_out: torch.Tensor) -> Training:
    """The training on other texts."""

    def fit(network: GPT2LMHeadModel, recipe: LanguageRecipe, partial: Path) -> History:
        return train_language_model(network, learned, held_out, recipe, partial)

    return replace(LANGUAGE, fit=fit)


def test_cycle_is_learned(tmp_path: Path) -> None:
    network, history = LANGUAGE.run(tmp_path / "partial", round_steps=60, learning_rate=3e-2)
    assert history[-1]["test_nats"] < 0.05
    assert [(row["epoch"], row["steps"]) for row in history] == [(1, 60), (2, 120), (3, 180)]
    starts = torch.arange(5)
    chosen = windows(CYCLE, starts, CONTEXT)
    foretold = network(chosen[:, :-1]).logits.argmax(-1)
    assert torch.equal(foretold[:, 1:], chosen[:, 2:])


def test_noise_is_learned_down_to_its_entropy_and_no_further(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randint(4, (60_000,), generator=generator).to(torch.uint8) + 65
    training = learning(*noise.split([40_000, 20_000]))
    _, history = training.run(tmp_path / "partial", epochs=1, round_steps=80, batch=16)
    # 1,600 held-out bytes of 4 equal symbols: log 4 nats is the least that can be had.
    assert math.log(4) - 0.01 < history[-1]["test_nats"] < math.log(4) + 0.1


def test_network_that_knows_nothing_loses_log_256_nats_a_byte() -> None:
    network = LANGUAGE.build(0)
    with torch.no_grad():
        network.transformer.wte.weight.zero_()
    loss = next_byte_loss(network, windows(CYCLE, torch.arange(3), CONTEXT))
    assert loss.item() == pytest.approx(math.log(256), rel=1e-6)
    # Every byte after a window's first is foretold once from those before it alone.
    network = LANGUAGE.build(0)
    chosen = windows(CYCLE, torch.tensor([7]), CONTEXT)
    expected = [
        -network(chosen[:, :i]).logits[0, -1].log_softmax(0)[chosen[0, i]].item()
        for i in range(1, CONTEXT + 1)
    ]
    found = evaluate(network, chosen)["test_nats"]
    assert found == pytest.approx(sum(expected) / CONTEXT, rel=1e-5)


def test_windows_reach_the_last_byte_and_no_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.Tensor] = []
    monkeypatch.setattr(
        language_model,
        "windows",
        lambda text, starts, context: seen.append(starts) or windows(text, starts, context),
    )
    short = text(bytes(range(CONTEXT + 3)))
    learning(short, short).run(tmp_path / "partial")
    assert set(torch.cat(seen[1:]).tolist()) == {0, 1, 2}
    only = text(bytes(range(CONTEXT + 1)))
    assert torch.equal(windows(only, torch.tensor([0]), CONTEXT)[0], only.long())


@pytest.mark.parametrize(("learned", "held_out", "which"), [(16, 17, "training"), (17, 16, "held")])
def test_text_shorter_than_a_window_is_refused(
    learned: int, held_out: int, which: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=f"16 {which}.* bytes, but a window has 17"):
        learning(CYCLE[:learned], CYCLE[:held_out]).run(tmp_path / "partial")


@given(st.integers(1, 20_000))
def test_rounds_are_short_and_hardly_more_steps_than_wanted(steps: int) -> None:
    rounds = rounds_of(steps)
    total = rounds["epochs"] * rounds["round_steps"]
    assert 1 <= rounds["round_steps"] <= language_model.ROUND
    assert steps <= total < steps + rounds["epochs"]


def test_embedded_default_is_done_in_just_its_steps() -> None:
    assert rounds_of(1100) == {"epochs": 11, "round_steps": 100}


@given(st.integers(2, 5000))
def test_rate_warms_up_to_its_peak_and_falls_to_a_tenth(steps: int) -> None:
    factors = [rate_factor(step, steps) for step in range(steps + 1)]
    peak = math.ceil(0.05 * steps)
    assert factors[peak - 1] == factors[peak] == 1 == max(factors)
    assert factors[-1] == pytest.approx(0.1)
    assert factors[:peak] == pytest.approx([(i + 1) / peak for i in range(peak)])
    assert all(a > b for a, b in zip(factors[peak:-1], factors[peak + 1 :], strict=True))


def test_weight_decay_shrinks_matrices_alone() -> None:
    network = LANGUAGE.build(0)
    decayed, kept = language_model._optimizer(network, 1e-3).param_groups
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.1, 0.0)
    assert {weight.dim() for weight in decayed["params"]} == {2}
    assert {weight.dim() for weight in kept["params"]} == {1}
    count = sum(weight.numel() for weight in decayed["params"] + kept["params"])
    assert count == network.num_parameters()
