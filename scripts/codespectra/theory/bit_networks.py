"""Small networks that answer with bits: several of the same shape at once, as one batched network.

They compute g^x mod p from x, and read x back from what such a network computes (`hardness`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from codespectra.errors import UserError
from codespectra.jobs.progress import progress
from codespectra.training.optimizers import Adam


@dataclass(frozen=True)
class BitNetworks:
    """E networks of linear maps with a ReLU between them; the last gives a logit a bit."""

    weights: tuple[Tensor, ...]  # each (E, from, to)
    biases: tuple[Tensor, ...]  # each (E, 1, to)

    def last_hidden(self, x: Tensor) -> Tensor:
        """What the last linear map sees (E, B, width), of inputs x (E, B, inputs)."""
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            x = functional.relu(torch.baddbmm(bias, x, weight))
        return x

    def logits(self, x: Tensor) -> Tensor:
        """Logits (E, B, bits) of inputs x (E, B, inputs); a bit is 1 where its logit is above 0."""
        return torch.baddbmm(self.biases[-1], self.last_hidden(x), self.weights[-1])


def train_bits(
    x: Tensor,
    bits: Tensor,
    *,
    hidden: Sequence[int],
    steps: int,
    learning_rate: float,
    generators: list[torch.Generator],
) -> BitNetworks:
    """Networks that give the bits (E, B, bits) of inputs (E, B, inputs), all of them every step.

    Adam with a cosine learning rate on the cross-entropy. None sees another: each network's
    gradient is of its own loss alone, and its weights and biases start uniform within
    1 / sqrt(fan-in) by its own generator.

    Args:
        x, bits: what each network sees and should say; bits are 0 or 1.
        hidden: widths of the hidden layers; none for a linear read-out.
        steps: of Adam.
        learning_rate: of the first.
        generators: one a network.

    Raises:
        UserError: a logit is no longer finite.
    """
    sizes = [x.shape[-1], *hidden, bits.shape[-1]]
    shapes = [
        (fan_in, shape)
        for fan_in, fan_out in pairwise(sizes)
        for shape in ((fan_in, fan_out), (1, fan_out))
    ]
    parameters = [_uniform(generators, shape, fan_in) for fan_in, shape in shapes]
    networks = BitNetworks(tuple(parameters[::2]), tuple(parameters[1::2]))
    optimizer = Adam(parameters, lr=learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in progress(range(steps), desc="bits"):
        loss = functional.binary_cross_entropy_with_logits(networks.logits(x), bits)
        optimizer.zero_grad(set_to_none=True)
        # One sum: the mean over networks would make each one's gradient smaller.
        (len(x) * loss).backward()
        optimizer.step()
        schedule.step()
    for parameter in parameters:
        parameter.requires_grad_(False)
    if not networks.logits(x).isfinite().all():
        raise UserError(
            "networks of g^x mod p: their logits are no longer finite; lower the learning rates of "
            f"theory.hardness ({learning_rate:g})"
        )
    return networks


def _uniform(generators: list[torch.Generator], shape: tuple[int, int], fan_in: int) -> Tensor:
    drawn = torch.stack([torch.rand(shape, generator=generator) for generator in generators])
    return ((2 * drawn - 1) / math.sqrt(fan_in)).requires_grad_()
