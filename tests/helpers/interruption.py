"""Training that dies, and weights that came out the same all the same."""

from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn


def same(first: nn.Module, second: nn.Module) -> bool:
    """Whether two networks have the same state, bit for bit."""
    a, b = first.state_dict(), second.state_dict()
    return all(torch.equal(a[name], b[name]) for name in a)


def interrupt(monkeypatch: pytest.MonkeyPatch, trainer: ModuleType, epoch: int) -> None:
    """Let the training of a module die in its evaluation of that epoch."""
    calls, evaluate = iter(range(1, epoch + 1)), trainer.evaluate

    def dying(*arguments: Any) -> dict[str, float]:
        if next(calls) == epoch:
            raise KeyboardInterrupt
        return evaluate(*arguments)

    monkeypatch.setattr(trainer, "evaluate", dying)
