"""Sections of the analyses of activations: capture, spectra, projections."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from codespectra.study.sections.base import RUNTIME, Names, Positive, Strict


class LayerType(Strict):
    """All modules of a class, by its name, such as ReLU."""

    type: str


Layers = Annotated[tuple[LayerType | str, ...], Field(min_length=1)]
Reduction = Literal["spatial_mean", "stride", "none"]


class Capture(Strict):
    """How activations are stored."""

    dtype: Literal["float32", "float16"] = "float32"
    shards: Positive = Field(1, json_schema_extra=RUNTIME)


class Spectra(Strict):
    """Eigenspectra and power-law exponents (methods §2)."""

    models: Names
    stimuli: Names
    layers: Layers = (LayerType(type="ReLU"),)
    reduction: Reduction = "stride"
    solver: Literal["exact", "window", "randomized"] = "exact"
    components: Positive = 1000
    ranks: tuple[Positive, Positive] = (10, 50)
    bootstrap: Annotated[int, Field(ge=20)] = 200
    seed: int = 0

    @model_validator(mode="after")
    def _window(self) -> "Spectra":
        first, last = self.ranks
        if last - first < 4:
            raise ValueError(f"ranks: window {first}..{last} has under 5 ranks")
        if last > self.components:
            raise ValueError(
                f"ranks: window {first}..{last} lies outside the spectrum of "
                f"{self.components} components; lower ranks or raise components"
            )
        return self


class Filters(Strict):
    """Eigenvectors as filters (methods §2); layers are among those of the spectra."""

    layers: Layers = ("*",)
    ranks: Annotated[tuple[Positive, ...], Field(min_length=1)] = (1, 2, 4, 8, 16, 32)
    images: Positive = 64

    @model_validator(mode="after")
    def _ascending(self) -> "Filters":
        if any(rank >= after for rank, after in pairwise(self.ranks)):
            raise ValueError(f"ranks: {list(self.ranks)} doesn't increase strictly")
        return self


class Projections(Strict):
    """Random projections of the moving dot (methods §3)."""

    models: Names
    stimuli: Names
    layers: Layers = (LayerType(type="ReLU"),)
    reduction: Reduction = "none"
    draws: Annotated[int, Field(ge=20)] = 1000
    keep: Positive = 8
    read_out: Literal["regression", "correlation"] = "regression"
    seed: int = 0
