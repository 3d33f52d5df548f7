"""Section of the theory study: toy models, the dropout channel, information through layers."""

from typing import Annotated

from pydantic import Field, model_validator

from codespectra.study.sections.base import Positive, Strict
from codespectra.study.sections.coding import Dropouts, Seeds

Bits = Annotated[int, Field(ge=1, le=10)]
Rate = Annotated[float, Field(gt=0)]


class Superposition(Strict):
    """Toy models of superposition: features in fewer hidden units (methods §8; A fig. 1c)."""

    features: Positive = 100
    """Features that the model is to keep."""
    hidden: Positive = 20
    """Hidden units, fewer than features."""
    densities: Annotated[int, Field(ge=5)] = 16
    """How many densities (1 - sparsity), evenly spaced in the logarithm from 1 down."""
    least_density: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """The last of them."""
    seeds: Seeds = (0, 1, 2)
    """One model each; those of all densities and seeds are trained as one batch."""
    steps: Positive = 1500
    """Steps of Adam."""
    batch: Positive = 128
    """Samples a step."""
    learning_rate: Rate = 1e-2
    """Peak of the cosine schedule."""
    entropy_bits: Annotated[tuple[Positive, ...], Field(min_length=1)] = (8, 16, 32)
    """Entropy of a feature, in bits, in the predicted rate R(S)."""

    @model_validator(mode="after")
    def _bottleneck(self) -> "Superposition":
        if self.hidden >= self.features:
            raise ValueError(
                f"hidden: {self.hidden} units hold all {self.features} features; take fewer"
            )
        return self


class Channel(Strict):
    """The dropout channel (methods §7; A fig. 2)."""

    dropouts: Dropouts = (0.1, 0.2, 0.4, 0.6, 0.8)
    """Dropouts of the channel."""
    capacity_bits: Annotated[tuple[Bits, ...], Field(min_length=1)] = tuple(range(1, 11))
    """Capacities of a neuron, in bits, whose exact capacity under dropout is computed."""
    layers: Positive = 20
    """Dropout layers in a row."""


class Information(Strict):
    """Mutual information through a deep dropout network (methods §8; A-supp fig. 1)."""

    depth: Annotated[int, Field(ge=3)] = 8
    """Hidden layers."""
    width: Positive = 64
    """Units of each hidden layer."""
    inputs: Positive = 2
    """Dimensions of the input."""
    dropout: Annotated[float, Field(gt=0, lt=1)] = 0.4
    """Dropout after each layer."""
    seeds: Seeds = (0, 1, 2)
    """One network each."""
    training_steps: Positive = 1500
    """Steps of Adam, for the networks."""
    training_batch: Positive = 128
    """Samples a step, for the networks."""
    learning_rate: Rate = 3e-3
    """Step size of Adam, for the networks."""
    estimator_width: Positive = 64
    """Hidden units of the estimators (MINE)."""
    estimator_steps: Positive = 300
    """Steps of Adam, for the estimators."""
    estimator_batch: Positive = 512
    """Samples a step, for the estimators."""
    estimator_learning_rate: Rate = 1e-2
    """Step size of Adam, for the estimators."""


class Theory(Strict):
    """The theory study (target `theory`): simulations and channel capacities; no images.

    Paper A, fig. 1 and 2, and its supplement.
    """

    superposition: Superposition = Superposition()
    channel: Channel = Channel()
    information: Information = Information()
