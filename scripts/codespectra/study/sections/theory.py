"""Section of the theory study: toy models, the dropout channel, information through layers."""

from typing import Annotated

from pydantic import Field, model_validator

from codespectra.study.sections.base import (
    Batch,
    Depth,
    Number,
    Rate,
    Seeds,
    Several,
    Steps,
    Strict,
    check_product,
)
from codespectra.study.sections.coding import Dropouts

Bits = Annotated[int, Field(ge=1, le=10)]


class Superposition(Strict):
    """Toy models of superposition: features in fewer hidden units (methods §8; A fig. 1c)."""

    features: Number = 100
    """Features that the model is to keep."""
    hidden: Number = 20
    """Hidden units, fewer than features."""
    densities: Annotated[int, Field(ge=5, le=1000)] = 16
    """How many densities (1 - sparsity), evenly spaced in the logarithm from 1 down."""
    least_density: Annotated[float, Field(ge=1e-9, lt=1)] = 0.01
    """The last of them."""
    seeds: Seeds = (0, 1, 2)
    """One model each; those of all densities and seeds are trained as one batch."""
    steps: Steps = 1500
    """Steps of Adam."""
    batch: Batch = 128
    """Samples a step."""
    learning_rate: Rate = 1e-2
    """Peak of the cosine schedule."""
    entropy_bits: Several[Number] = (8, 16, 32)
    """Entropy of a feature, in bits, in the predicted rate R(S)."""

    @model_validator(mode="after")
    def _bottleneck(self) -> "Superposition":
        if self.hidden >= self.features:
            raise ValueError(
                f"hidden: {self.hidden} units hold all {self.features} features; take fewer"
            )
        check_product("densities and seeds", range(self.densities), self.seeds)
        size = self.densities * len(self.seeds) * self.features * max(self.batch, self.hidden)
        if size > 10**10:
            raise ValueError(f"features: models of all densities and seeds take {4 * size} bytes")
        return self


class Channel(Strict):
    """The dropout channel (methods §7; A fig. 2)."""

    dropouts: Dropouts = (0.1, 0.2, 0.4, 0.6, 0.8)
    """Dropouts of the channel."""
    capacity_bits: Several[Bits] = tuple(range(1, 11))
    """Capacities of a neuron, in bits, whose exact capacity under dropout is computed."""
    layers: Depth = 20
    """Dropout layers in a row."""


class Information(Strict):
    """Mutual information through a deep dropout network (methods §8; A-supp fig. 1)."""

    depth: Annotated[Depth, Field(ge=3)] = 8
    """Hidden layers."""
    width: Number = 64
    """Units of each hidden layer."""
    inputs: Number = 2
    """Dimensions of the input."""
    dropout: Annotated[float, Field(gt=0, lt=1)] = 0.4
    """Dropout after each layer."""
    seeds: Seeds = (0, 1, 2)
    """One network each."""
    training_steps: Steps = 1500
    """Steps of Adam, for the networks."""
    training_batch: Batch = 128
    """Samples a step, for the networks."""
    learning_rate: Rate = 3e-3
    """Step size of Adam, for the networks."""
    estimator_width: Number = 64
    """Hidden units of the estimators (MINE, InfoNCE)."""
    estimator_steps: Steps = 300
    """Steps of Adam, for the estimators."""
    estimator_batch: Batch = 512
    """Samples a step, for the estimators."""
    estimator_contrast: Annotated[int, Field(ge=2, le=10_000)] = 128
    """Of each batch, those that InfoNCE tells apart; its estimate is at most log2 of their number.
    """
    estimator_learning_rate: Rate = 1e-2
    """Step size of Adam, for the estimators."""

    @model_validator(mode="after")
    def _contrast(self) -> "Information":
        if self.estimator_contrast > self.estimator_batch:
            raise ValueError(
                f"estimator_contrast: {self.estimator_contrast} is more than estimator_batch "
                f"({self.estimator_batch}); lower it"
            )
        return self


class Theory(Strict):
    """The theory study (target `theory`): simulations and channel capacities; no images.

    Paper A, fig. 1 and 2, and its supplement.
    """

    superposition: Superposition = Superposition()
    channel: Channel = Channel()
    information: Information = Information()
