"""Sections of the analyses of activations: capture, spectra, filters, projections."""

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from codespectra.study.sections.base import (
    RUNTIME,
    Name,
    Names,
    Number,
    Pair,
    Positive,
    Resamples,
    Seed,
    Several,
    Strict,
    Text,
    check_product,
)


class LayerType(Strict):
    """All modules of a class."""

    type: Text
    """Name of the modules' class, such as ReLU."""


class LayerInput(Strict):
    """What goes into layers, such as the neurons of a gated MLP."""

    input: Text
    """Name of the layers, or a glob."""


def _form(selector: Any) -> str:
    if isinstance(selector, LayerInput) or (isinstance(selector, dict) and "input" in selector):
        return "LayerInput"
    return "LayerType" if isinstance(selector, dict | LayerType) else "str"


Selector = Annotated[
    Annotated[LayerType, Tag("LayerType")]
    | Annotated[LayerInput, Tag("LayerInput")]
    | Annotated[Text, Tag("str")],
    Discriminator(_form),
]


def plain(selector: LayerType | LayerInput | str) -> dict[str, str] | str:
    """A selector as `layer_selection.select_layers` takes it."""
    return selector if isinstance(selector, str) else selector.model_dump()


def in_words(selector: LayerType | LayerInput | str) -> str:
    """A selector as figures call its layers."""
    if isinstance(selector, LayerInput):
        return f"input of {selector.input}"
    return selector if isinstance(selector, str) else selector.type


Selectors = Several[Selector]


def _whose(layers: Any) -> str:
    return "by model" if isinstance(layers, dict) else "of all models"


Layers = Annotated[
    Annotated[Selectors, Tag("of all models")] | Annotated[dict[Name, Selectors], Tag("by model")],
    Discriminator(_whose),
]
Sets = Annotated[
    Annotated[Names, Tag("of all models")]
    | Annotated[dict[Name, Names], Field(min_length=1), Tag("by model")],
    Discriminator(_whose),
]
Shards = Annotated[int, Field(gt=0, le=1000)]
Estimator = Literal[
    "meme",
    "meme_broken",
    "extrapolation",
    "alternatives",
    "windows",
    "participation_ratio",
    "stringer",
]
Reduction = Literal["spatial_mean", "spatial_max", "center", "cls", "token_mean", "stride", "none"]


class Capture(Strict):
    """How activations are computed and stored."""

    dtype: Literal["float32", "float16"] = "float32"
    """float32 or float16, which takes half the disk."""
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    """What networks compute with: float32; tf32, of NVIDIA's GPUs from Ampere on; or bfloat16. How
    far from float32 that is in a sample of the stimuli, the log and the manifest say."""
    compile: bool = False
    """Let torch compile networks, for a GPU: other by rounding alone; needs a C++ compiler."""
    shards: Shards = Field(1, json_schema_extra=RUNTIME)
    """Jobs that share each capture, say one a GPU; files that are there stay as they were made."""


class Analysed(Strict):
    """Options of an analysis, and what the main job applies it to: every model, every set."""

    models: Names = ()
    """Networks that the main job analyses. Without models and stimuli the section is options alone,
    for the coding and the language study."""
    stimuli: Sets = ()
    """Stimulus sets that it shows to each of them; or a list for each: {vit: [large, dots]}."""

    @model_validator(mode="after")
    def _both_or_neither(self) -> "Analysed":
        if bool(self.models) != bool(self.stimuli):
            raise ValueError("models and stimuli: name both, or neither for options alone")
        check_product("models and stimuli", self.runs)
        return self

    @property
    def runs(self) -> list[tuple[str, str]]:
        """Each model with each set that it is shown."""
        sets = self.stimuli
        shown = sets if isinstance(sets, dict) else dict.fromkeys(self.models, sets)
        return [(model, name) for model in self.models for name in shown.get(model, ())]


class Spectra(Analysed):
    """Eigenspectra and power-law exponents (methods §2)."""

    activations: Names = ()
    """Sets of the section activations that it analyses as well."""
    layers: Layers = (LayerType(type="ReLU"),)
    """Names, globs (layer*.relu*), or {type: ReLU}; {input: NAME} is what goes into layers. A
    module called twice gives NAME:0 and NAME:1. Or such lists by model: {vit: ["*.mlp"]}. Of
    activations from files all, but for what a list by model says."""
    reduction: Reduction | Literal["tokens"] = "stride"
    """One number a channel of maps (spatial_mean, spatial_max, center) or of tokens (cls, the
    first; token_mean, of the patches); or stride (every s-th number, below 8000); or none (all). Or
    a row for each patch (tokens)."""
    solver: Literal["exact", "window", "randomized"] = "exact"
    """exact; window (the leading ranks only, for wide layers); randomized (paper A's own)."""
    components: Number = 1000
    """Principal components at most."""
    ranks: Pair[Number] = (10, 50)
    """First and last rank of the power-law fit, counted from 1."""
    resamples: Resamples = 100
    """Resamples for the interval of each exponent."""
    resampled: Literal["auto", "stimuli", "classes"] = "auto"
    """What they draw: stimuli one by one; or whole classes, where those of a class are alike. auto:
    classes of the photographs' sets, whose crops are; else stimuli."""
    estimators: Several[Estimator] = (
        "meme",
        "meme_broken",
        "alternatives",
        "windows",
        "participation_ratio",
        "stringer",
    )
    """What stands beside the exponent in estimates.csv: meme and meme_broken (no bias of few
    stimuli), alternatives (is it a power law?), windows (does the window decide?),
    participation_ratio (corrected), stringer (their fit); extrapolation takes 20 times as long."""
    swaps: Annotated[int, Field(ge=0, le=1000)] = 0
    """Draws of which repeat comes first, for the fit stringer of two noisy repeats; theirs are
    10."""
    seed: Seed = 0
    """Draws the resamples, stimuli of estimators, and starts the solvers window and randomized."""

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
    """Eigenvectors of the spectra's runs as filters (methods §2; paper A, fig. 3d)."""

    layers: Layers = ()
    """Which of the layers of `spectra`: names, globs, or {type: ReLU}. The first convolution's
    layer (here relu) is shown as kernels too. Missing or `filters: null`: no such figure in the
    main job."""
    ranks: Several[Number] = (1, 2, 4, 8, 16, 32)
    """Principal components that are shown, counted from 1; at most spectra.components."""
    images: Positive = 64
    """Stimuli, the first of the set, over which input gradients are averaged."""

    @model_validator(mode="after")
    def _ascending(self) -> "Filters":
        if any(rank >= after for rank, after in pairwise(self.ranks)):
            raise ValueError(f"ranks: {list(self.ranks)} doesn't increase strictly")
        return self


class Projections(Analysed):
    """Random projections of the moving dot, and of text (methods §3)."""

    layers: Layers = (LayerType(type="ReLU"),)
    """Names, globs, or {type: ReLU}, as in spectra.layers."""
    reduction: Reduction = "none"
    """As in spectra.reduction."""
    draws: Resamples = 1000
    """Projections onto three dimensions that are drawn in each layer."""
    keep: Number = 8
    """Trajectories that are stored, besides the one with the least action."""
    read_out: Literal["regression", "correlation"] = "regression"
    """Explained input variance: regression (R2 of the dot's position) or correlation (the
    supplement's)."""
    seed: Seed = 0
    """Draws the projections."""
