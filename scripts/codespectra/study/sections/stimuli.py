"""Sections of stimulus sets."""

from typing import Annotated, Literal

from pydantic import Field

from codespectra.study.sections.base import RUNTIME, Channels, Positive, Strict, UserPath

PHOTOGRAPHS = 10


class Photographs(Strict):
    """Random crops of the ten shipped photographs; train and test from disjoint blocks."""

    source: Literal["photographs"]
    split: Literal["train", "test"]
    per_class: Positive = 800
    side: Positive = 32
    crops: tuple[Positive, ...] = (32, 48, 64, 96)
    block: Positive = 112
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.25
    seed: int = 0


class PhotographTiles(Strict):
    """A lattice over the ten shipped photographs, without flat tiles: the analysis set."""

    source: Literal["photograph_tiles"]
    pitch: Positive = 40
    side: Positive = 32
    max_per_class: Positive = 160
    min_contrast: Annotated[float, Field(ge=0, lt=1)] = 0.06
    seed: int = 0


class Cifar(Strict):
    """CIFAR-10 or CIFAR-100 in torchvision's folder layout."""

    source: Literal["cifar10", "cifar100"]
    root: UserPath
    split: Literal["train", "test"]
    download: bool = Field(False, json_schema_extra=RUNTIME)
    limit: Positive | None = None


class ImageFolder(Strict):
    """Any folder of images: one subfolder a class, or images alone (then without labels)."""

    source: Literal["folder"]
    root: UserPath
    side: Positive
    limit: Positive | None = None


class MovingDot(Strict):
    """A bright dot that moves once round a circle; lengths are shares of the image's side."""

    source: Literal["moving_dot"]
    frames: Annotated[int, Field(ge=8)] = 200
    side: Positive = 32
    orbit: Annotated[float, Field(gt=0, lt=0.5)] = 0.3
    radius: Annotated[float, Field(gt=0, lt=0.5)] = 0.1
    color: Channels = (1.0, 1.0, 1.0)
    background: Channels = (0.0, 0.0, 0.0)


Stimuli = Annotated[
    Photographs | PhotographTiles | Cifar | ImageFolder | MovingDot, Field(discriminator="source")
]
