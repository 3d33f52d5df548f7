"""The ResNet-VAE's loss in closed form, and its training: deterministic, resumable, learning."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from interruption import interrupt, same
from torch import nn

from codespectra.data.preprocessing import Preprocess
from codespectra.errors import UserError
from codespectra.models import architectures
from codespectra.models.resnet_vae import ResNetVAE
from codespectra.training import vae
from codespectra.training.vae import VaeRecipe, evaluate, train_vae, vae_loss

ARCHITECTURE = {
    "name": "resnet_vae",
    "encoder": {"name": "basic_resnet", "width": 2, "blocks": [1, 1, 1, 1], "stem_stride": 1},
    "hidden": [12, 12],
    "latent": 4,
    "dropout": 0.2,
    "dropout_sites": "relu",
}
PREPROCESS = Preprocess(
    {"side": None, "mean": [0.5, 0.4, 0.3], "std": [0.25, 0.2, 0.3]}, torch.device("cpu")
)
RECIPE = VaeRecipe(
    epochs=3,
    batch=16,
    learning_rate=1e-2,
    loss="paper",
    kld_weight=0.1,
    seed=0,
    identity="this run",
)


def halves(count: int, seed: int) -> torch.Tensor:
    """8-pixel images, uint8, one half of each bright: left or right, upper or lower."""
    generator = torch.Generator().manual_seed(seed)
    found = torch.randint(0, 40, (count, 8, 8, 3), generator=generator)
    left, upper, right, lower = (found[start::4] for start in range(4))
    for bright in (left[:, :, :4], right[:, :, 4:], upper[:, :4], lower[:, 4:]):
        bright += 200
    return found.to(torch.uint8)


TRAIN, TEST = halves(96, seed=0), halves(30, seed=1)


def build(start: int = 0, **changes: Any) -> ResNetVAE:
    torch.manual_seed(start)
    return architectures.build(ARCHITECTURE | changes, 3)


def train(
    partial: Path, recipe: VaeRecipe = RECIPE, start: int = 0, **changes: Any
) -> tuple[ResNetVAE, list[dict[str, Any]]]:
    """A trained network and its history; `start` seeds the weights that it starts from."""
    built = build(start, **changes)
    return built, train_vae(built, PREPROCESS, TRAIN, TEST, recipe, partial)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[ResNetVAE, list[dict[str, Any]]]:
    return train(tmp_path_factory.mktemp("undisturbed") / "partial")


# Loss --------------------------------------------------------------------------------------------


@pytest.fixture
def outputs() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    shape = (5, 3, 4, 4)
    return {
        "reconstruction": torch.rand(shape, generator=generator) * 0.98 + 0.01,
        "pixels": torch.rand(shape, generator=generator),
        "mean": torch.randn(5, 2, generator=generator),
        "log_variance": torch.randn(5, 2, generator=generator),
    }


def plain_error(reconstruction: torch.Tensor, pixels: torch.Tensor, loss: str) -> float:
    total = 0.0
    for x, y in zip(reconstruction.flatten().tolist(), pixels.flatten().tolist(), strict=True):
        total += (x - y) ** 2 if loss == "paper" else -y * math.log(x) - (1 - y) * math.log(1 - x)
    return total


def plain_divergence(mean: torch.Tensor, log_variance: torch.Tensor) -> float:
    total = 0.0
    for m, v in zip(mean.flatten().tolist(), log_variance.flatten().tolist(), strict=True):
        total += (m**2 + math.exp(v) - 1 - v) / 2
    return total


@pytest.mark.parametrize("loss", ["paper", "code"])
@pytest.mark.parametrize("weight", [0.0, 0.1, 1.0])
def test_loss_is_that_of_a_plain_loop(
    loss: str, weight: float, outputs: dict[str, torch.Tensor]
) -> None:
    error = plain_error(outputs["reconstruction"], outputs["pixels"], loss)
    divergence = plain_divergence(outputs["mean"], outputs["log_variance"])
    found = vae_loss(**outputs, loss=loss, kld_weight=weight).item()
    assert found == pytest.approx((error + weight * divergence) / 5, rel=1e-5)


@pytest.mark.parametrize(
    "mean, variance, nats",
    [
        (0.0, 1.0, 0.0),
        (3.0, 1.0, 4.5),
        (0.0, math.e**2, (math.e**2 - 3) / 2),
        (-1.0, 0.25, (1 + 0.25 - 1 - math.log(0.25)) / 2),
    ],
)
def test_divergence_from_the_standard_normal(mean: float, variance: float, nats: float) -> None:
    """An exact reconstruction leaves the divergence: of two dimensions twice that of one."""
    pixels = torch.rand(6, 3, 4, 4)
    code = torch.full((6, 2), mean), torch.full((6, 2), math.log(variance))
    found = vae_loss(pixels, pixels, *code, loss="paper", kld_weight=1.0).item()
    assert found == pytest.approx(2 * nats, abs=1e-5)


def test_divergence_is_that_of_torchs_normals(outputs: dict[str, torch.Tensor]) -> None:
    code = torch.distributions.Normal(outputs["mean"], (outputs["log_variance"] / 2).exp())
    expected = torch.distributions.kl_divergence(code, torch.distributions.Normal(0, 1)).sum() / 5
    alone = outputs | {"reconstruction": outputs["pixels"]}
    found = vae_loss(**alone, loss="paper", kld_weight=1.0)
    torch.testing.assert_close(found, expected)


# Training ----------------------------------------------------------------------------------------


def test_two_runs_give_the_same_weights(
    undisturbed: tuple[ResNetVAE, list[dict[str, Any]]], tmp_path: Path
) -> None:
    first, history = undisturbed
    second, again = train(tmp_path / "second")
    assert same(first, second)
    assert history == again
    assert not same(first, train(tmp_path / "other", replace(RECIPE, seed=1))[0])
    keys = ["epoch", "train_loss", "test_squared_error", "test_kld", "test_r2"]
    assert [list(row) for row in history] == [keys] * 3


@pytest.mark.parametrize("epoch", [2, 3])
def test_interrupted_run_ends_like_an_undisturbed_one(
    epoch: int,
    undisturbed: tuple[ResNetVAE, list[dict[str, Any]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Dropout and the noise of the code draw from torch's global generator."""
    with monkeypatch.context() as patched:
        interrupt(patched, vae, epoch)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "partial")
    resumed, history = train(tmp_path / "partial", start=1)
    assert same(resumed, undisturbed[0])
    assert history == undisturbed[1]


