"""Sections of stimulus sets."""

from typing import Annotated, Literal

from pydantic import Field

from codespectra.study.sections.base import (
    RUNTIME,
    Channels,
    Positive,
    Seed,
    Several,
    Share,
    Side,
    Strict,
    UserPath,
)

PHOTOGRAPHS = 10
Crops = Annotated[int, Field(gt=0, le=10**7)]


class Photographs(Strict):
    """Random crops of ten photographs that scikit-image and scikit-learn ship, a class each."""

    source: Literal["photographs"]
    split: Literal["train", "test", "all"]
    """train or test: their crops come from disjoint blocks of each photograph; or all of it, for
    networks that never saw it."""
    per_class: Crops = 800
    """Crops of each photograph."""
    side: Side = 32
    """Pixels of an image's side."""
    crops: Several[Side] = (32, 48, 64, 96)
    """Sides of the squares that are cut, in pixels of the photograph, before resizing to `side`."""
    block: Side = 112
    """Side of the blocks, in pixels of the photograph."""
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the blocks that are for testing."""
    seed: Seed = 0
    """Draws the blocks and the crops."""


class PhotographTiles(Strict):
    """A lattice over the same photographs without its flat tiles: nothing overlaps."""

    source: Literal["photograph_tiles"]
    pitch: Side = 40
    """Spacing and side of the tiles, in pixels of the photograph."""
    side: Side = 32
    """Pixels of a tile after resizing."""
    max_per_class: Crops = 160
    """At most so many tiles of each photograph."""
    min_contrast: Annotated[float, Field(ge=0, lt=1)] = 0.06
    """Tiles whose grey level (0 to 1) varies no more than this are left out."""
    seed: Seed = 0
    """Draws the tiles."""


class Cifar(Strict):
    """CIFAR-10 or CIFAR-100 in torchvision's folder layout."""

    source: Literal["cifar10", "cifar100"]
    """cifar10 or cifar100, in torchvision's folder layout."""
    root: UserPath
    """Folder that holds cifar-10-batches-py or cifar-100-python."""
    split: Literal["train", "test"]
    """train (50,000 images) or test (10,000)."""
    download: bool = Field(False, json_schema_extra=RUNTIME)
    """Whether torchvision fetches it where it is missing."""
    limit: Positive | None = None
    """Images at most, the first ones; null: all."""


class ImageFolder(Strict):
    """Any folder of images: one subfolder a class, or images alone (then without labels)."""

    source: Literal["folder"]
    root: UserPath
    """The folder."""
    table: UserPath | None = None
    """CSV file in it that lists the images, its path from root on: stimulus_id, path (from root
    on), and where wanted label and repeat; null: subfolders are classes."""
    side: Side
    """Pixels that each image's shorter side becomes; the centre is cut out."""
    max_pixels: Positive = Field(100_000_000, json_schema_extra=RUNTIME)
    """Pixels that an image may have, as it is and resized; decoding takes up to 16 bytes each."""
    limit: Positive | None = None
    """Images at most, the first ones; null: all."""


class MovingDot(Strict):
    """A bright dot that moves once round a circle."""

    source: Literal["moving_dot"]
    frames: Annotated[int, Field(ge=8, le=10**6)] = 200
    """Frames of the film, one time step apart."""
    side: Side = 32
    """Pixels of a frame's side."""
    orbit: Annotated[float, Field(gt=0, lt=0.5)] = 0.3
    """Radius of the circle, as a share of the side."""
    radius: Annotated[float, Field(gt=0, lt=0.5)] = 0.1
    """Radius of the dot, as a share of the side."""
    color: Channels[Share] = (1.0, 1.0, 1.0)
    """Red, green, blue of the dot, from 0 to 1."""
    background: Channels[Share] = (0.0, 0.0, 0.0)
    """Red, green, blue of what is behind it, from 0 to 1."""


Stimuli = Annotated[
    Photographs | PhotographTiles | Cifar | ImageFolder | MovingDot, Field(discriminator="source")
]
