"""Selection of layers by name, glob or module type, and of a number of directions in each."""

import fnmatch
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from codespectra.errors import UserError, nearest


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


def count_of(count: int | str, width: int) -> int:
    """A number of directions for a layer of `width` units: itself, or a multiple such as 0.5x.

    Half a direction is rounded up: 0.5x of 5 units is 3.
    """
    if isinstance(count, int):
        return count
    exact = Decimal(count.removesuffix("x")) * width
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))
