"""Section of the coding study: a ResNet-VAE over dropouts and seeds (paper A, fig. 3-6)."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from codespectra.study.sections.analyses import LayerType, Selectors
from codespectra.study.sections.base import (
    Batch,
    Factor,
    Name,
    Number,
    Pair,
    Rate,
    Seeds,
    Several,
    Steps,
    Strict,
    check_path,
    check_product,
)
from codespectra.study.sections.models import DropoutRate, DropoutSites

Dropouts = Annotated[Several[DropoutRate], Field(max_length=100)]


def _check_pattern(path: str) -> str:
    check_path(path.replace("{dropout}", "0").replace("{seed}", "0"))
    return path


class VaeTraining(Strict):
    """Adam on the reconstruction of the pixels plus the KL divergence of the code."""

    train: Name
    """Stimulus set to train on."""
    test: Name
    """Stimulus set to test on after each epoch."""
    epochs: Steps = 3
    """Passes over the training set."""
    batch: Batch = 100
    """Images a step."""
    learning_rate: Rate = 1e-3
    """Step size of Adam."""
    loss: Literal["paper", "code"] = "paper"
    """paper (squared error of the pixels) or code (binary cross-entropy), each plus KL divergence.
    """
    kld_weight: Factor
    """Factor of the KL divergence. 1 in the paper, whose errors are summed over 224 x 224 pixels:
    at 32 x 32, 49 times fewer, 0.02 keeps the balance."""


class Coding(Strict):
    """The coding study (target `coding`): a ResNet-VAE at each of several dropouts and seeds.

    Each is analysed as trained and with BatchNorm statistics recomputed; spectra, filters and
    projections are computed as in the sections above.
    """

    encoder: Name
    """One of the models above, a ResNet: its weights start the encoder."""
    hidden: Pair[Number]
    """Units of the two fully connected layers on either side of the latent code."""
    latent: Number
    """Dimensions of the code."""
    dropout_sites: DropoutSites = "relu"
    """Dropout after every relu, every encoder_relu (as in the original's code), or each stage and
    fully connected layer (stage)."""
    dropouts: Dropouts
    """One network for each dropout and seed; dropouts are at least 0 and below 1."""
    seeds: Seeds
    """What draws weights, order and dropout."""
    training: VaeTraining
    checkpoints: Annotated[str, AfterValidator(_check_pattern)] | None = None
    """Your own checkpoints instead of training, in the original's layout:
    vae/resnet_vae_{dropout}_{seed}.pth. null trains."""
    stimuli: Name
    """Stimulus set of the spectra."""
    dot: Name
    """Stimulus set of the projections, a moving_dot."""
    layers: Selectors = (LayerType(type="ReLU"),)
    """Layers to analyse: names, globs, or {type: ReLU}, as in spectra.layers."""
    filters: Selectors
    """Those of them whose eigenvectors are shown as filters, of the first network."""

    @model_validator(mode="after")
    def _sweep(self) -> "Coding":
        check_product("dropouts and seeds", self.dropouts, self.seeds)
        return self
