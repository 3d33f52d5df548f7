"""PyTorch's optimizers without its compiler, whose import takes a second and serves nothing here.

Their methods are wrapped so that they could be compiled, and the first call of one imports what
compiles. A job of seconds is the shorter by that one.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import optim


def _unwrapped(method: Callable[..., Any]) -> Callable[..., Any]:
    """What a wrapper calls; the method itself in a PyTorch that wraps it no more."""
    return getattr(method, "__wrapped__", method)


class _Unwrapped(optim.Optimizer):
    add_param_group = _unwrapped(optim.Optimizer.add_param_group)
    zero_grad = _unwrapped(optim.Optimizer.zero_grad)
    state_dict = _unwrapped(optim.Optimizer.state_dict)
    load_state_dict = _unwrapped(optim.Optimizer.load_state_dict)


class Adam(_Unwrapped, optim.Adam):
    """`torch.optim.Adam`."""

    step = torch.no_grad()(_unwrapped(optim.Adam.step))


class AdamW(_Unwrapped, optim.AdamW):
    """`torch.optim.AdamW`."""

    step = torch.no_grad()(_unwrapped(optim.AdamW.step))
