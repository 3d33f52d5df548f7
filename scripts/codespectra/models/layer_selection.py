"""Selection of layers by name, glob or module type, and the width that a reduction leaves them."""

import fnmatch
import math
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from codespectra.errors import UserError, nearest

# A Methods: subsample until the dimension is below 8000.
STRIDE_LIMIT = 8000


def select_layers(
    selectors: Iterable[str | dict[str, str]], available: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Layers that any selector matches, in the order they run.

    Args:
        selectors: a layer or module name, a glob over them, or {"type": module class}.
        available: layers as `architectures.describe_layers` lists them.

    Raises:
        UserError: a selector matches nothing; the message names the nearest layer or type.
    """
    chosen: set[int] = set()
    for selector in selectors:
        found = {layer["depth"] for layer in available if _matches(selector, layer)}
        if not found:
            raise UserError(_unmatched(selector, available))
        chosen |= found
    return [layer for layer in available if layer["depth"] in chosen]


def _matches(selector: str | dict[str, str], layer: dict[str, Any]) -> bool:
    if isinstance(selector, dict):
        return layer["type"] == selector["type"]
    return any(fnmatch.fnmatchcase(layer[key], selector) for key in ("name", "module"))


def _unmatched(selector: str | dict[str, str], available: list[dict[str, Any]]) -> str:
    if isinstance(selector, dict):
        types = sorted({layer["type"] for layer in available})
        return f"no layer of type {selector['type']!r}; {nearest(selector['type'], types)}"
    names = [layer["name"] for layer in available]
    return f"no layer matches {selector!r}; {nearest(selector, names)}"


def reduced_width(shape: Iterable[int], reduction: str) -> int:
    """Length of a row: how many numbers a reduction keeps of a stimulus' output of that shape."""
    shape = tuple(shape)
    if reduction == "tokens":
        return shape[-1]
    if reduction == "spatial_mean":
        return shape[0] if len(shape) == 3 else math.prod(shape)
    return math.ceil(math.prod(shape) / stride_of(shape, reduction))


def stride_of(shape: Iterable[int], reduction: str) -> int:
    """Smallest s with ceil(D / s) < 8000 for `stride` (A Methods), else 1."""
    size = math.prod(shape)
    return -(-size // (STRIDE_LIMIT - 1)) if reduction == "stride" else 1


def count_of(count: int | str, width: int) -> int:
    """A number of directions for a layer of `width` units: itself, or a multiple such as 0.5x.

    Half a direction is rounded up: 0.5x of 5 units is 3.
    """
    if isinstance(count, int):
        return count
    exact = Decimal(count.removesuffix("x")) * width
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))
