"""Layers of a network, as one forward pass runs them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from codespectra.errors import UserError


@dataclass(frozen=True)
class Layer:
    """One call of one module in a forward pass.

    `name` is the module's, with `:call` when the module runs more than once; `shape` is that of
    one stimulus' output before any reduction; `depth` counts calls in the order they run.
    """

    name: str
    module: str
    call: int
    type: str
    shape: tuple[int, ...]
    depth: int


def inspect_layers(network: nn.Module, side: int) -> list[Layer]:
    """List every module call of a forward pass over one `side`-pixel image, in running order.

    Raises:
        UserError: the network can't take images of that side.
    """
    try:
        image = torch.zeros(1, 3, side, side)
        return list_calls(network, image, lambda output: tuple(output.shape[1:]))
    except RuntimeError as error:
        raise UserError(
            f"{type(network).__name__} can't take images of {side} pixels ({error}); "
            "set preprocessing.side to a larger one"
        ) from error


@torch.no_grad()
def list_calls(
    network: nn.Module,
    inputs: torch.Tensor,
    shape_of: Callable[[torch.Tensor], tuple[int, ...] | None],
) -> list[Layer]:
    """List the module calls of a forward pass, in evaluation mode, in running order.

    Args:
        network: may be on the meta device.
        inputs: of the pass, on any device.
        shape_of: from a module's output, or the first of several, to the shape of one stimulus'
            output; None leaves the call out, as do outputs that are no tensor.
    """
    seen: list[tuple[str, str, tuple[int, ...]]] = []

    def hook(name: str) -> Any:
        def record(module: nn.Module, inputs: Any, output: Any) -> None:
            output = output[0] if isinstance(output, tuple) else output
            shape = shape_of(output) if isinstance(output, torch.Tensor) else None
            if shape is not None:
                seen.append((name, type(module).__name__, shape))

        return record

    handles = [
        module.register_forward_hook(hook(name)) for name, module in network.named_modules() if name
    ]
    try:
        network.eval()(inputs.to(next(network.parameters()).device))
    finally:
        for handle in handles:
            handle.remove()
    return _number_calls(seen)


def _number_calls(seen: list[tuple[str, str, tuple[int, ...]]]) -> list[Layer]:
    """Layers of module calls (name, type, shape of a stimulus' output) in running order."""
    total = Counter(name for name, _, _ in seen)
    calls: Counter[str] = Counter()
    layers = []
    for depth, (module, kind, shape) in enumerate(seen):
        name = f"{module}:{calls[module]}" if total[module] > 1 else module
        layers.append(Layer(name, module, calls[module], kind, shape, depth))
        calls[module] += 1
    return layers
