"""Layers of a network at shares of its depth, so that networks can be compared."""

import math
from collections.abc import Iterable
from typing import Any

from codespectra.errors import UserError
from codespectra.models.layer_selection import select_layers
from codespectra.models.reductions import refusal

# What units are: channels of maps, or of tokens, averaged over places.
MEANS = ("spatial_mean", "token_mean")


def layers_at(
    depths: Iterable[float],
    selectors: Iterable[str | dict[str, str]],
    available: list[dict[str, Any]],
) -> dict[float, dict[str, Any]]:
    """The layer at each depth: the first whose place among the selected is that share, or more.

    Of two layers one may be at two depths. Left out are layers without channels at places, and
    maps of one place before larger ones: these are squeeze and excitation's.

    Args:
        depths: shares of all selected layers, over 0 and at most 1.
        selectors: of `select_layers`; one that this network lacks is passed over.
        available: its layers in running order.

    Raises:
        UserError: none is selected; names the types that the network has.
    """
    chosen = [layer for layer in _selected(selectors, available) if unit_reduction(layer)]
    places = [_places(layer) for layer in chosen]
    kept = [
        layer
        for at, layer in enumerate(chosen)
        if places[at] > 1 or max(places[at:]) == 1 or len(layer["shape"]) == 1
    ]
    if not kept:
        types = sorted({layer["type"] for layer in available})
        raise UserError(
            f"has none of zoo.layers with channels; its types are {', '.join(types[:20])}"
            + (", …" if len(types) > 20 else "")
        )
    # A share such as 0.3 of 10 layers is the third, whatever the product's rounding.
    return {depth: kept[math.ceil(round(depth * len(kept), 6)) - 1] for depth in depths}


def unit_reduction(layer: dict[str, Any]) -> str | None:
    """How a layer's output becomes a number a unit; None if it has no channels at places."""
    return next((one for one in MEANS if refusal(layer, one) is None), None)


def _selected(
    selectors: Iterable[str | dict[str, str]], available: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    found: dict[float, dict[str, Any]] = {}
    for selector in selectors:
        try:
            found |= {layer["depth"]: layer for layer in select_layers([selector], available)}
        except UserError:  # of another family of networks
            continue
    return [found[depth] for depth in sorted(found)]


def _places(layer: dict[str, Any]) -> int:
    """Places of a map, or tokens, at which a stimulus has channels."""
    sizes = zip(layer["axes"].replace("N", ""), layer["shape"], strict=True)
    return math.prod(size for letter, size in sizes if letter != "C")
