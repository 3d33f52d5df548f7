"""Sections of directions: which network sees which set, and the methods that find directions."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from codespectra.study.sections.analyses import Layers, Reduction
from codespectra.study.sections.base import Name, Positive, Strict, distinct

MULTIPLE = re.compile(r"([1-9][0-9]*(\.[0-9]+)?|0?\.[0-9]*[1-9])x")


def _count(value: Any) -> Any:
    number = isinstance(value, int) and not isinstance(value, bool) and value > 0
    if number or (isinstance(value, str) and MULTIPLE.fullmatch(value)):
        return value
    raise ValueError("give a number above 0, or a multiple of the layer's units, such as 0.5x")


# How many directions: a number, or a multiple of the layer's units.
Count = Annotated[int | str, BeforeValidator(_count)]
Counts = Annotated[tuple[Count, ...], Field(min_length=1), distinct]
Readout = Literal["cosine", "dot", "neg_distance"]


class Neurons(Strict):
    """The units themselves."""


class PCA(Strict):
    """Principal components, scored in both signs."""

    k: Count = "1x"


class ICA(Strict):
    """Independent components (FastICA), scored in both signs."""

    k: Count = "1x"
    iterations: Positive = 200
    seed: int = 0


class NMF(Strict):
    """Components of a nonnegative matrix factorisation, read by their own code."""

    k: Count = "1x"
    iterations: Positive = 200
    seed: int = 0


class KMeans(Strict):
    """Spherical K-Means centroids, one fit for each k."""

    k: Counts
    starts: Positive = 3
    readout: Readout = "cosine"
    seed: int = 0


class KMeansIdentity(Strict):
    """Spherical K-Means with as many centroids as units, started from the units themselves."""

    readout: Readout = "cosine"


class KMeansCode(Strict):
    """K-Means as in paper B's code: Euclidean mini-batches on unit rows, read by the distance."""

    k: Counts = ("1x",)
    starts: Positive = 10
    seed: int = 20230831


class SparseAutoencoder(Strict):
    """Sparse autoencoders with an L1 penalty, one for each size z and each penalty l1."""

    z: Counts
    l1: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=1), distinct]
    epochs: Positive = 100
    batch: Positive = 256
    learning_rate: Annotated[float, Field(gt=0)] = 0.001
    seed: int = 0


class RandomDirections(Strict):
    """Isotropic random directions: a control."""

    k: Count
    seed: int = 0


class Exemplars(Strict):
    """Activations of randomly chosen images of the set, read by cosine: the control that counts."""

    k: Count
    seed: int = 0


class DirectionMethods(Strict):
    """Which direction finders run."""

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
    """One model shown one stimulus set."""

    model: Name
    stimuli: Name


class Directions(Strict):
    """Directions in activation space (methods §5)."""

    runs: Annotated[tuple[Run, ...], Field(min_length=1)]
    layers: Layers
    reduction: Reduction = "spatial_mean"
    methods: DirectionMethods
