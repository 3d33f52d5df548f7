"""Section of the theory study: toy models, the dropout channel, information through layers, planted
dictionaries, and g^x mod p.
"""

from typing import Annotated

from pydantic import Field, model_validator

from codespectra.study.sections.base import (
    Batch,
    Depth,
    Factor,
    Number,
    Positive,
    Rate,
    Seeds,
    Several,
    Steps,
    Strict,
    check_product,
)
from codespectra.study.sections.coding import Dropouts
from codespectra.theory.prime_groups import is_prime, is_primitive_root, least_primitive_root

Bits = Annotated[int, Field(ge=1, le=10)]
Atoms = Annotated[int, Field(ge=2, le=10_000)]
Density = Annotated[float, Field(gt=0, le=0.5)]
Noise = Annotated[float, Field(ge=0, le=10)]


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


class Planted(Strict):
    """Planted dictionaries, and what each finder of directions recovers of them (methods §8; B
    fig. 9 A).

    Atoms are of any sign and, as what a ReLU gives, rectified; both are found at all sizes. Other
    densities and noises than the first are of rectified atoms and the first size.
    """

    features: Atoms = 24
    """Planted features."""
    units: Atoms = 12
    """Units that they share."""
    rows: Annotated[int, Field(ge=10, le=100_000)] = 1000
    """Rows of activations; features, units and sizes are at most half as many."""
    sizes: Several[Atoms] = (24, 12, 48)
    """Numbers of directions that K-Means, NMF, autoencoders and controls find."""
    densities: Several[Density] = (0.08, 0.15, 0.3)
    """Shares of the features that are active in a row, on average."""
    noises: Several[Noise] = (0.0, 0.5)
    """Standard deviations of added noise, over the root mean square of the activations."""
    penalties: Several[Factor] = (0.3, 1.0, 3.0)
    """Factors of the autoencoders' L1 penalty."""
    epochs: Steps = 7
    """Passes of the autoencoders over the rows."""
    batch: Batch = 32
    """Rows a step, for the autoencoders."""
    learning_rate: Rate = 0.03
    """Step size of Adam, for the autoencoders."""
    m: Annotated[int, Field(ge=2, le=100)] = 5
    """Most exciting rows of a direction that the index compares."""
    seeds: Seeds = (0, 1, 2)
    """One dictionary, set of rows and start of the finders each."""

    @model_validator(mode="after")
    def _enough_rows(self) -> "Planted":
        half = self.rows // 2
        if self.features > half:
            raise ValueError(
                f"features: a dictionary of {self.features} is larger than the data: at most half "
                f"of the {self.rows} rows; lower it, or raise rows"
            )
        for key, count in (("units", self.units), ("sizes", max(self.sizes)), ("m", self.m)):
            if count > half:
                raise ValueError(
                    f"{key}: {count} is more than half of the {self.rows} rows; lower it, or raise "
                    "rows"
                )
        size = 8 * self.rows * max(self.features, self.units, *self.sizes)
        if size > 10**9:
            raise ValueError(f"rows: their features or responses take {size} bytes; lower it")
        check_product("seeds, sizes and penalties", self.seeds, self.sizes, self.penalties)
        check_product("seeds, densities and noises", self.seeds, self.densities, self.noises)
        return self


class PrimeGroup(Strict):
    """The powers of a primitive root g of a prime p: all of 1..p-1."""

    p: Annotated[int, Field(ge=11, le=10**6)]
    """The prime."""
    g: Positive | None = None
    """The primitive root; null: the least."""

    @model_validator(mode="after")
    def _generated(self) -> "PrimeGroup":
        if not is_prime(self.p):
            nearest = next(n for n in range(self.p, 2, -1) if is_prime(n))
            raise ValueError(f"p: {self.p} is no prime; the next one below is {nearest}")
        if self.g is not None and not is_primitive_root(self.g, self.p):
            least = least_primitive_root(self.p)
            raise ValueError(f"g: {self.g} is no primitive root of {self.p}; the least is {least}")
        return self


class Hardness(Strict):
    """Reading x from networks that compute g^x mod p (methods §8; A-supp 2.2)."""

    groups: Several[PrimeGroup] = (
        PrimeGroup(p=59),
        PrimeGroup(p=107),
        PrimeGroup(p=227),
        PrimeGroup(p=467),
    )
    """Primes p, each with a primitive root g."""
    width: Number = 128
    """Units of the networks' two hidden layers."""
    steps: Steps = 200
    """Steps of Adam, for the networks, each on all x."""
    learning_rate: Rate = 1e-2
    """Peak of the cosine schedule, for the networks."""
    read_out_width: Number = 64
    """Hidden units of the nonlinear read-out."""
    read_out_steps: Steps = 100
    """Steps of Adam, for the read-outs, each on half of all x."""
    read_out_learning_rate: Rate = 1e-2
    """Peak of the cosine schedule, for the read-outs."""
    seeds: Seeds = (0, 1, 2)
    """One network and split of all x for each group."""

    @model_validator(mode="after")
    def _in_memory(self) -> "Hardness":
        largest = max(group.p for group in self.groups)
        size = 4 * len(self.seeds) * largest * 4 * max(self.width, self.read_out_width)
        if size > 10**10:
            raise ValueError(
                f"groups: activations on p = {largest} of networks of all seeds take {size} bytes; "
                "take smaller primes, or lower width"
            )
        check_product("groups and seeds", self.groups, self.seeds)
        return self


class Theory(Strict):
    """The theory study (target `theory`): simulations and channel capacities; no images.

    Paper A, fig. 1 and 2, and its supplement; paper B, fig. 9 A.
    """

    superposition: Superposition = Superposition()
    channel: Channel = Channel()
    information: Information = Information()
    planted: Planted = Planted()
    hardness: Hardness = Hardness()
