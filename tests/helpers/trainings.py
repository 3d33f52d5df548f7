"""The four trainings that survive a kill, on data that they learn in seconds; each may die."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from codespectra.data.preprocessing import Preprocess
from codespectra.directions import sparse_autoencoder
from codespectra.models import architectures
from codespectra.models.byte_gpt2 import byte_gpt2
from codespectra.training import classifier, language_model, vae
from codespectra.training.epochs import Recipe

History = list[dict[str, Any]]
EPOCHS = {"epochs": 3, "learning_rate": 1e-2, "seed": 0, "identity": "this run"}
PREPROCESS = Preprocess(
    {"side": None, "mean": [0.5, 0.4, 0.3], "std": [0.25, 0.2, 0.3]}, torch.device("cpu")
)


@dataclass(frozen=True)
class Training:
    """A training of three epochs.

    Attributes:
        module: whose `evaluate` is called once an epoch.
        build: a network from a seed of its weights.
        fit: trains it by a recipe, with a file for its partial state.
        key: of the config, that a lost loss names.
    """

    module: ModuleType
    build: Callable[[int], nn.Module]
    fit: Callable[[nn.Module, Recipe, Path], History]
    recipe: Recipe
    key: str

    def run(self, partial: Path, start: int = 0, **changes: Any) -> tuple[nn.Module, History]:
        """A trained network and its history; `start` seeds the weights that it starts from."""
        network = self.build(start)
        return network, self.fit(network, replace(self.recipe, **changes), partial)

    def die(self, partial: Path, epoch: int) -> None:
        """A run that is killed in its evaluation of that epoch."""
        calls, evaluate = iter(range(1, epoch + 1)), self.module.evaluate

        def dying(*arguments: Any) -> dict[str, float]:
            if next(calls) == epoch:
                raise KeyboardInterrupt
            return evaluate(*arguments)

        with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(self.module, "evaluate", dying)
            self.run(partial)


def same(first: nn.Module, second: nn.Module) -> bool:
    """Whether two networks have the same state, bit for bit."""
    a, b = first.state_dict(), second.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def built(description: dict[str, Any], seed: int, classes: int = 3) -> nn.Module:
    torch.manual_seed(seed)
    return architectures.build(description, classes)


# A classifier ------------------------------------------------------------------------------------


def labelled_images(count: int, seed: int) -> classifier.Labelled:
    """Noisy 8-pixel images of which one colour channel, the class, is bright."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    pixels = torch.randint(0, 100, (count, 8, 8, 3), generator=generator)
    pixels[torch.arange(count), :, :, labels] += 100
    return classifier.Labelled(pixels.to(torch.uint8), labels)


LABELLED, LABELLED_TEST = labelled_images(96, seed=0), labelled_images(30, seed=1)
NARROW = {"width": 2, "blocks": [1, 1, 1, 1], "stem_stride": 1}
RESNET = {"name": "bottleneck_resnet"} | NARROW
CLASSIFIER = Training(
    classifier,
    lambda seed: built(RESNET, seed),
    lambda network, recipe, partial: classifier.train_classifier(
        network, PREPROCESS, LABELLED, LABELLED_TEST, recipe, partial
    ),
    classifier.ClassifierRecipe(**EPOCHS, batch=16, weight_decay=1e-2, crop_padding=1),
    "training.learning_rate",
)
# Without BatchNorm a loss can be lost.
PLAIN = replace(
    CLASSIFIER, build=lambda seed: built({"name": "small_alexnet", "widths": [4] * 5}, seed)
)

# A ResNet-VAE ------------------------------------------------------------------------------------


def half_bright(count: int, seed: int) -> torch.Tensor:
    """8-pixel images, uint8, one half of each bright: left or right, upper or lower."""
    generator = torch.Generator().manual_seed(seed)
    found = torch.randint(0, 40, (count, 8, 8, 3), generator=generator)
    left, upper, right, lower = (found[start::4] for start in range(4))
    for bright in (left[:, :, :4], right[:, :, 4:], upper[:, :4], lower[:, 4:]):
        bright += 200
    return found.to(torch.uint8)


HALVES, HALVES_TEST = half_bright(96, seed=0), half_bright(30, seed=1)
RESNET_VAE = {
    "name": "resnet_vae",
    "encoder": {"name": "basic_resnet"} | NARROW,
    "hidden": [12, 12],
    "latent": 4,
    "dropout": 0.2,
    "dropout_sites": "relu",
}
VAE = Training(
    vae,
    lambda seed: built(RESNET_VAE, seed),
    lambda network, recipe, partial: vae.train_vae(
        network, PREPROCESS, HALVES, HALVES_TEST, recipe, partial
    ),
    vae.VaeRecipe(**EPOCHS, batch=16, loss="paper", kld_weight=0.1),
    "coding.training.learning_rate",
)

# A language model --------------------------------------------------------------------------------

CONTEXT = 16
GPT = {"width": 16, "layers": 1, "heads": 2, "context": CONTEXT}
CYCLE = torch.arange(65, 75, dtype=torch.uint8).repeat(40)


def fresh_gpt(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return byte_gpt2(GPT)


LANGUAGE = Training(
    language_model,
    fresh_gpt,
    lambda network, recipe, partial: language_model.train_language_model(
        network, CYCLE, CYCLE, recipe, partial
    ),
    language_model.LanguageRecipe(
        **EPOCHS, round_steps=4, batch=4, section="language.models.gpt.training"
    ),
    "language.models.gpt.training.learning_rate",
)

# Sparse autoencoders ------------------------------------------------------------------------------


def sparse_rows(
    count: int = 2000, width: int = 16, atoms: int = 20
) -> tuple[np.ndarray, np.ndarray]:
    """Activations of few atoms each, and the unit atoms (atoms, width), more than units."""
    rng = np.random.default_rng(0)
    truth = rng.standard_normal((atoms, width))
    truth /= np.linalg.norm(truth, axis=1, keepdims=True)
    codes = rng.uniform(0.5, 2, (count, atoms)) * (rng.random((count, atoms)) < 0.05)
    return (codes @ truth).astype(np.float32), truth


ROWS = sparse_autoencoder.scaled_rows(sparse_rows(200)[0], torch.device("cpu"))


def fresh_autoencoders(
    seed: int = 0, size: int = 24, count: int = 2
) -> sparse_autoencoder.SparseAutoencoders:
    torch.manual_seed(seed)
    return sparse_autoencoder.SparseAutoencoders(ROWS.shape[1], size, count)


AUTOENCODERS = Training(
    sparse_autoencoder,
    fresh_autoencoders,
    lambda networks, recipe, partial: sparse_autoencoder.train_autoencoders(
        networks, ROWS, recipe, partial
    ),
    sparse_autoencoder.AutoencoderRecipe(**EPOCHS, batch=32, penalties=(0.05, 0.3)),
    "directions.methods.sae.learning_rate",
)

TRAININGS = {
    "classifier": CLASSIFIER,
    "vae": VAE,
    "language model": LANGUAGE,
    "autoencoders": AUTOENCODERS,
}
