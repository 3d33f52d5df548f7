"""Layers of a network, as one forward pass runs them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
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
    a batch's output (`axes.Axes`); `depth` counts calls in the order they run. `given` says the
    same of what goes in, the first tensor among the arguments by position: shape, axes, prefix and
    depth, between those of the calls before and after; None without such a tensor.
    """

    name: str
    module: str
    call: int
    type: str
    shape: tuple[int, ...]
    axes: str
    prefix: int | None
    depth: int
    given: dict[str, Any] | None = None


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
    inside: Iterable[Any]
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
    calls = _Calls(shape_of)
    handles = [
        handle
        for name, module in network.named_modules()
        if name
        for handle in (
            module.register_forward_pre_hook(partial(calls.begin, name)),
            module.register_forward_hook(partial(calls.end, name)),
        )
    ]
    try:
        with FollowAxes(len(inputs)):
            network.eval()(mark(inputs.to(next(network.parameters()).device), axes))
    finally:
        for handle in handles:
            handle.remove()
    return calls.layers()


class _Calls:
    """The calls of a pass as they begin and end."""

    def __init__(self, shape_of: Callable[[torch.Tensor], tuple[int, ...] | None]) -> None:
        self._shape_of = shape_of
        # Of each call that has ended: module, class, what came out, what went in.
        self._ended: list[tuple[str, str, dict[str, Any], dict[str, Any] | None]] = []
        self._begun: defaultdict[str, list[dict[str, Any] | None]] = defaultdict(list)
        self._since = 0  # calls begun since the last one ended

    def begin(self, name: str, module: nn.Module, inputs: Any) -> None:
        self._since += 1
        given = self._told(inputs)
        if given is not None:
            given["depth"] = len(self._ended) - 0.5**self._since
        self._begun[name].append(given)

    def end(self, name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        given, told = self._begun[name].pop(), self._told(output)
        if told is not None:
            self._ended.append((name, type(module).__name__, told, given))
            self._since = 0

    def _told(self, value: Any) -> dict[str, Any] | None:
        tensor = first_tensor(value)
        shape = None if tensor is None else self._shape_of(tensor)
        if shape is None:
            return None
        axes = axes_of(tensor)
        return {"shape": shape, "axes": axes.letters, "prefix": axes.prefix}

    def layers(self) -> list[Layer]:
        """Layers in running order."""
        total = Counter(name for name, *_ in self._ended)
        calls: Counter[str] = Counter()
        found = []
        for depth, (module, kind, told, given) in enumerate(self._ended):
            call = calls[module]
            name = f"{module}:{call}" if total[module] > 1 else module
            found.append(Layer(name, module, call, kind, **told, depth=depth, given=given))
            calls[module] += 1
        return found
