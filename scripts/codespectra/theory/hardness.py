"""Reading x from a network that computes g^x mod p (paper A's supplement, 2.2).

The paper argues that no decoder of polynomial time finds x in an optimal code of g^x mod p, if
discrete logarithms are hard. A network learns the map on bits, for all x of a small prime; then
read-outs learn x from what it computes for half of them, and are tried on the rest.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from codespectra.theory.bit_networks import train_bits
from codespectra.theory.prime_groups import powers

# Codes that are read: what the network's last linear map sees; its logits; and these as bits, of
# which the task needs each one: the optimal code that the paper speaks of.
HIDDEN, LOGITS, BITS = "last hidden layer", "output logits", "output bits"
LINEAR, NONLINEAR = "linear", "nonlinear"


def decode(
    p: int,
    g: int,
    *,
    width: int,
    steps: int,
    learning_rate: float,
    read_out_width: int,
    read_out_steps: int,
    read_out_learning_rate: float,
    seeds: Sequence[int],
) -> list[dict[str, Any]]:
    """How well read-outs find x in a network that computes g^x mod p: a row a seed, code, read-out.

    Args:
        p, g: a prime, and a primitive root of it.
        width: of the network's two hidden layers.
        steps, learning_rate: of its training, on all x.
        read_out_width: hidden units of the nonlinear read-out.
        read_out_steps, read_out_learning_rate: of the training of both, on half of all x.
        seeds: of a network and its read-outs each; with others left out a seed's stay the same.

    Returns:
        p, g, seed, code, read_out; accuracy: share of the bits of x that are right, over x that the
        read-out hasn't seen; chance: of `chance_accuracy`; tested: how many x; learned: share of
        all x whose g^x the network gives in all bits.
    """
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    x = as_bits(list(range(1, p)), p).expand(len(seeds), -1, -1)
    y = as_bits(powers(g, p), p).expand_as(x)
    inputs = 2 * x - 1
    network = train_bits(
        inputs,
        y,
        hidden=(width, width),
        steps=steps,
        learning_rate=learning_rate,
        generators=generators,
    )
    logits = network.logits(inputs)
    said = (logits > 0).float()
    learned = (said == y).all(dim=-1).double().mean(dim=-1).tolist()
    orders = torch.stack([torch.randperm(p - 1, generator=one) for one in generators])
    seen, tested = orders.split([(p - 1) // 2, p - 1 - (p - 1) // 2], dim=1)
    codes = {HIDDEN: network.last_hidden(inputs), LOGITS: logits, BITS: 2 * said - 1}
    rows = []
    for code, values in codes.items():
        scaled = values / values.square().mean(dim=(1, 2), keepdim=True).sqrt().clamp(min=1e-12)
        for read_out, hidden in ((LINEAR, ()), (NONLINEAR, (read_out_width,))):
            reader = train_bits(
                _rows(scaled, seen),
                _rows(x, seen),
                hidden=hidden,
                steps=read_out_steps,
                learning_rate=read_out_learning_rate,
                generators=generators,
            )
            read = (reader.logits(_rows(scaled, tested)) > 0).float()
            right = (read == _rows(x, tested)).double().mean(dim=(1, 2)).tolist()
            rows += [
                {"p": p, "g": g, "seed": seed, "code": code, "read_out": read_out}
                | {"accuracy": accuracy, "chance": chance_accuracy(p)}
                | {"tested": tested.shape[1], "learned": share}
                for seed, accuracy, share in zip(seeds, right, learned, strict=True)
            ]
    return rows


def as_bits(numbers: list[int], p: int) -> Tensor:
    """The bits (N, n) of numbers below p, lowest first, as many as p - 1 has."""
    places = torch.arange((p - 1).bit_length())
    return ((torch.tensor(numbers)[:, None] >> places) & 1).float()


def chance_accuracy(p: int) -> float:
    """Share of bits that are right where each bit's more frequent value over x = 1..p-1 is said."""
    places = range((p - 1).bit_length())
    ones = [_ones_below(p, place) for place in places]
    return sum(max(count, p - 1 - count) for count in ones) / (p - 1) / len(ones)


def _ones_below(p: int, place: int) -> int:
    """How many of 0..p-1 have a 1 at that place."""
    period, half = 2 << place, 1 << place
    return p // period * half + max(p % period - half, 0)


def _rows(values: Tensor, chosen: Tensor) -> Tensor:
    """Rows (E, C) of each network's own, (E, C, width) of values (E, B, width)."""
    return torch.take_along_dim(values, chosen[:, :, None], dim=1)