def test_state_of_another_run_is_ignored(
    undisturbed: tuple[ResNetVAE, list[dict[str, Any]]], tmp_path: Path
) -> None:
    train(tmp_path / "partial", replace(RECIPE, epochs=1, identity="another run"), start=1)
    network, history = train(tmp_path / "partial")
    assert same(network, undisturbed[0])
    assert history == undisturbed[1]


@pytest.mark.parametrize("loss", ["paper", "code"])
def test_lost_loss_names_the_epoch_and_keeps_the_state(loss: str, tmp_path: Path) -> None:
    # One step an epoch: the loss of epoch 1 is that of the fresh weights.
    recipe = replace(RECIPE, batch=96, learning_rate=1e30, loss=loss)
    partial = tmp_path / "partial"
    with pytest.raises(UserError) as caught:
        train(partial, recipe)
    for told in ("in epoch 2", "learning_rate (1e+30)", f"after epoch 1 is in {partial}"):
        assert told in str(caught.value)
    state = torch.load(partial, weights_only=True)
    assert [row["epoch"] for row in state["history"]] == [1]


@pytest.mark.parametrize("loss", ["paper", "code"])
def test_simple_images_are_learned(loss: str, tmp_path: Path) -> None:
    recipe = replace(RECIPE, epochs=12, loss=loss)
    network, history = train(tmp_path / "partial", recipe, hidden=[32, 32], dropout=0.0)
    assert history[0]["test_r2"] < 0.3
    assert history[-1]["test_r2"] > 0.6
    assert history[-1]["train_loss"] < 0.7 * history[0]["train_loss"]
    assert not network.training
    row = {key: value for key, value in history[-1].items() if key.startswith("test")}
    assert evaluate(network, PREPROCESS, TEST) == row


def test_every_part_learns(undisturbed: tuple[ResNetVAE, list[dict[str, Any]]]) -> None:
    fresh, trained = build().state_dict(), undisturbed[0].state_dict()
    assert [name for name in fresh if torch.equal(fresh[name], trained[name])] == []


def test_divergence_is_paid_for(tmp_path: Path) -> None:
    recipes = [replace(RECIPE, kld_weight=weight) for weight in (0.0, 10.0)]
    free, dear = (train(tmp_path / str(r.kld_weight), r)[1][-1]["test_kld"] for r in recipes)
    assert dear < free / 4


# Evaluation --------------------------------------------------------------------------------------


def test_evaluation_is_that_of_plain_sums() -> None:
    """1 - SSE / SST about the mean image, in float64 from outputs of one image at a time."""
    network = build().eval()
    errors, divergences, shown = [], [], []
    with torch.no_grad():
        for image in TEST:
            pixels = PREPROCESS.pixels(image[None])
            found, mean, log_variance = network.reconstruct(PREPROCESS.normalise(pixels))
            errors.append(((found - pixels).double() ** 2).numpy())
            divergences.append(plain_divergence(mean, log_variance))
            shown.append(pixels.double().numpy())
    shown = np.concatenate(shown)
    sse, sst = np.sum(errors), np.sum((shown - shown.mean(0)) ** 2)
    found = evaluate(network, PREPROCESS, TEST)
    assert found == {
        "test_squared_error": pytest.approx(np.mean(errors), rel=1e-5),
        "test_kld": pytest.approx(np.mean(divergences), rel=1e-5),
        "test_r2": pytest.approx(1 - sse / sst, rel=1e-5),
    }


def test_evaluation_does_not_depend_on_the_batch() -> None:
    network = build()
    whole, parts = (evaluate(network, PREPROCESS, TEST, batch) for batch in (30, 7))
    for key, value in whole.items():
        assert parts[key] == pytest.approx(value, rel=1e-5)


class Fixed(nn.Module):
    """Reconstructs what it is told to, whatever it sees."""

    def __init__(self, answer: Any):
        super().__init__()
        self.answer = answer

    def reconstruct(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return self.answer(images), torch.zeros(len(images), 2), torch.zeros(len(images), 2)


def test_r2_is_1_of_the_images_and_0_of_their_mean() -> None:
    mean = PREPROCESS.pixels(TEST).mean(0)
    exact = Fixed(lambda images: images * PREPROCESS.std + PREPROCESS.mean)
    constant = Fixed(lambda images: mean.expand_as(images))
    assert evaluate(exact, PREPROCESS, TEST, 7)["test_r2"] == pytest.approx(1, abs=1e-6)
    assert evaluate(constant, PREPROCESS, TEST, 7)["test_r2"] == pytest.approx(0, abs=1e-6)
    assert evaluate(constant, PREPROCESS, TEST, 7)["test_kld"] == 0
