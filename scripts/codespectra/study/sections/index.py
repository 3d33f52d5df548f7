"""Sections of scores, claims and figures."""

from typing import Annotated, Literal

from pydantic import Field

from codespectra.study.sections.base import Name, Sha256, Strict, UserPath


class InhouseBackbone(Strict):
    """A network of this workflow, all heads 1: called inhouse, never LPIPS."""

    kind: Literal["inhouse"]
    model: Name


class ImagenetBackbone(Strict):
    """torchvision's AlexNet (downloaded) with the heads of the lpips package: LPIPS itself."""

    kind: Literal["imagenet"]


class PathBackbone(Strict):
    """The same from a local file of torchvision's AlexNet weights."""

    kind: Literal["path"]
    path: UserPath
    sha256: Sha256 | None = None


class RandomBackbone(Strict):
    """AlexNet with random weights and the shipped heads: a published baseline."""

    kind: Literal["random"]
    seed: int = 0


Backbone = Annotated[
    InhouseBackbone | ImagenetBackbone | PathBackbone | RandomBackbone, Field(discriminator="kind")
]


class Index(Strict):
    """The Interpretability Index (methods §6)."""

    m: Annotated[int, Field(ge=2)] = 5
    normalisation: Literal["pairs", "code", "literal"] = "pairs"
    color: bool = True
    label: bool = True
    backbones: tuple[Name, ...] = ()
    resamples: Annotated[int, Field(ge=20)] = 100
    seed: int = 0


class Claims(Strict):
    """How verdicts get their intervals."""

    bootstrap: Annotated[int, Field(ge=100)] = 2000
    seed: int = 0


class Figures(Strict):
    """What the figures show; nothing here changes a number."""

    mei_methods: Annotated[tuple[str, ...], Field(min_length=1)] = ("neurons",)
