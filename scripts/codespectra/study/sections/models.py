"""Sections of networks: architectures, preprocessing, and where weights come from."""

from typing import Annotated, Literal

from pydantic import Field

from codespectra.study.sections.base import (
    Channels,
    Name,
    Positive,
    Sha256,
    Share,
    Strict,
    UserPath,
)


class BottleneckResNet(Strict):
    """Small ResNet of torchvision bottleneck blocks, for 32-pixel images."""

    name: Literal["bottleneck_resnet"]
    width: Positive = 16
    blocks: Annotated[tuple[Positive, ...], Field(min_length=4, max_length=4)] = (1, 1, 1, 1)
    stem_stride: Literal[1, 2] = 2


class BasicResNet(Strict):
    """Small ResNet of torchvision basic blocks (ResNet-18 by default), for 32-pixel images."""

    name: Literal["basic_resnet"]
    width: Positive = 16
    blocks: Annotated[tuple[Positive, ...], Field(min_length=4, max_length=4)] = (2, 2, 2, 2)
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


Encoder = Annotated[
    BottleneckResNet | BasicResNet | Torchvision | PytorchCifar10, Field(discriminator="name")
]
DropoutSites = Literal["relu", "encoder_relu", "stage"]
DropoutRate = Annotated[float, Field(ge=0, lt=1)]


class ResNetVAE(Strict):
    """The ResNet-VAE of paper A, in the layout of its checkpoints."""

    name: Literal["resnet_vae"]
    encoder: Encoder
    hidden: tuple[Positive, Positive] = (1024, 1024)
    latent: Positive = 256
    dropout: DropoutRate = 0.2
    dropout_sites: DropoutSites = "relu"


Architecture = Annotated[
    BottleneckResNet | BasicResNet | SmallAlexNet | Torchvision | PytorchCifar10 | ResNetVAE,
    Field(discriminator="name"),
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


class AnyModel(Strict):
    architecture: Architecture
    classes: Positive = 10
    preprocessing: Preprocessing = Preprocessing()
    expected_accuracy: dict[Name, Share] = Field({})


class TrainedModel(AnyModel):
    """A network that the workflow trains."""

    weights: Literal["train"]
    training: Training


class PathModel(AnyModel):
    """A network with weights from a local .pt, .pth or .safetensors file."""

    weights: Literal["path"]
    path: UserPath
    sha256: Sha256 | None = None


class RandomModel(AnyModel):
    """An untrained network: the control."""

    weights: Literal["random"]
    seed: int = 0


class DownloadedModel(AnyModel):
    """A network with torchvision's own weights, downloaded and checked by torchvision."""

    weights: Literal["torchvision"]
    tag: str = "DEFAULT"


Model = Annotated[
    TrainedModel | PathModel | RandomModel | DownloadedModel, Field(discriminator="weights")
]
