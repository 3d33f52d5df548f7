"""Deep networks with dropout that reproduce their input (paper A's supplement, fig. 1).

A hidden layer is a linear map, LayerNorm, ReLU, dropout; after the last comes a linear read-out.
LayerNorm has no gain and bias: the linear maps on both sides make up for them. Several networks
are one, with an axis of networks N, so that small products share a call.

Dropout is discrete and the input continuous: strictly their information is infinite. An estimate
by MINE is the part of it that a critic of its size can read.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from codespectra.errors import UserError
from codespectra.jobs.progress import progress
from codespectra.theory.retention import TRAINED_WITH, TRAINED_WITHOUT
from codespectra.training.optimizers import Adam


@dataclass(frozen=True)
class DropoutNetworks:
    """N networks of the same shape; the last linear map is the read-out."""

    weights: tuple[Tensor, ...]  # each (N, from, to)
    biases: tuple[Tensor, ...]  # each (N, 1, to)

    def layer_activations(
        self, x: Tensor, dropout: Tensor, generator: torch.Generator
    ) -> list[Tensor]:
        """Outputs (N, B, width) of each hidden layer, after dropout, for inputs x (B, inputs).

        `dropout` (N,) is the share of units that each network drops, anew for each input; networks
        draw the same random numbers, so that they differ by their weights alone.
        """
        rates = dropout[:, None, None]
        values = x.expand(len(rates), *x.shape)
        layers = []
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            values = torch.baddbmm(bias, values, weight)
            values = functional.relu(functional.layer_norm(values, values.shape[-1:]))
            chance = torch.rand(values.shape[1:], generator=generator, device=generator.device)
            values = values * ((chance >= rates) / (1 - rates))
            layers.append(values)
        return layers

    def errors(self, x: Tensor, dropout: Tensor, generator: torch.Generator) -> Tensor:
        """Mean squared errors (N,) of the reproduced inputs x (B, inputs)."""
        last = self.layer_activations(x, dropout, generator)[-1]
        reproduced = torch.baddbmm(self.biases[-1], last, self.weights[-1])
        return (reproduced - x).square().mean(dim=(1, 2))


def networks_of_each_kind(
    *,
    inputs: int,
    depth: int,
    width: int,
    dropout: float,
    steps: int,
    batch: int,
    learning_rate: float,
    generator: torch.Generator,
) -> DropoutNetworks:
    """Three networks from one start, in the order of `retention.KINDS`; the last stays untrained.

    Args:
        inputs: width of the input, N(0, I).
        depth: hidden layers.
        width: of each hidden layer.
        dropout: share of units dropped in training, by the first kind alone.
        steps: of Adam, under a one-cycle learning rate.
        batch: inputs a step, the same for both.
        learning_rate: the largest.
        generator: of weights, inputs and dropout; all tensors live on its device.

    Raises:
        UserError: a loss is no longer finite.
    """
    start = untrained_network(inputs=inputs, depth=depth, width=width, generator=generator)
    rates = {TRAINED_WITH: dropout, TRAINED_WITHOUT: 0.0}
    trained = train_networks(
        start, rates, steps=steps, batch=batch, learning_rate=learning_rate, generator=generator
    )
    return stack([trained, start])


def untrained_network(
    *, inputs: int, depth: int, width: int, generator: torch.Generator
) -> DropoutNetworks:
    """One network before training: weights and biases uniform within 1 / sqrt(fan-in)."""

    def uniform(fan_in: int, *shape: int) -> Tensor:
        values = torch.rand(1, *shape, generator=generator, device=generator.device)
        return (2 * values - 1) / math.sqrt(fan_in)

    sizes = [inputs] + [width] * depth
    steps = list(zip(sizes, sizes[1:] + [inputs], strict=True))
    weights = tuple(uniform(fan_in, fan_in, fan_out) for fan_in, fan_out in steps)
    return DropoutNetworks(weights, tuple(uniform(fan_in, 1, fan_out) for fan_in, fan_out in steps))


def stack(networks: list[DropoutNetworks]) -> DropoutNetworks:
    """All of them as one, along the axis of networks; the tensors are copies."""
    weights = zip(*(network.weights for network in networks), strict=True)
    biases = zip(*(network.biases for network in networks), strict=True)
    return DropoutNetworks(tuple(map(torch.cat, weights)), tuple(map(torch.cat, biases)))


def train_networks(
    start: DropoutNetworks,
    rates: dict[str, float],
    *,
    steps: int,
    batch: int,
    learning_rate: float,
    generator: torch.Generator,
) -> DropoutNetworks:
    """Copies of the single network `start`, each trained with its own dropout; `rates` names them.

    Other arguments and the error as for `networks_of_each_kind`.
    """
    networks = stack([start] * len(rates))
    parameters = [*networks.weights, *networks.biases]
    for parameter in parameters:
        parameter.requires_grad_()
    dropout = torch.tensor(list(rates.values()), device=generator.device)
    optimizer = Adam(parameters, lr=learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps)
    shape = batch, start.weights[0].shape[1]
    for step in progress(range(1, steps + 1), desc="training"):
        x = torch.randn(shape, generator=generator, device=generator.device)
        losses = networks.errors(x, dropout, generator)
        lost = (~losses.isfinite()).nonzero().flatten().tolist()
        if lost:
            raise UserError(
                f"the loss of the network trained {list(rates)[lost[0]]} isn't finite at step "
                f"{step} of {steps}; lower theory.information.learning_rate ({learning_rate:g})"
            )
        optimizer.zero_grad(set_to_none=True)
        # One sum: each network's gradient is of its own loss alone.
        losses.sum().backward()
        optimizer.step()
        schedule.step()
    for parameter in parameters:
        parameter.requires_grad_(False)
    return networks
