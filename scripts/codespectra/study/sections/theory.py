"""Section of the theory study: toy models, the dropout channel, information through layers."""

from typing import Annotated

from pydantic import Field, model_validator

from codespectra.study.sections.base import Positive, Strict
from codespectra.study.sections.coding import Dropouts, Seeds

Bits = Annotated[int, Field(ge=1, le=10)]
Rate = Annotated[float, Field(gt=0)]


class Superposition(Strict):
    """Toy models of superposition (methods §8; A fig. 1c)."""

    features: Positive = 100
    hidden: Positive = 20
    densities: Annotated[int, Field(ge=5)] = 16
    least_density: Annotated[float, Field(gt=0, lt=1)] = 0.01
    seeds: Seeds = (0, 1, 2)
    steps: Positive = 1500
    batch: Positive = 128
    learning_rate: Rate = 1e-2
    entropy_bits: Annotated[tuple[Positive, ...], Field(min_length=1)] = (8, 16, 32)

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
    capacity_bits: Annotated[tuple[Bits, ...], Field(min_length=1)] = tuple(range(1, 11))
    layers: Positive = 20


class Information(Strict):
    """Mutual information through a deep dropout network (methods §8; A-supp fig. 1)."""

    depth: Annotated[int, Field(ge=3)] = 8
    width: Positive = 64
    inputs: Positive = 2
    dropout: Annotated[float, Field(gt=0, lt=1)] = 0.4
    seeds: Seeds = (0, 1, 2)
    training_steps: Positive = 1500
    training_batch: Positive = 128
    learning_rate: Rate = 3e-3
    estimator_width: Positive = 64
    estimator_steps: Positive = 300
    estimator_batch: Positive = 512
    estimator_learning_rate: Rate = 1e-2


class Theory(Strict):
    """What needs no images (paper A, fig. 1 and 2, and its supplement)."""

    superposition: Superposition = Superposition()
    channel: Channel = Channel()
    information: Information = Information()
