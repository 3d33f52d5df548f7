"""Section of the coding study: a ResNet-VAE over dropouts and seeds (paper A, fig. 3-6)."""

from typing import Annotated, Literal

from pydantic import Field

from codespectra.study.sections.analyses import Layers, LayerType
from codespectra.study.sections.base import Name, Positive, Strict, distinct
from codespectra.study.sections.models import DropoutRate, DropoutSites

Seeds = Annotated[tuple[int, ...], Field(min_length=1), distinct]
Dropouts = Annotated[tuple[DropoutRate, ...], Field(min_length=1), distinct]


class VaeTraining(Strict):
    """Adam on the reconstruction of the pixels plus the KL divergence of the code."""

    train: Name
    test: Name
    epochs: Positive = 20
    batch: Positive = 50
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    loss: Literal["paper", "code"] = "paper"
    kld_weight: Annotated[float, Field(ge=0)] = 1.0


class Coding(Strict):
    """A ResNet-VAE at each dropout and seed, as trained and with recalibrated BatchNorm."""

    encoder: Name
    hidden: tuple[Positive, Positive] = (1024, 1024)
    latent: Positive = 256
    dropout_sites: DropoutSites = "relu"
    dropouts: Dropouts = (0.0, 0.2, 0.4, 0.6, 0.8)
    seeds: Seeds = (0,)
    training: VaeTraining
    checkpoints: str | None = None
    stimuli: Name
    dot: Name
    layers: Layers = (LayerType(type="ReLU"),)
    filters: Layers = ("resnet.2*",)
