"""Hooks that take layers' outputs and inputs out of a forward pass, reduced (methods §1).

They copy what they keep at once: an in-place operation right after a layer would otherwise rewrite
it. A module that runs several times in a pass gives one layer a call.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import torch
from torch import nn

from codespectra.models.axes import Axes
from codespectra.models.layer_listing import first_tensor
from codespectra.models.reductions import EACH_TOKEN, WHOLE, reduced_width, stride_of

# What networks compute with on the way to float32; sums of a reduction would be rounded in them.
HALVES = (torch.float16, torch.bfloat16)


class Kept(Protocol):
    """A layer's call, and what is kept of its output."""

    @property
    def layer(self) -> dict[str, Any]:
        """As the manifest describes it."""

    def reduce(self, output: torch.Tensor) -> torch.Tensor:
        """Copy of an output, or input, of the layer's module, (rows, width)."""


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
        if self.reduction == EACH_TOKEN and len(self.layer["shape"]) > 1:
            return _patches(output, Axes(self.layer["axes"], self.layer["prefix"]))
        return reduce_output(output, self.reduction, Axes(self.layer["axes"], self.layer["prefix"]))


Sink = Callable[[Any, torch.Tensor], None]


@contextmanager
def capturing(network: nn.Module, wanted: Sequence[Kept], sink: Sink) -> Iterator[None]:
    """While open, every forward pass hands each wanted layer's reduced output to `sink`.

    The tensor given to `sink` is (rows, width), float32, and its own copy; rows are stimuli, or
    all tokens of the batch for the reduction `tokens`.
    """
    by_place: dict[tuple[str, bool], list[Kept]] = {}
    for item in wanted:
        place = item.layer["module"], item.layer.get("of_input", False)
        by_place.setdefault(place, []).append(item)
    calls: Counter[tuple[str, bool]] = Counter()

    def keep(place: tuple[str, bool], module: nn.Module, *passed: Any) -> None:
        tensor = first_tensor(passed[-1])  # the inputs, or after them the output
        call, calls[place] = calls[place], calls[place] + 1
        for item in by_place[place]:
            if item.layer["call"] == call:
                sink(item, item.reduce(tensor.float() if tensor.dtype in HALVES else tensor))

    handles = [network.register_forward_pre_hook(lambda *_: calls.clear())]
    for place in by_place:
        module = network.get_submodule(place[0])
        register = module.register_forward_pre_hook if place[1] else module.register_forward_hook
        handles.append(register(partial(keep, place)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class _Reached(Exception):
    """The last wanted layer has run: nothing after it is needed."""


def run_to_layers(
    network: nn.Module, inputs: torch.Tensor, wanted: Sequence[Kept], sink: Sink, **options: Any
) -> None:
    """One forward pass as in `capturing`, which ends once the last wanted layer has run.

    `options` go to the network beside the inputs.
    """
    last = max(item.layer["depth"] for item in wanted)
    final = [item for item in wanted if item.layer["depth"] == last][-1]

    def deliver(item: Kept, output: torch.Tensor) -> None:
        sink(item, output)
        if item is final:
            raise _Reached

    with suppress(_Reached), capturing(network, wanted, deliver):
        network(inputs, **options)


def reduce_output(output: torch.Tensor, reduction: str, axes: Axes) -> torch.Tensor:
    """Copy of a layer's output, (rows, width).

    A row is a stimulus; `tokens` makes one of each token of (batch, length, D), sequence by
    sequence. The s-th components are those of a stimulus' flattened output, whatever its memory
    layout. `center` is the place at (H // 2, W // 2), `cls` the first token; `token_mean` leaves
    out the tokens before the patches.
    """
    if reduction == EACH_TOKEN:
        return output.clone(memory_format=torch.contiguous_format).flatten(0, -2)
    stimuli = axes.letters.index("N")
    if reduction in WHOLE:
        return _every(output.movedim(stimuli, 0), stride_of(_without(output, stimuli), reduction))
    channels = axes.letters.index("C")
    output = output.movedim((stimuli, channels), (0, 1))
    if output.numel() == len(output) * output.shape[1]:
        return output.flatten(1).clone()
    if reduction == "spatial_mean":
        return output.mean(dim=(2, 3))
    if reduction == "spatial_max":
        return output.amax(dim=(2, 3))
    if reduction == "center":
        return output[:, :, output.shape[2] // 2, output.shape[3] // 2].clone()
    if reduction == "cls":
        return output[:, :, 0].clone()
    return output[:, :, axes.prefix :].mean(dim=2)


def _patches(output: torch.Tensor, axes: Axes) -> torch.Tensor:
    """Copy of the tokens of a stimulus after the prefix, one after the other, in a row."""
    order = tuple(axes.letters.index(letter) for letter in "NTC")
    return output.permute(order)[:, axes.prefix :].flatten(1).clone()


def _without(output: torch.Tensor, axis: int) -> list[int]:
    return [size for at, size in enumerate(output.shape) if at != axis]


def _every(output: torch.Tensor, stride: int) -> torch.Tensor:
    if stride == 1:
        return output.clone(memory_format=torch.contiguous_format).flatten(1)
    if output.dim() == 4 and output.is_contiguous(memory_format=torch.channels_last):
        return _channels_last_stride(output, stride)
    return output.flatten(1)[:, ::stride].clone()


def _channels_last_stride(output: torch.Tensor, stride: int) -> torch.Tensor:
    # Gathering from the layout in memory spares a copy of the whole map into (C, H, W) order.
    batch, channels, height, width = output.shape
    flat = output.permute(0, 2, 3, 1).view(batch, -1)
    wanted = torch.arange(0, channels * height * width, stride, device=output.device)
    channel, place = wanted // (height * width), wanted % (height * width)
    return flat.index_select(1, place * channels + channel)


def leave_dropout_on(network: nn.Module) -> None:
    """Let a network in evaluation mode drop units as in training; all else stays evaluated."""
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.train()
