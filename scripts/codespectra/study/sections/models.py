"""Sections of networks: architectures, preprocessing, and where weights come from."""

from typing import Annotated, Literal

from pydantic import Field

from codespectra.study.sections.base import (
    Batch,
    Channels,
    Depth,
    Factor,
    Name,
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
)

Blocks = Annotated[tuple[Depth, ...], Field(strict=False, min_length=4, max_length=4)]
Widths = Annotated[tuple[Number, ...], Field(strict=False, min_length=5, max_length=5)]


class BottleneckResNet(Strict):
    """Small ResNet of torchvision bottleneck blocks, for 32-pixel images."""

    name: Literal["bottleneck_resnet"]
    width: Number = 16
    """Channels of the stem; layer1 has four times as many."""
    blocks: Blocks = (1, 1, 1, 1)
    """Bottleneck blocks of layer1 to layer4."""
    stem_stride: Literal[1, 2] = 2
    """Stride of the first convolution, 1 or 2."""


class BasicResNet(Strict):
    """Small ResNet of torchvision basic blocks (ResNet-18 by default), for 32-pixel images."""

    name: Literal["basic_resnet"]
    width: Number = 16
    """Channels of the stem and of layer1."""
    blocks: Blocks = (2, 2, 2, 2)
    """Basic blocks of layer1 to layer4."""
    stem_stride: Literal[1, 2] = 2
    """Stride of the first convolution, 1 or 2."""


class SmallAlexNet(Strict):
    """Five convolutions for 32-pixel images: the `inhouse` perceptual backbone."""

    name: Literal["small_alexnet"]
    widths: Widths = (32, 64, 96, 64, 64)
    """Channels of the five convolutions."""


class Torchvision(Strict):
    """Any classifier of torchvision.models, by its name there."""

    name: Literal["torchvision"]
    model: Text
    """Its name in torchvision.models, such as resnet50."""


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
    BottleneckResNet | BasicResNet | SmallAlexNet | Torchvision | PytorchCifar10 | ResNetVAE,
    Field(discriminator="name"),
]


# Of pixels in [0, 1].
Shift = Annotated[float, Field(ge=-10, le=10)]
Deviation = Annotated[float, Field(ge=1e-6, le=1000)]


class Preprocessing(Strict):
    """Pixels in [0, 1] are resized to `side` (null keeps them), then (x - mean) / std."""

    side: Side | None = None
    """Pixels of the new side."""
    mean: Channels[Shift] = (0.5, 0.5, 0.5)
    """What is subtracted from red, green, blue."""
    std: Channels[Deviation] = (0.25, 0.25, 0.25)
    """What they are divided by then."""


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
    """bottleneck_resnet, basic_resnet, small_alexnet, torchvision (model: NAME), pytorch_cifar10
    (model: resnet50), resnet_vae."""
    classes: Annotated[int, Field(gt=0, le=10**6)] = 10
    """Outputs of the last layer."""
    preprocessing: Preprocessing = Preprocessing()
    expected_accuracy: dict[Name, Share] = Field({})
    """Accuracy to find at capture, by stimulus set: {test: 0.87}. Missing it by a point is an
    error."""


class TrainedModel(AnyModel):
    """A network that the workflow trains."""

    weights: Literal["train"]
    training: Training


class PathModel(AnyModel):
    """A network with your own weights, from a local .pt, .pth or .safetensors file."""

    weights: Literal["path"]
    path: UserPath
    """The file."""
    sha256: Sha256 | None = None
    """Digest that it must have; null: any."""


class RandomModel(AnyModel):
    """An untrained network: the control."""

    weights: Literal["random"]
    seed: Seed = 0
    """Draws the weights."""


class DownloadedModel(AnyModel):
    """A network with torchvision's own weights, downloaded and checked by torchvision."""

    weights: Literal["torchvision"]
    tag: Text = "DEFAULT"
    """Which of torchvision's weights, such as IMAGENET1K_V1."""


Model = Annotated[
    TrainedModel | PathModel | RandomModel | DownloadedModel, Field(discriminator="weights")
]
