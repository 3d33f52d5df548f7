"""Forward passes of a network that is captured, as torch runs them or compiled."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from codespectra.errors import UserError, first_line
from codespectra.models.hooks import Sink, Wanted, capturing

# Shows inputs and options to a network, hands each wanted output to the sink; the network's own.
Pass = Callable[..., Any]


def eager(network: nn.Module, wanted: list[Wanted]) -> Pass:
    """A pass as torch runs it, whose outputs come as soon as they are there."""

    def forward(sink: Sink, *inputs: Any, **options: Any) -> Any:
        with capturing(network, wanted, sink):
            return network(*inputs, **options)

    return forward


@contextmanager
def compiled(network: nn.Module, wanted: list[Wanted]) -> Iterator[Pass]:
    """Yield a pass that `torch.compile` makes one program of, with what is kept of the layers.

    Outputs come when the pass is over: those of a whole batch are held at once. A call raises a
    `UserError` where the network can't be compiled.
    """
    kept: dict[str, torch.Tensor] = {}

    def keep(item: Wanted, values: torch.Tensor) -> None:
        kept[item.key] = values

    def whole(*inputs: Any, **options: Any) -> tuple[Any, dict[str, torch.Tensor]]:
        kept.clear()
        return network(*inputs, **options), dict(kept)

    program = torch.compile(whole, fullgraph=True)

    def forward(sink: Sink, *inputs: Any, **options: Any) -> Any:
        try:
            outputs, found = program(*inputs, **options)
        except Exception as error:
            if not type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
                raise
            raise UserError(
                f"capture.compile: the network can't be compiled here ({first_line(error)}); is "
                "there a C++ compiler (g++), and Triton for a GPU? Set it to false otherwise"
            ) from error
        for item in wanted:
            sink(item, found[item.key])
        return outputs

    with capturing(network, wanted, keep):
        yield forward
