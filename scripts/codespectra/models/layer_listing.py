"""Layers of a network, as one forward pass runs them."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import torch
from torch import nn

from codespectra.errors import UserError, first_line
from codespectra.models.axes import Axes, FollowAxes, axes_of, mark

# Stimuli of the pass: a prime, since no other axis is likely to have that size or a divisor of it.
BATCH = 5


@dataclass(frozen=True)
class Layer:
    """One call of one module in a forward pass.

    `name` is the module's, with `:call` when the module runs more than once; `shape` is that of
    one stimulus' output before any reduction, `axes` and `prefix` say what is known of the axes of
    a batch's output (`axes.Axes`); `depth` counts calls in the order they run.
    """

    name: str
    module: str
    call: int
    type: str
    shape: tuple[int, ...]
    axes: str
    prefix: int | None
    depth: int


def inspect_layers(network: nn.Module, side: int) -> list[Layer]:
    """List every module call of a forward pass over `side`-pixel images, in running order.

    Raises:
        UserError: the network can't take images of that side.
    """
    try:
        return list_calls(network, torch.zeros(BATCH, 3, side, side), Axes("NCHW"), _one_stimulus)
    except Exception as error:  # A network's own code raises anything.
        raise UserError(
            f"{type(network).__name__} can't take images of {side} pixels ({first_line(error)}); "
            "set preprocessing.side to a side that it takes"
        ) from error


def _one_stimulus(output: torch.Tensor) -> tuple[int, ...]:
    """Shape without the axis of the stimuli, the first one if none is known."""
    stimuli = max(axes_of(output).letters.find("N"), 0)
    return tuple(size for at, size in enumerate(output.shape) if at != stimuli)


def first_tensor(output: Any) -> torch.Tensor | None:
    """A module's output, or the first tensor in its tuple, dict or dataclass; None without one."""
    if isinstance(output, torch.Tensor):
        return output
    if isinstance(output, Mapping):
        inside = list(output.values())
    elif is_dataclass(output):
        inside = [getattr(output, field.name) for field in fields(output)]
    else:
        inside = output if isinstance(output, tuple | list) else []
    return next((x for x in map(first_tensor, inside) if x is not None), None)


def logits_of(output: Any) -> torch.Tensor | None:
    """What a network's output says of classes: its `logits` where it names any."""
    named = output.get("logits") if isinstance(output, Mapping) else getattr(output, "logits", None)
    return first_tensor(output) if named is None else named


@torch.no_grad()
def count_outputs(network: nn.Module, side: int) -> int | None:
    """Numbers that a network puts out for an image; None for more than a vector."""
    where = next(network.parameters()).device
    output = logits_of(network.eval()(torch.zeros(1, 3, side, side, device=where)))
    return output.shape[1] if output is not None and output.dim() == 2 else None


@torch.no_grad()
def list_calls(
    network: nn.Module,
    inputs: torch.Tensor,
    axes: Axes,
    shape_of: Callable[[torch.Tensor], tuple[int, ...] | None],
) -> list[Layer]:
    """List the module calls of a forward pass, in evaluation mode, in running order.

    Args:
        network: may be on the meta device.
        inputs: of the pass, on any device.
        axes: of the inputs.
        shape_of: from a module's output (`first_tensor`) to the shape of one stimulus' output; None
            leaves the call out, as do outputs without a tensor.
    """
    seen: list[tuple[str, str, tuple[int, ...], Axes]] = []

    def hook(name: str) -> Any:
        def record(module: nn.Module, inputs: Any, output: Any) -> None:
            tensor = first_tensor(output)
            shape = None if tensor is None else shape_of(tensor)
            if shape is not None:
                seen.append((name, type(module).__name__, shape, axes_of(tensor)))

        return record

    handles = [
        module.register_forward_hook(hook(name)) for name, module in network.named_modules() if name
    ]
    try:
        with FollowAxes(len(inputs)):
            network.eval()(mark(inputs.to(next(network.parameters()).device), axes))
    finally:
        for handle in handles:
            handle.remove()
    return _number_calls(seen)


def _number_calls(seen: list[tuple[str, str, tuple[int, ...], Axes]]) -> list[Layer]:
    """Layers of module calls in running order."""
    total = Counter(name for name, *_ in seen)
    calls: Counter[str] = Counter()
    layers = []
    for depth, (module, kind, shape, axes) in enumerate(seen):
        name = f"{module}:{calls[module]}" if total[module] > 1 else module
        known = (axes.letters, axes.prefix)
        layers.append(Layer(name, module, calls[module], kind, shape, *known, depth))
        calls[module] += 1
    return layers
