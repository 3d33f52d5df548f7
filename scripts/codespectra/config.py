"""The study's config: pydantic models that refuse what they don't know, before any job runs.

A field marked `Runtime` says how a job runs, not what it computes; it never reaches `params` and
so never reruns anything.
"""

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from codespectra.errors import UserError, nearest

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
Names = Annotated[tuple[Name, ...], Field(min_length=1)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Positive = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Channels = tuple[float, float, float]
RUNTIME = {"runtime": True}

PHOTOGRAPHS = 10


class Strict(BaseModel):
    """Base of every section: an unknown key is an error that names the nearest known one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _hint_at_unknown_keys(cls, data: Any) -> Any:
        # pydantic's error on an unknown key shows its value: put the hint there. Raising it here
        # would hide every other mistake of this section and of those inside it.
        if not isinstance(data, dict):
            return data
        known = cls.model_fields
        return {k: v if k in known else nearest(str(k), known) for k, v in data.items()}


class Runtime(Strict):
    """How jobs run; none of it changes a result beyond rounding."""

    device: Literal["auto", "cpu", "cuda"] = Field("auto", json_schema_extra=RUNTIME)
    batch: Positive = Field(256, json_schema_extra=RUNTIME)


# Stimuli -----------------------------------------------------------------------------------------


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
    root: Path
    split: Literal["train", "test"]
    download: bool = Field(False, json_schema_extra=RUNTIME)
    limit: Positive | None = None


class ImageFolder(Strict):
    """Any folder of images: one subfolder a class, or images alone (then without labels)."""

    source: Literal["folder"]
    root: Path
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


# Models ------------------------------------------------------------------------------------------


class BottleneckResNet(Strict):
    """Small ResNet of torchvision bottleneck blocks, for 32-pixel images."""

    name: Literal["bottleneck_resnet"]
    width: Positive = 16
    blocks: Annotated[tuple[Positive, ...], Field(min_length=4, max_length=4)] = (1, 1, 1, 1)
    stem_stride: Literal[1, 2] = 2


class SmallAlexNet(Strict):
    """Five convolutions for 32-pixel images: the `inhouse` perceptual backbone."""

    name: Literal["small_alexnet"]
    widths: Annotated[tuple[Positive, ...], Field(min_length=5, max_length=5)] = (
        32,
        64,
        96,
        64,
        64,
    )


class Torchvision(Strict):
    """Any classifier of torchvision.models, by its name there."""

    name: Literal["torchvision"]
    model: str


class PytorchCifar10(Strict):
    """A ResNet of huyvnphan/PyTorch_CIFAR10: torchvision's, with a 3x3 stride-1 first layer."""

    name: Literal["pytorch_cifar10"]
    model: Literal["resnet18", "resnet34", "resnet50"]


Architecture = Annotated[
    BottleneckResNet | SmallAlexNet | Torchvision | PytorchCifar10, Field(discriminator="name")
]


class Preprocessing(Strict):
    """Pixels in [0, 1] are resized to `side` (null keeps them), then (x - mean) / std."""

    side: Positive | None = None
    mean: Channels = (0.5, 0.5, 0.5)
    std: Channels = (0.25, 0.25, 0.25)


class Training(Strict):
    """AdamW with a one-cycle schedule; crops and flips as augmentation."""

    train: Name
    test: Name
    epochs: Positive = 3
    batch: Positive = 128
    learning_rate: Annotated[float, Field(gt=0)] = 3e-3
    weight_decay: Annotated[float, Field(ge=0)] = 1e-2
    crop_padding: Annotated[int, Field(ge=0)] = 3
    seed: int = 0


class _Model(Strict):
    architecture: Architecture
    classes: Positive = 10
    preprocessing: Preprocessing = Preprocessing()
    expected_accuracy: dict[Name, Share] = {}


class TrainedModel(_Model):
    """A network that the workflow trains."""

    weights: Literal["train"]
    training: Training


class PathModel(_Model):
    """A network with weights from a local .pt, .pth or .safetensors file."""

    weights: Literal["path"]
    path: Path
    sha256: Sha256 | None = None


class RandomModel(_Model):
    """An untrained network: the control."""

    weights: Literal["random"]
    seed: int = 0


class DownloadedModel(_Model):
    """A network with torchvision's own weights, downloaded and checked by torchvision."""

    weights: Literal["torchvision"]
    tag: str = "DEFAULT"


Model = Annotated[
    TrainedModel | PathModel | RandomModel | DownloadedModel, Field(discriminator="weights")
]


# Analyses ----------------------------------------------------------------------------------------


class LayerType(Strict):
    """All modules of a class, by its name, such as ReLU."""

    type: str


Layers = Annotated[tuple[LayerType | str, ...], Field(min_length=1)]
Reduction = Literal["spatial_mean", "stride", "none"]


class Capture(Strict):
    """How activations are stored."""

    dtype: Literal["float32", "float16"] = "float32"


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


class Neurons(Strict):
    """The units themselves."""


class KMeans(Strict):
    """Spherical K-Means centroids, one fit for each k."""

    k: Annotated[tuple[Positive, ...], Field(min_length=1)]
    starts: Positive = 3
    readout: Literal["cosine", "dot", "neg_distance"] = "cosine"
    seed: int = 0


class RandomDirections(Strict):
    """Isotropic random directions: a control."""

    k: Positive
    seed: int = 0


class Exemplars(Strict):
    """Activations of randomly chosen images of the set, read by cosine: the control that counts."""

    k: Positive
    seed: int = 0


class DirectionMethods(Strict):
    """Which direction finders run."""

    neurons: Neurons | None = None
    kmeans: KMeans | None = None
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
    path: Path
    sha256: Sha256 | None = None


class RandomBackbone(Strict):
    """AlexNet with random weights and the shipped heads: a published baseline."""

    kind: Literal["random"]
    seed: int = 0


Backbone = Annotated[
    InhouseBackbone | ImagenetBackbone | PathBackbone | RandomBackbone, Field(discriminator="kind")
]


class Interpretability(Strict):
    """The Interpretability Index (methods §6)."""

    m: Annotated[int, Field(ge=2)] = 5
    normalisation: Literal["pairs", "code", "literal"] = "pairs"
    color: bool = True
    label: bool = True
    backbones: tuple[Name, ...] = ()


class Claims(Strict):
    """How verdicts get their intervals."""

    bootstrap: Annotated[int, Field(ge=100)] = 2000
    seed: int = 0


class Figures(Strict):
    """What the figures show; nothing here changes a number."""

    mei_methods: Annotated[tuple[str, ...], Field(min_length=1)] = ("neurons",)


class Study(Strict):
    """A whole study: what config.yaml holds."""

    study: Name
    runtime: Runtime = Runtime()
    stimuli: dict[Name, Stimuli]
    models: dict[Name, Model]
    capture: Capture = Capture()
    spectra: Spectra
    filters: Filters = Filters()
    projections: Projections
    directions: Directions
    backbones: dict[Name, Backbone] = {}
    interpretability: Interpretability
    claims: Claims = Claims()
    figures: Figures = Figures()


def load_study(config: dict[str, Any]) -> Study:
    """Validate a config read from YAML; cross-references are checked by `plan.make_plan`.

    Raises:
        UserError: one line a mistake: the key's path, what was found, what is allowed.
    """
    try:
        return Study.model_validate(config)
    except ValidationError as error:
        lines = [_explain(problem, config) for problem in error.errors(include_url=False)]
        raise UserError("config: " + "\nconfig: ".join(dict.fromkeys(lines))) from error


def _explain(problem: Any, config: dict[str, Any]) -> str:
    where = ".".join(_path(problem["loc"], config)) or "top level"
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        return f"{where}: unknown key; {problem['input']}"
    if problem["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        context = problem["ctx"]
        where += "." + context["discriminator"].strip("'")
        if "tag" not in context:
            return f"{where}: Field required"
        allowed = [tag.strip("'") for tag in context["expected_tags"].split(", ")]
        return f"{where}: {context['tag']!r} is unknown; {nearest(context['tag'], allowed)}"
    found = problem.get("input")
    shown = "" if isinstance(found, dict | BaseModel) else f" (found {found!r})"
    return f"{where}: {message}{shown}"


def _path(location: tuple[Any, ...], config: Any) -> list[str]:
    """Keys as the user wrote them: pydantic also lists the member of each union that it entered."""
    path, here, entered = [], config, False
    for part in location:
        is_tag = isinstance(here, dict) and part in [here.get(tag) for tag in _TAGS]
        if (is_tag and not entered) or (path[-2:-1] == ["layers"] and part in _SELECTORS):
            entered = is_tag
            continue
        path.append(str(part))
        entered = False
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            here = None
    return path


_TAGS = ("name", "weights", "source", "kind")
_SELECTORS = (LayerType.__name__, str.__name__)


def stage_config(*sections: BaseModel, **fields: Any) -> dict[str, Any]:
    """One plain, sorted dict of the scientific fields of config sections, for `params.cfg`.

    Runtime fields are left out, paths become strings, so that Snakemake compares it by content.
    """
    merged: dict[str, Any] = {}
    for section in sections:
        merged |= _scientific(section)
    return _sorted(merged | fields)


def _scientific(section: BaseModel) -> dict[str, Any]:
    fields = type(section).model_fields
    names = {name for name in fields if fields[name].json_schema_extra != RUNTIME}
    return section.model_dump(mode="json", include=names)


def _sorted(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _sorted(content[key]) for key in sorted(content)}
    return [_sorted(item) for item in content] if isinstance(content, list | tuple) else content
