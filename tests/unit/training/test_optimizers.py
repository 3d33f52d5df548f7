"""Optimizers are PyTorch's to the bit, and import no compiler."""

import subprocess
import sys

import pytest
import torch
from project import SCRIPTS
from torch import optim

from codespectra.training import optimizers

KINDS = ["Adam", "AdamW"]


def trained(kind: type[optim.Optimizer]) -> torch.Tensor:
    """Weights after steps under a schedule, with a state that was put back midway."""
    torch.manual_seed(0)
    weights, rows = torch.randn(5, 3, requires_grad=True), torch.randn(20, 5)
    optimizer = kind([weights], lr=0.01, fused=True)
    for part in range(2):
        schedule = optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
        for _ in range(10):
            optimizer.zero_grad(set_to_none=True)
            (rows @ weights).square().sum().backward()
            optimizer.step()
            schedule.step()
        if part == 0:
            state = optimizer.state_dict()
            optimizer = kind([weights], lr=0.01, fused=True)
            optimizer.load_state_dict(state)
    return weights.detach()


@pytest.mark.parametrize("name", KINDS)
def test_weights_are_pytorchs_to_the_bit(name):
    assert torch.equal(trained(getattr(optimizers, name)), trained(getattr(optim, name)))


def test_no_compiler_is_imported():
    code = (
        "import sys, torch\n"
        "from codespectra.training.optimizers import Adam, AdamW\n"
        "for kind in (Adam, AdamW):\n"
        "    optimizer = kind([torch.ones(2, requires_grad=True)], fused=True)\n"
        "    optimizer.param_groups[0]['params'][0].sum().backward()\n"
        "    optimizer.step()\n"
        "    optimizer.zero_grad()\n"
        "    optimizer.load_state_dict(optimizer.state_dict())\n"
        "assert 'torch._dynamo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(SCRIPTS)})
