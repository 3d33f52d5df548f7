"""What goes into layers, as layers of their own beside those that come out."""

from collections.abc import Iterable
from typing import Any

from codespectra.errors import UserError

# Begins the name of what goes into a layer.
INPUT = "input:"


def input_of(layer: dict[str, Any]) -> dict[str, Any]:
    """What goes into a layer, as a layer of its own: `input:NAME`.

    Raises:
        UserError: no tensor does, or none by position.
    """
    if layer.get("of_input"):
        return layer
    if layer["given"] is None:
        raise UserError(
            f"{layer['name']} is called with no tensor by position, so it has no input to take"
        )
    name, kind = f"{INPUT}{layer['name']}", f"input of {layer['type']}"
    return layer | layer["given"] | {"name": name, "type": kind, "of_input": True}


def named_layers(names: Iterable[str], available: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Layers and inputs of layers of those names, in the order they run."""
    names = set(names)
    found = [layer for layer in available if layer["name"] in names]
    found += [input_of(layer) for layer in available if f"{INPUT}{layer['name']}" in names]
    return sorted(found, key=lambda layer: layer["depth"])
