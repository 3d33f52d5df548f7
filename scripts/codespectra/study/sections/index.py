"""Sections of scores, claims and figures."""

from typing import Annotated, Literal

from pydantic import Field

from codespectra.interpretability.dreamsim_files import VARIANTS
from codespectra.study.sections.analyses import Selectors
from codespectra.study.sections.base import (
    RUNTIME,
    Listed,
    Name,
    Number,
    Resamples,
    Seed,
    Sha256,
    Strict,
    Text,
    UserPath,
)
from codespectra.study.sections.recorded import RecordedFile


class NetworkBackbone(Strict):
    """Any network, all heads 1: the distance between its unit-length features, never LPIPS."""

    kind: Literal["network"]
    model: Name
    """One of the models above."""
    layers: Selectors
    """Layers whose distances are added: names, globs, or {type: ReLU}."""


class ImagenetBackbone(Strict):
    """torchvision's AlexNet (downloaded) with the heads of the lpips package: LPIPS itself."""

    kind: Literal["imagenet"]


class PathBackbone(Strict):
    """The same from a local file of torchvision's AlexNet weights."""

    kind: Literal["path"]
    path: UserPath
    """The file."""
    sha256: Sha256 | None = None
    """Digest that it must have; null: any."""


class RandomBackbone(Strict):
    """AlexNet with random weights and the shipped heads: a published baseline."""

    kind: Literal["random"]
    seed: Seed = 0
    """Draws the weights."""


class EmbeddingsBackbone(Strict):
    """Any embedding of yours: a file for each set, whose rows are the images'."""

    kind: Literal["embeddings"]
    sets: dict[Name, RecordedFile]
    """The file of each set that is scored; its arrays are parts, whose distances are added."""
    distance: Literal["cosine", "squared_euclidean"] = "cosine"
    """Between two rows: 1 - cos (cosine), or |x - y|^2 of them as they are (squared_euclidean)."""


class DreamsimBackbone(Strict):
    """DreamSim (Fu et al. 2023) with weights of a local folder."""

    kind: Literal["dreamsim"]
    folder: UserPath
    """Where the package dreamsim has left its weights (its cache_dir)."""
    variant: Literal[tuple(VARIANTS)] = "ensemble"  # type: ignore[valid-type]
    """Which of its networks, as the package names them."""


# The kinds that are LPIPS, or its baseline.
LpipsBackbone = ImagenetBackbone | PathBackbone | RandomBackbone
Backbone = Annotated[
    NetworkBackbone | LpipsBackbone | EmbeddingsBackbone | DreamsimBackbone,
    Field(discriminator="kind"),
]


class Index(Strict):
    """The Interpretability Index (methods §6)."""

    m: Annotated[Number, Field(ge=2)] = 5
    """Most exciting images of a direction."""
    normalisation: Literal["pairs", "code", "literal"] = "pairs"
    """pairs (mean over pairs), code (over all M*M terms), literal (paper B eq. 1 as printed)."""
    color: bool = True
    """Whether to score with the similarity of mean colours."""
    label: bool = True
    """Whether to score with that of labels: 1 for the same one, else 0."""
    backbones: Listed[Name] = ()
    """Backbones to score with."""
    resamples: Resamples = 100
    """Resamples of the images, random two thirds, on which each index is taken for its interval."""
    resampled: Literal["auto", "stimuli", "classes"] = "auto"
    """What they draw: as spectra.resampled."""
    seed: Seed = 0
    """Draws the resamples."""


class Claims(Strict):
    """Intervals of the verdicts on the papers' claims."""

    resamples: Annotated[Resamples, Field(ge=100)] = 2000
    """Resamples for each interval."""
    seed: Seed = 0
    """Draws the resamples."""
    networks: Number = Field(1, json_schema_extra=RUNTIME)
    """Networks that each model must be, at least, so that intervals are over networks: a model with
    fewer seeds is refused. 1: verdicts over one network say so."""


class Figures(Strict):
    """What the figures show; no number depends on it."""

    mei_methods: Listed[Text] = ()
    """Methods whose most exciting images are drawn side by side; none: no such figure."""
    claims_beside: dict[Name, UserPath] = Field({})
    """Tables of other studies' verdicts by name, such as {pretrained: claims-pretrained.csv}, that
    the figure of the claims shows beside this one's."""
