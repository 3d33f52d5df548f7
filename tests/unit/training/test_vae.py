"""The ResNet-VAE's loss in closed form, what it learns, and its evaluation by plain sums."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from trainings import HALVES_TEST, PREPROCESS, RESNET_VAE, VAE, built

from codespectra.models.resnet_vae import ResNetVAE
from codespectra.training.vae import evaluate, vae_loss

Trained = tuple[ResNetVAE, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Trained:
    return VAE.run(tmp_path_factory.mktemp("trained") / "partial")


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


# Training ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["paper", "code"])
def test_simple_images_are_learned(loss: str, tmp_path) -> None:
    wide = RESNET_VAE | {"hidden": [32, 32], "dropout": 0.0}
    training = replace(VAE, build=lambda seed: built(wide, seed))
    network, history = training.run(tmp_path / "partial", epochs=12, loss=loss)
    assert history[0]["test_r2"] < 0.3
    assert history[-1]["test_r2"] > 0.6
    assert history[-1]["train_loss"] < 0.7 * history[0]["train_loss"]
    assert not network.training
    row = {key: value for key, value in history[-1].items() if key.startswith("test")}
    assert evaluate(network, PREPROCESS, HALVES_TEST) == row


def test_every_part_learns_and_every_epoch_has_its_row(trained: Trained) -> None:
    fresh, state = VAE.build(0).state_dict(), trained[0].state_dict()
    assert [name for name in fresh if torch.equal(fresh[name], state[name])] == []
    keys = ["epoch", "train_loss", "test_squared_error", "test_kld", "test_r2"]
    assert [list(row) for row in trained[1]] == [keys] * 3


# Evaluation --------------------------------------------------------------------------------------


def test_evaluation_is_that_of_plain_sums() -> None:
    """1 - SSE / SST about the mean image, in float64 from outputs of one image at a time."""
    network = VAE.build(0).eval()
    errors, divergences, shown = [], [], []
    with torch.no_grad():
        for image in HALVES_TEST:
            pixels = PREPROCESS.pixels(image[None])
            found, mean, log_variance = network.reconstruct(PREPROCESS.normalise(pixels))
            errors.append(((found - pixels).double() ** 2).numpy())
            divergences.append(plain_divergence(mean, log_variance))
            shown.append(pixels.double().numpy())
    shown = np.concatenate(shown)
    sse, sst = np.sum(errors), np.sum((shown - shown.mean(0)) ** 2)
    found = evaluate(network, PREPROCESS, HALVES_TEST)
    assert found == {
        "test_squared_error": pytest.approx(np.mean(errors), rel=1e-5),
        "test_kld": pytest.approx(np.mean(divergences), rel=1e-5),
        "test_r2": pytest.approx(1 - sse / sst, rel=1e-5),
    }


class Fixed(nn.Module):
    """Reconstructs what it is told to, whatever it sees."""

    def __init__(self, answer: Any):
        super().__init__()
        self.answer = answer

    def reconstruct(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return self.answer(images), torch.zeros(len(images), 2), torch.zeros(len(images), 2)


def test_r2_is_1_of_the_images_and_0_of_their_mean() -> None:
    mean = PREPROCESS.pixels(HALVES_TEST).mean(0)
    exact = Fixed(lambda images: images * PREPROCESS.std + PREPROCESS.mean)
    constant = Fixed(lambda images: mean.expand_as(images))
    assert evaluate(exact, PREPROCESS, HALVES_TEST, 7)["test_r2"] == pytest.approx(1, abs=1e-6)
    assert evaluate(constant, PREPROCESS, HALVES_TEST, 7)["test_r2"] == pytest.approx(0, abs=1e-6)
    assert evaluate(constant, PREPROCESS, HALVES_TEST, 7)["test_kld"] == 0
