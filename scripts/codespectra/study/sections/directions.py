"""Sections of directions: which network sees which set, and the methods that find directions."""

import re
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Tag, model_validator

from codespectra.study.sections.analyses import Layers, LayerType, Reduction
from codespectra.study.sections.base import (
    MISSING,
    Batch,
    Factor,
    Name,
    Names,
    Number,
    Rate,
    Seed,
    Several,
    Steps,
    Strict,
    Text,
    check_product,
)

MULTIPLE = re.compile(r"([1-9][0-9]*(\.[0-9]+)?|0?\.[0-9]*[1-9])x")

MOST = 100_000


def _count(value: Any) -> Any:
    number = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST
    if number or (isinstance(value, str) and len(value) < 12 and MULTIPLE.fullmatch(value)):
        return value
    raise ValueError(
        f"give a number above 0, or a multiple of the layer's units, such as 0.5x; at most {MOST}"
    )


# How many directions: a number, or a multiple of the layer's units.
Count = Annotated[int | str, BeforeValidator(_count)]
Counts = Several[Count]
Readout = Literal["cosine", "dot", "neg_distance"]


class Neurons(Strict):
    """The units themselves."""


class PCA(Strict):
    """Principal components, scored in both signs."""

    k: Count = "1x"
    """How many: a number, or a multiple of the layer's units, such as 0.5x."""


class ICA(Strict):
    """Independent components (FastICA), scored in both signs."""

    k: Count = "1x"
    """How many: a number, or a multiple of the layer's units, such as 0.5x."""
    iterations: Steps = 200
    """Steps of FastICA at most."""
    seed: Seed = 0
    """Draws the start."""


class NMF(Strict):
    """Nonnegative factors of the activations (NMF), read by their own code."""

    k: Count = "1x"
    """How many: a number, or a multiple of the layer's units, such as 0.5x."""
    iterations: Steps = 200
    """Updates of both factors at most."""
    seed: Seed = 0
    """Draws the start."""


class KMeans(Strict):
    """Spherical K-Means centroids, one fit for each k."""

    k: Counts
    """Numbers of centroids: one fit each."""
    starts: Number = 3
    """Fits from different starts; the best counts."""
    readout: Readout = "cosine"
    """How a direction answers to an activation: cosine, dot, or neg_distance (minus the distance of
    unit vectors, paper B eq. 6)."""
    seed: Seed = 0
    """Draws the starts."""


class KMeansIdentity(Strict):
    """Spherical K-Means with as many centroids as units, started from the units themselves."""

    readout: Readout = "cosine"
    """cosine, dot or neg_distance, as in kmeans."""


class KMeansCode(Strict):
    """K-Means as in paper B's code: Euclidean mini-batches on unit rows, read by the distance."""

    k: Counts = ("1x",)
    """Numbers of centroids: one fit each."""
    starts: Number = 10
    """Fits from different starts; the best counts."""
    seed: Seed = 0
    """Draws the starts and the batches."""


class SparseAutoencoder(Strict):
    """Sparse autoencoders with an L1 penalty, one for each size z and each penalty l1."""

    z: Counts
    """Sizes of the code, each a number or a multiple of the layer's units."""
    l1: Several[Factor]
    """Factors of the L1 penalty."""
    epochs: Steps = 100
    """Passes over the set."""
    batch: Batch = 64
    """Rows a step."""
    learning_rate: Rate = 0.003
    """Step size of Adam."""
    seed: Seed = 0
    """Weights and order."""

    @model_validator(mode="after")
    def _grid(self) -> "SparseAutoencoder":
        check_product("z and l1", self.z, self.l1)
        return self


class RandomDirections(Strict):
    """Isotropic random directions: a control."""

    k: Count
    """How many: a number, or a multiple of the layer's units, such as 0.5x."""
    seed: Seed = 0
    """Draws the directions."""


class Exemplars(Strict):
    """Activations of randomly chosen images of the set, read by cosine: the control that counts."""

    k: Count
    """How many: a number, or a multiple of the layer's units, such as 0.5x."""
    seed: Seed = 0
    """Draws the images."""


class DirectionMethods(Strict):
    """Which direction finders run: those that are named."""

    neurons: Neurons | None = None
    pca: PCA | None = None
    ica: ICA | None = None
    nmf: NMF | None = None
    kmeans: KMeans | None = None
    kmeans_identity: KMeansIdentity | None = None
    kmeans_code: KMeansCode | None = None
    sae: SparseAutoencoder | None = None
    random: RandomDirections | None = None
    exemplar: Exemplars | None = None


class Run(Strict):
    """One model shown one stimulus set, or one set of activations from a file."""

    model: Name | None = None
    """One of the models."""
    stimuli: Name | None = None
    """The stimulus set that it sees."""
    activations: Name | None = None
    """Instead of both: one of the section activations."""
    methods: Several[Text] | None = None
    """Which of the methods find its directions; null: all."""

    @model_validator(mode="after")
    def _one_kind(self) -> "Run":
        for key in ("model", "stimuli"):
            if self.activations and getattr(self, key):
                raise ValueError(f"{key}: beside activations, which are a run; leave one out")
            if not self.activations and not getattr(self, key):
                raise ValueError(f"{key}: {MISSING}")
        return self


def _how_many(sets: Any) -> str:
    return "one set" if isinstance(sets, str) else "several sets"


class Directions(Strict):
    """Directions in activation space (methods §5)."""

    runs: Several[Run]
    """Which network sees which set."""
    analysis_set: (
        Annotated[
            Annotated[Name, Tag("one set")] | Annotated[Names, Tag("several sets")],
            Discriminator(_how_many),
        ]
        | None
    ) = None
    """The set of the runs that claims and the interpretability study are about, or a list of them;
    the other sets are controls. null: there are no controls."""
    layers: Layers = (LayerType(type="ReLU"),)
    """Names, globs, or {type: ReLU}, as in spectra.layers."""
    reduction: Reduction = "spatial_mean"
    """As in spectra.reduction."""
    methods: DirectionMethods

    @cached_property
    def by_run(self) -> dict[tuple[str, str], Run]:
        """The runs by their model and stimuli."""
        return {(run.model, run.stimuli): run for run in self.runs}

    @property
    def analysis_sets(self) -> Names:
        """The analysis set, or all of them."""
        if self.analysis_set is None:
            return tuple(dict.fromkeys(run.stimuli for run in self.runs))
        if isinstance(self.analysis_set, str):
            return (self.analysis_set,)
        return self.analysis_set
