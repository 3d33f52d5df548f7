"""Section of the interpretability study (target `interpretability`): paper B beyond the index."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from codespectra.study.sections.base import (
    Factor,
    Names,
    Number,
    Resamples,
    Seed,
    Several,
    Strict,
    Text,
    check_product,
)
from codespectra.study.sections.directions import Counts
from codespectra.study.sections.index import Index

Methods = Several[Text]
# Share of the responses that is cut off on either side.
Cut = Annotated[float, Field(ge=0, lt=0.5)]


class Psychophysics(Strict):
    """In-silico psychophysics: which of two queries is like the references (B §2.3, fig. 5)."""

    methods: Methods
    """Methods whose directions are asked for."""
    difficulties: Several[Cut] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.45)
    """Share of the responses that is cut off on either side: 0 is easiest, below 0.5."""
    trials: Number = 20
    """Query pairs of a direction."""
    references: Number = 9
    """Reference images on either side."""
    restrict: Literal["both", "queries"] = "both"
    """The central range is for both references and queries, or for queries alone."""
    sides: Literal["positive", "both"] = "both"
    """References: both sides, or the positive side alone."""
    pool: Literal["min", "mean"] = "min"
    """A query is as similar to its references as to the nearest (min), or on average (mean)."""
    seed: Seed = 0
    """Draws the pairs."""


class MachineInterpretability(Strict):
    """The Machine Interpretability Score (MIS): whether images explain a direction (§6)."""

    references: Number = 9
    """MIS: images of either end of the responses that explain a direction, K."""
    trials: Number = 20
    """MIS: trials of a direction, N."""
    slope: Annotated[Factor, Field(gt=0)] = 0.16
    """MIS: slope of its sigmoid, in units of the metric; the limit of a steep one stands beside."""
    resamples: Resamples = 20
    """Resamples of the images, two thirds of photographs or of random groups, for intervals."""
    seed: Seed = 0
    """Draws the pairs of queries, and the resamples."""


class FurtherScores(MachineInterpretability):
    """Further scores of the same directions: MIS, monosemanticity, clarity, redundancy (§6)."""

    top: Annotated[Number, Field(ge=3)] = 20
    """Most exciting images that clarity, polysemanticity and redundancy are of."""


class Manifold(Strict):
    """Most exciting images embedded by their distances, t-SNE (B §3.4, fig. 6)."""

    methods: Methods
    """Methods whose most exciting images are embedded."""
    perplexity: Annotated[float, Field(gt=1, le=10_000)] = 10
    """Neighbours that an image has, in effect; below a third of the images."""
    temperature: Annotated[Factor, Field(gt=0)] = 2
    """Of the activity that the figure shows (paper B eq. 4)."""
    seed: Seed = 0
    """Starts the embedding."""


class Sensitivity(Strict):
    """Directions from centroid to centroid, and the input gradients along them (B §3.5, fig. 7)."""

    method: Text
    """The K-Means whose centroids are joined."""
    first: Annotated[float, Field(ge=-100, lt=0)] = -0.5
    """Where the path from centroid to centroid begins; the centroids are at 0 and 1."""
    last: Annotated[float, Field(gt=1, le=100)] = 1.5
    """Where it ends."""
    steps: Annotated[int, Field(ge=3, le=1000)] = 21
    """Directions on it, evenly spaced."""


class AutoencoderGrid(Strict):
    """Sparse autoencoders of every size z and penalty l1 (B app. A, fig. 9).

    They are trained as directions.methods.sae says.
    """

    z: Counts
    """Sizes of the code, each a number or a multiple of the layer's units."""
    l1: Several[Factor]
    """Factors of the L1 penalty."""

    @model_validator(mode="after")
    def _grid(self) -> "AutoencoderGrid":
        check_product("z and l1", self.z, self.l1)
        return self


class Interpretability(Strict):
    """The interpretability study (target `interpretability`): paper B beyond the index.

    Of the directions' runs on the analysis sets.
    """

    models: Names | None = None
    """Which of the directions' models; null: all."""
    psychophysics: Psychophysics
    further_scores: FurtherScores = FurtherScores()
    manifold: Manifold
    sensitivity: Sensitivity
    autoencoders: AutoencoderGrid

    @model_validator(mode="before")
    @classmethod
    def _not_the_index(cls, data: Any) -> Any:
        """Before that the Interpretability Index had this name."""
        if (
            isinstance(data, dict)
            and data.keys() & Index.model_fields
            and not (data.keys() & cls.model_fields)
        ):
            raise ValueError("the section of the Interpretability Index is called index now")
        return data
