"""Mutual information of pairs (x, y) by MINE and InfoNCE: neural lower bounds, many pairs at once.

MINE's critic T(x, y) climbs the Donsker-Varadhan bound I(x; y) >= E_joint[T] - ln E_marginals[exp
T]. Source: Belghazi et al. 2018, "MINE", algorithm 1 and its section 3.2 (moving average). That of
InfoNCE (`info_nce`) sees the same samples.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from codespectra.jobs.progress import progress
from codespectra.theory.batched_layers import uniform_parameter
from codespectra.theory.info_nce import PartnerCritics, info_nce
from codespectra.theory.retention import INFO_NCE, MINE
from codespectra.training.optimizers import Adam

# Fresh samples: x (E, count, dx) and y (E, count, dy) of E pairs of variables.
Sample = Callable[[int, torch.Generator], tuple[Tensor, Tensor]]

AVERAGE_RATE = 0.1  # the newest batch's share of the moving average: over some ten batches
HELD_OUT = 2**14  # samples of the estimate, none seen in training
EVERY = 2  # steps of MINE for one of InfoNCE, which needs fewer and costs as much


@dataclass(frozen=True)
class MutualInformation:
    """Estimated mutual information of E pairs of variables."""

    bits: NDArray[np.float64]  # (E,), nan if diverged; noise may put it a little below 0
    diverged: NDArray[np.bool_]  # (E,)


class Critics(nn.Module):
    """E critics T(x, y), each with two hidden layers of ReLU, as one batched network."""

    def __init__(
        self, critics: int, x_width: int, y_width: int, hidden: int, generator: torch.Generator
    ) -> None:
        super().__init__()

        def uniform(fan_in: int, *shape: int) -> nn.Parameter:
            return uniform_parameter(fan_in, (critics, *shape), generator)

        width = x_width + y_width
        self.from_x = uniform(width, x_width, hidden)
        self.from_y = uniform(width, y_width, hidden)
        self.bias = uniform(width, 1, hidden)
        self.between = uniform(hidden, hidden, hidden)
        self.between_bias = uniform(hidden, 1, hidden)
        self.out = uniform(hidden, hidden, 1)

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """T (E, B) of the samples x (E, B, dx), y (E, B, dy), and of x against the next one's y.

        A shift by one is a shuffle that pairs no x with its own y.
        """
        from_x = x @ self.from_x
        from_y = torch.baddbmm(self.bias, y, self.from_y)
        first = torch.cat([from_x + from_y, from_x.roll(1, dims=1) + from_y], dim=1).relu_()
        second = functional.relu(torch.baddbmm(self.between_bias, first, self.between))
        joint, marginal = (second @ self.out).squeeze(-1).chunk(2, dim=1)
        return joint, marginal


def lower_bounds(
    sample: Sample,
    *,
    hidden: int,
    steps: int,
    batch: int,
    contrast: int,
    learning_rate: float,
    generator: torch.Generator,
) -> dict[str, MutualInformation]:
    """Train critics for each pair of variables, then evaluate them on fresh samples.

    The pairs share nothing but the samples' generator. An estimate diverged if it isn't finite or
    is larger than log2 of the held-out samples, which no such bound can vouch for (McAllester &
    Stratos 2020). Over finite samples the logarithm makes MINE's exceed its critic's bound
    slightly; InfoNCE's is at most log2 of `contrast`.

    Args:
        sample: draws from the pairs; both widths and their number are read off its result.
        hidden: width of the critics' hidden layers.
        steps: of Adam, the second half with a falling learning rate; of InfoNCE half as many.
        batch: samples a step.
        contrast: samples of each batch, the first, among which InfoNCE tells partners.
        learning_rate: of the first half.
        generator: of weights and samples; all tensors live on its device.

    Returns:
        By estimator: `retention.MINE`, `retention.INFO_NCE`.
    """
    scales = [_shift_and_scale(values) for values in sample(batch, generator)]

    def draw() -> list[Tensor]:
        drawn = zip(sample(batch, generator), scales, strict=True)
        return [(values - shift) / scale for values, (shift, scale) in drawn]

    x, y = draw()
    shape = len(y), x.shape[-1], y.shape[-1], hidden
    critics = Critics(*shape, generator)
    own = torch.Generator(generator.device).manual_seed(generator.initial_seed())
    partners = PartnerCritics(*shape, own)  # whose weights don't move the samples on
    _train(critics, partners, draw, steps, learning_rate, contrast)
    values, groups = [], []
    with torch.inference_mode():
        for _ in range(math.ceil(HELD_OUT / batch)):
            held_out = draw()
            values.append(critics(*held_out))
            groups.append(info_nce(partners(*_first(contrast, held_out)).double()))
        joint, marginal = (torch.cat(part, dim=1).double() for part in zip(*values, strict=True))
    nats = {MINE: donsker_varadhan(joint, marginal), INFO_NCE: torch.stack(groups).mean(dim=0)}
    return {name: _in_bits(value) for name, value in nats.items()}


def _in_bits(nats: Tensor) -> MutualInformation:
    bits = (nats / math.log(2)).cpu().numpy()
    diverged = ~(np.abs(bits) <= math.log2(HELD_OUT))
    return MutualInformation(np.where(diverged, np.nan, bits), diverged)


def donsker_varadhan(joint: Tensor, marginal: Tensor) -> Tensor:
    """The bound mean(T_joint) - ln mean(exp T_marginal) over the last axis, in nats."""
    return joint.mean(dim=-1) - log_mean_exp(marginal)


def mine_loss(joint: Tensor, marginal: Tensor, log_average: Tensor) -> Tensor:
    """Loss (E,) whose gradient is the negative bound's, with an average as the denominator.

    Where ln mean(exp T) has the gradient mean(exp T dT) / mean(exp T), biased by a denominator
    from the same small batch, this has mean(exp T dT) / exp(log_average): MINE, section 3.2.
    """
    return torch.exp(log_mean_exp(marginal) - log_average) - joint.mean(dim=-1)


def log_mean_exp(values: Tensor) -> Tensor:
    """ln mean(exp values) over the last axis, without overflow."""
    return torch.logsumexp(values, dim=-1) - math.log(values.shape[-1])


def correlated_gaussians(correlations: Tensor, width: int) -> tuple[Sample, Tensor]:
    """Pairs of known information: `width` coordinates of x and y (E, count, width) correlate.

    Returns:
        The sampler, and the exact information (E,) in bits: -width/2 log2(1 - rho^2).
    """
    rho = correlations[:, None, None]

    def sample(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        shape = (2, len(rho), count, width)
        x, noise = torch.randn(shape, generator=generator, device=generator.device)
        return x, rho * x + torch.sqrt(1 - rho**2) * noise

    return sample, width / 2 * torch.log2(1 / (1 - correlations**2))


def _train(
    critics: Critics,
    partners: PartnerCritics,
    draw: Callable[[], list[Tensor]],
    steps: int,
    learning_rate: float,
    contrast: int,
) -> None:
    both = [*critics.parameters(), *partners.parameters()]
    optimizer = Adam(both, lr=learning_rate, fused=True)
    falling = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda i: min(1, 2 - 2 * i / steps))
    log_average = None
    for step in progress(range(steps), desc="MINE and InfoNCE"):
        drawn = draw()
        joint, marginal = critics(*drawn)
        newest = log_mean_exp(marginal.detach())
        log_average = newest if log_average is None else _moved(log_average, newest)
        optimizer.zero_grad(set_to_none=True)
        # Sums: each critic's gradient is of its own loss alone.
        mine_loss(joint, marginal, log_average).sum().backward()
        if step % EVERY == 0:
            (-info_nce(partners(*_first(contrast, drawn)))).sum().backward()
        optimizer.step()
        falling.step()


def _first(count: int, drawn: list[Tensor]) -> list[Tensor]:
    return [values[:, :count] for values in drawn]


def _moved(log_average: Tensor, newest: Tensor) -> Tensor:
    """Logarithm of the average moved towards exp(newest)."""
    kept = log_average + math.log1p(-AVERAGE_RATE)
    return torch.logaddexp(kept, newest + math.log(AVERAGE_RATE))


def _shift_and_scale(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (E, 1, d) and one scale (E, 1, 1) each: information doesn't see either.

    A scale for each unit would blow up units that are rarely on, and T with them.
    """
    shift = values.mean(dim=1, keepdim=True)
    scale = (values - shift).square().mean(dim=(1, 2), keepdim=True).sqrt()
    return shift, torch.where(scale > 0, scale, 1)
