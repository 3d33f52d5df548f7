"""Selection of layers by name, glob or module type, and of a number of directions in each."""

import fnmatch
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from codespectra.errors import UserError, nearest
from codespectra.models.layer_inputs import input_of


def select_layers(
    selectors: Iterable[str | dict[str, str]], available: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Layers that any selector matches, in the order they run.

    Args:
        selectors: a layer or module name, a glob over them, or {"type": module class}; {"input":
            name or glob} is what goes into these layers (`layer_inputs`).
        available: layers as `architectures.describe_layers` lists them.

    Raises:
        UserError: a selector matches nothing, and the message names the nearest layer or type; or
            no tensor goes into a layer.
    """
    chosen: dict[float, dict[str, Any]] = {}
    for selector in selectors:
        found = [layer for layer in available if _matches(selector, layer)]
        if not found:
            raise UserError(_unmatched(selector, available))
        if "input" in selector and isinstance(selector, dict):
            found = [input_of(layer) for layer in found]
        chosen |= {layer["depth"]: layer for layer in found}
    return [chosen[depth] for depth in sorted(chosen)]


def _matches(selector: str | dict[str, str], layer: dict[str, Any]) -> bool:
    if isinstance(selector, dict) and "type" in selector:
        return layer["type"] == selector["type"]
    pattern = selector["input"] if isinstance(selector, dict) else selector
    # An output and an input of one module are told apart by their names alone.
    keys = ("name",) if layer.get("of_input") and pattern is selector else ("name", "module")
    return any(fnmatch.fnmatchcase(layer[key], pattern) for key in keys)


def _unmatched(selector: str | dict[str, str], available: list[dict[str, Any]]) -> str:
    if isinstance(selector, dict) and "input" in selector:
        selector = selector["input"]
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
