"""ResNets of free width for small images, with torchvision's names and arithmetic.

Written here because importing torchvision costs a job 3.5 s of CPU time (its operators pull in
torch's compiler), more than most jobs of a small study take.
"""

import torch
from torch import nn


class _Block(nn.Module):
    """Residual block: convolutions with BatchNorm, a shortcut, and one ReLU called after each."""

    def __init__(self, channels: int, out: int, stride: int, shapes: list[tuple[int, int, int]]):
        """Build from the (kernel, channels, stride) of each convolution; the last has `out`."""
        super().__init__()
        self.stages, given = len(shapes), channels
        for index, (kernel, wide, step) in enumerate(shapes, start=1):
            convolution = nn.Conv2d(given, wide, kernel, step, kernel // 2, bias=False)
            setattr(self, f"conv{index}", convolution)
            setattr(self, f"bn{index}", nn.BatchNorm2d(wide))
            given = wide
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or channels != out:
            shortcut = nn.Conv2d(channels, out, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(out))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (N, channels, H, W) to (N, out, H / stride, W / stride)."""
        found = images
        for index in range(1, self.stages + 1):
            found = getattr(self, f"bn{index}")(getattr(self, f"conv{index}")(found))
            if index < self.stages:
                found = self.relu(found)
        found += images if self.downsample is None else self.downsample(images)
        return self.relu(found)


class BasicBlock(_Block):
    """Two 3x3 convolutions."""

    expansion = 1

    def __init__(self, channels: int, width: int, stride: int):
        """Build with `width` channels out."""
        super().__init__(channels, width, stride, [(3, width, stride), (3, width, 1)])


class Bottleneck(_Block):
    """Convolutions of 1x1, 3x3 and 1x1, the last four times as wide."""

    expansion = 4

    def __init__(self, channels: int, width: int, stride: int):
        """Build with `4 * width` channels out."""
        shapes = [(1, width, 1), (3, width, stride), (1, 4 * width, 1)]
        super().__init__(channels, 4 * width, stride, shapes)


class SmallResNet(nn.Module):
    """ResNet with a 3x3 stem and no max-pool; module names are torchvision's."""

    def __init__(
        self,
        *,
        block: type[BasicBlock | Bottleneck],
        width: int,
        blocks: tuple[int, ...],
        stem_stride: int,
        classes: int,
    ):
        """Build with `block.expansion * width` channels after layer1, doubling with each layer."""
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, stem_stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.Identity()
        channels = width
        for index, count in enumerate(blocks):
            wide, stride = width * 2**index, 1 if index == 0 else 2
            first = block(channels, wide, stride)
            channels = wide * block.expansion
            others = [block(channels, wide, 1) for _ in range(count - 1)]
            setattr(self, f"layer{index + 1}", nn.Sequential(first, *others))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (N, 3, H, W) to (N, classes) logits."""
        found = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        found = self.layer4(self.layer3(self.layer2(self.layer1(found))))
        return self.fc(self.avgpool(found).flatten(1))
