"""Section of the zoo (target `zoo`): many networks of timm and torchvision, a job each."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from codespectra.study.sections.analyses import LayerType, Selectors
from codespectra.study.sections.base import Name, Seed, Several, Strict, Text, UserPath
from codespectra.study.sections.interpretability import MachineInterpretability
from codespectra.study.sections.models import Preprocessing, Seen

# Nonlinearities of torch and timm; blocks whose nonlinearity is no module.
NONLINEAR = (
    *("ReLU", "ReLU6", "LeakyReLU", "PReLU", "ELU", "GELU", "GELUTanh", "QuickGELU", "SiLU"),
    *("Swish", "SwishMe", "Mish", "MishMe", "Hardswish", "HardSwish", "HardSwishMe"),
    *("SquaredReLU", "StarReLU", "BasicConv2d"),
)
Depth = Annotated[float, Field(gt=0, le=1)]
Measure = Literal["exponent", "ii", "mis"]


class Zoo(Strict):
    """The zoo (target `zoo`): many networks of timm and torchvision, a job each; null: none.

    Exponent, II and MIS against accuracy, size and year; workflow/studies/zoo.yaml has the keys.
    """

    networks: Several[Text] | None = None
    """Names of timm and torchvision, and globs over them: timm:resnet18, torchvision:*. A name of
    timm may have a tag, as timm:resnet50.a1_in1k. null: those of the table."""
    table: UserPath | None = None
    """What is known of networks (CSV): network, and where wanted weights (random, hub or a file),
    accuracy (a share), year. null: only their sizes are known."""
    weights: Literal["random", "hub", "folder"] = "random"
    """Where the table doesn't say: random; hub, as the library publishes them; folder."""
    folder: UserPath | None = None
    """Of weights: folder, {library}/{network}.safetensors, .pt or .pth; else null."""
    seed: Seed = 0
    """Draws random weights."""
    stimuli: Name
    """Stimulus set that all networks see."""
    preprocessing: Seen = Preprocessing()
    """side, resize, interpolation, mean, std; or {from: model}, as its own library does."""
    layers: Selectors = tuple(LayerType(type=name) for name in NONLINEAR)
    """Layers that the depths are of, as far as a network has them: names, globs, or {type: ReLU}.
    The default: nonlinearities, but for those of squeeze and excitation."""
    depths: Several[Depth] = (0.25, 0.5, 0.75, 1.0)
    """Which of them: the first whose place in running order is that share of all, or more."""
    measures: Several[Measure] = ("exponent", "ii", "mis")
    """exponent (as spectra says), ii and mis of the units (as index says; maps and tokens are
    averaged over places)."""
    mis: MachineInterpretability = MachineInterpretability()

    @model_validator(mode="after")
    def _named(self) -> "Zoo":
        if self.networks is None and self.table is None:
            raise ValueError("networks: neither it nor table is there; name networks, or a table")
        if (self.weights == "folder") != (self.folder is not None):
            raise ValueError("folder: goes with weights: folder; give both, or neither")
        return self

    @property
    def scores(self) -> bool:
        """Whether units are scored by how alike their images are."""
        return bool({"ii", "mis"} & {*self.measures})
