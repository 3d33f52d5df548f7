"""InfoNCE: a lower bound on mutual information by telling a sample's partner from others.

I(x; y) >= ln N + <ln softmax_j T(x_i, y_j) at j = i>, the mean over N pairs: never more than ln N,
whatever the critic, since no softmax is above 1. MINE's estimate has no such ceiling.
Source: van den Oord et al. 2018, "Representation learning with contrastive predictive coding",
eq. 4; the critic f(x) . g(y) and the ceiling: Poole et al. 2019, "On variational bounds".
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from codespectra.theory.batched_layers import uniform_parameter


class PartnerCritics(nn.Module):
    """E critics T(x, y) = f(x) . g(y), f and g with two hidden layers of ReLU, as one network.

    A product, so that all N * N pairs cost one matrix product.
    """

    def __init__(
        self, critics: int, x_width: int, y_width: int, hidden: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.of_x = _Towers(critics, x_width, hidden, generator)
        self.of_y = _Towers(critics, y_width, hidden, generator)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """T (E, N, N) of every x (E, N, dx) with every y (E, N, dy); partners on the diagonal."""
        return self.of_x(x) @ self.of_y(y).mT


class _Towers(nn.Module):
    """E perceptrons with two hidden layers of ReLU; as many outputs as hidden units."""

    def __init__(self, critics: int, inputs: int, hidden: int, generator: torch.Generator) -> None:
        super().__init__()
        sizes = (inputs, hidden, hidden, hidden)
        pairs = list(pairwise(sizes))
        self.weights = nn.ParameterList(
            uniform_parameter(fan_in, (critics, fan_in, out), generator) for fan_in, out in pairs
        )
        self.biases = nn.ParameterList(
            uniform_parameter(fan_in, (critics, 1, out), generator) for fan_in, out in pairs
        )

    def forward(self, values: Tensor) -> Tensor:
        """Outputs (E, B, hidden) of inputs (E, B, inputs)."""
        last = len(self.weights) - 1
        for at, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            values = torch.baddbmm(bias, values, weight)
            values = values if at == last else values.relu()
        return values


def info_nce(scores: Tensor) -> Tensor:
    """The bound (E,) in nats, from the scores (E, N, N) of all pairs; partners on the diagonal."""
    count = scores.shape[-1]
    partners = torch.arange(count, device=scores.device).repeat(len(scores))
    errors = functional.cross_entropy(scores.flatten(0, 1), partners, reduction="none")
    return math.log(count) - errors.view(-1, count).mean(dim=-1)
