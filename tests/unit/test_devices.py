"""Work that a GPU does: the CPU's numbers by the same path, and nothing of it left on the CPU.

A GPU is pretended by torch's meta device: an operation that meets a tensor of the CPU fails there
as it does on a GPU. It has no numbers, so what is read back is ones.
"""

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lpips_peer import random_lpips, trunk_state
from residual_block import MEAN, STD, Residual, some_images

from codespectra.data.preprocessing import Preprocess
from codespectra.directions import kmeans, sparse_autoencoder
from codespectra.directions.sparse_autoencoder import (
    AutoencoderRecipe,
    SparseAutoencoders,
    scaled_rows,
    train_autoencoders,
)
from codespectra.errors import UserError
from codespectra.experiments.input_gradients import cosine_slopes
from codespectra.interpretability.lpips_embedding import alexnet_backbone
from codespectra.jobs.given_gpu import given_gpu
from codespectra.models.hooks import Wanted
from codespectra.models.layer_listing import inspect_layers
from codespectra.spectra import eigenspectrum

CPU, META = torch.device("cpu"), torch.device("meta")
ROWS = np.maximum(np.random.default_rng(0).standard_normal((300, 40), dtype=np.float32) + 0.3, 0)


@pytest.fixture
def pretended_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[torch.Size]]:
    """Shapes of what was read back from it."""
    read = []

    def back(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.device == META:
            read.append(tensor.shape)
            return torch.ones(tensor.shape, dtype=tensor.dtype)
        return tensor

    monkeypatch.setattr(torch.Tensor, "cpu", back)
    monkeypatch.setattr(torch.Tensor, "tolist", lambda tensor: back(tensor).numpy().tolist())
    monkeypatch.setattr(torch.Tensor, "item", lambda tensor: back(tensor).numpy().item())
    every = "torch.fx.experimental._config.meta_nonzero_assume_all_nonzero"
    monkeypatch.setattr(every, True, raising=False)
    return read


def embed(where: torch.device) -> np.ndarray:
    state = trunk_state(random_lpips())
    images = np.zeros((3, 64, 64, 3), np.uint8)
    found = alexnet_backbone(state, where).embed(images)
    return np.concatenate(list(found.values()), axis=1)


def gradients(where: torch.device) -> np.ndarray:
    network = Residual()
    (layer,) = (vars(x) for x in inspect_layers(network, 8) if x.name == "relu:1")
    settings = {"side": None, "mean": MEAN, "std": STD}
    preprocess = Preprocess(settings, where)
    vectors, ends = np.random.default_rng(1).random((5, 6)), np.array([[0, 1], [2, 4], [1, 3]])
    return cosine_slopes(
        *(network.to(where), preprocess, some_images(3), Wanted(layer, "spatial_mean"), vectors),
        *(np.array([0, 1, 2]), ends),
        batch=2,
    ).products


def autoencoder(where: torch.device) -> np.ndarray:
    torch.manual_seed(0)
    network = SparseAutoencoders(40, 16, 2).to(where)
    recipe = AutoencoderRecipe(
        epochs=1, batch=32, learning_rate=1e-3, seed=0, penalties=[0.1, 0.2], identity="test"
    )
    train_autoencoders(network, scaled_rows(ROWS, where), recipe, None)
    return network.atoms.detach().cpu().numpy()


WORK = {
    "K-Means": lambda where: kmeans.spherical_kmeans(ROWS, 7, device=where).centroids,
    "K-Means from units": lambda where: kmeans.kmeans_from_units(ROWS, where).centroids,
    "covariance": lambda where: eigenspectrum.spectrum(ROWS, components=20, device=where),
    "covariance in float64": lambda where: eigenspectrum.spectrum(ROWS, device=where),
    "values alone": lambda where: eigenspectrum.spectrum(ROWS, scores=0, device=where),
    "Gram matrix": lambda where: eigenspectrum.spectrum(ROWS[:30], components=9, device=where),
}
OF_NUMPY = list(WORK)
WORK |= {"embeddings": embed, "gradients": gradients}


@pytest.mark.parametrize("name", OF_NUMPY)
def test_torch_finds_what_numpy_does(name: str) -> None:
    found, expected = WORK[name](CPU), WORK[name](None)
    if name.startswith("K-Means"):
        np.testing.assert_allclose(found, expected, atol=1e-5)
        return
    np.testing.assert_allclose(found.eigenvalues, expected.eigenvalues, rtol=1e-4, atol=1e-6)
    assert found.participation_ratio == pytest.approx(expected.participation_ratio, rel=1e-4)
    scores = np.abs(found.scores), np.abs(expected.scores)
    np.testing.assert_allclose(scores[0][:, :3], scores[1][:, :3], atol=2e-3)


@pytest.mark.parametrize("name", WORK)
def test_all_work_is_on_the_device(name: str, pretended_gpu: list[torch.Size]) -> None:
    WORK[name](META)
    assert pretended_gpu


def test_an_autoencoder_trains_on_the_device(
    pretended_gpu: list[torch.Size], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = sparse_autoencoder.Adam  # that of one kernel knows no meta device
    monkeypatch.setattr(
        sparse_autoencoder, "Adam", lambda *given, fused, **named: plain(*given, **named)
    )
    assert autoencoder(META).shape == (2, 16, 40)


@pytest.mark.parametrize(
    ("resources", "wanted"), [({}, "auto"), ({"gpu": 0}, "cuda"), ({"gpu": 1}, "cpu")]
)
def test_a_job_that_was_given_none_has_none(resources: dict[str, int], wanted: str) -> None:
    assert given_gpu(resources, wanted) is None


def test_a_gpu_that_torch_does_not_see_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "cuda", SimpleNamespace(is_available=lambda: False))
    assert given_gpu({"gpu": 1}, "auto") is None
    with pytest.raises(UserError, match="torch sees no GPU"):
        given_gpu({"gpu": 1}, "cuda")
