"""Hooks that take layers' outputs out of a forward pass, reduced (methods §1).

They copy what they keep at once: an in-place operation right after a layer would otherwise rewrite
it. A module that runs several times in a pass gives one layer a call.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from codespectra.models.axes import Axes
from codespectra.models.layer_listing import first_tensor
from codespectra.models.reductions import reduce_output, reduced_width


@dataclass(frozen=True)
class Wanted:
    """One dataset of the activations file: a layer's call under a reduction."""

    layer: dict[str, Any]
    reduction: str

    @property
    def key(self) -> str:
        """Path inside the HDF5 file."""
        return f"{self.reduction}/{self.layer['name']}"

    @property
    def width(self) -> int:
        """Numbers a row."""
        return reduced_width(self.layer, self.reduction)

    def reduce(self, output: torch.Tensor) -> torch.Tensor:
        """Copy of an output of the layer's module, (rows, width)."""
        return reduce_output(output, self.reduction, Axes(self.layer["axes"], self.layer["prefix"]))


Sink = Callable[[Wanted, torch.Tensor], None]


@contextmanager
def capturing(network: nn.Module, wanted: list[Wanted], sink: Sink) -> Iterator[None]:
    """While open, every forward pass hands each wanted layer's reduced output to `sink`.

    The tensor given to `sink` is (rows, width), float32, and its own copy; rows are stimuli, or
    all tokens of the batch for the reduction `tokens`.
    """
    by_module: dict[str, list[Wanted]] = {}
    for item in wanted:
        by_module.setdefault(item.layer["module"], []).append(item)
    calls: Counter[str] = Counter()

    def hook(name: str) -> Any:
        def keep(module: nn.Module, inputs: Any, output: Any) -> None:
            output = first_tensor(output)
            call, calls[name] = calls[name], calls[name] + 1
            for item in by_module[name]:
                if item.layer["call"] == call:
                    sink(item, item.reduce(output))

        return keep

    handles = [network.get_submodule(name).register_forward_hook(hook(name)) for name in by_module]
    handles.append(network.register_forward_pre_hook(lambda *_: calls.clear()))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class _Reached(Exception):
    """The last wanted layer has run: nothing after it is needed."""


def run_to_layers(
    network: nn.Module, inputs: torch.Tensor, wanted: list[Wanted], sink: Sink, **options: Any
) -> None:
    """One forward pass as in `capturing`, which ends once the last wanted layer has run.

    `options` go to the network beside the inputs.
    """
    last = max(item.layer["depth"] for item in wanted)
    final = [item for item in wanted if item.layer["depth"] == last][-1]

    def deliver(item: Wanted, output: torch.Tensor) -> None:
        sink(item, output)
        if item is final:
            raise _Reached

    with suppress(_Reached), capturing(network, wanted, deliver):
        network(inputs, **options)


def leave_dropout_on(network: nn.Module) -> None:
    """Let a network in evaluation mode drop units as in training; all else stays evaluated."""
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.train()
