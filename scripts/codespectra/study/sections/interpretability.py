"""Section of the interpretability study (target `interpretability`): paper B beyond the index."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from codespectra.study.sections.base import Positive, Strict, distinct
from codespectra.study.sections.directions import Counts

Method = str
Methods = Annotated[tuple[Method, ...], Field(min_length=1), distinct]
# Share of the responses that is cut off on either side.
Cut = Annotated[float, Field(ge=0, lt=0.5)]


class Psychophysics(Strict):
    """Trials in silico: which query is like the references (B §2.3, fig. 5)."""

    methods: Methods
    difficulties: Annotated[tuple[Cut, ...], Field(min_length=1), distinct] = (0.0, 0.2, 0.4)
    trials: Positive = 20
    references: Positive = 9
    restrict: Literal["both", "queries"] = "both"
    sides: Literal["positive", "both"] = "both"
    pool: Literal["min", "mean"] = "min"
    seed: int = 0


class Manifold(Strict):
    """Most exciting images embedded by their distances (B §3.4, fig. 6)."""

    methods: Methods
    perplexity: Annotated[float, Field(gt=1)] = 10
    temperature: Annotated[float, Field(gt=0)] = 2
    seed: int = 0


class Sensitivity(Strict):
    """From centroid to centroid and beyond (B §3.5, fig. 7)."""

    method: Method
    first: float = -0.5
    last: float = 1.5
    steps: Annotated[int, Field(ge=3)] = 21

    @model_validator(mode="after")
    def _between(self) -> "Sensitivity":
        if not (self.first < 0 and self.last > 1):
            raise ValueError(
                f"first: {self.first:g} and last: {self.last:g} must lie below 0 and above 1, "
                "where the centroids are"
            )
        return self


class AutoencoderGrid(Strict):
    """Sparse autoencoders of every size z and penalty l1 (B app. A, fig. 9)."""

    z: Counts
    l1: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=1), distinct]


class Interpretability(Strict):
    """The interpretability study, of the runs on the analysis set."""

    psychophysics: Psychophysics
    manifold: Manifold
    sensitivity: Sensitivity
    autoencoders: AutoencoderGrid
