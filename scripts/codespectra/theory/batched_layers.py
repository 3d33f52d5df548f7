"""Weights of many small networks at once: the first axis is that of networks."""

import math

import torch
from torch import nn


def uniform_parameter(
    fan_in: int, shape: tuple[int, ...], generator: torch.Generator
) -> nn.Parameter:
    """Weights or biases of that shape, uniform within 1 / sqrt(fan-in), where the generator is."""
    values = torch.rand(shape, generator=generator, device=generator.device)
    return nn.Parameter((2 * values - 1) / math.sqrt(fan_in))
