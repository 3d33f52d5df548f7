"""Arrays of a file as the layers of a network are described."""

from collections.abc import Mapping, Sequence
from typing import Any

from codespectra.errors import UserError

# What tables and figures call the kind of such layers.
RECORDED = "recorded"
# Letters of the axes of arrays of more than two (`axes`), as a config calls them.
AXES = {"channels_first": "NCHW", "channels_last": "NHWC", "tokens": "NTC"}


def recorded_layers(
    shapes: Mapping[str, Sequence[int]], axes: str | None, prefix: int
) -> list[dict[str, Any]]:
    """Layers in the file's order.

    Args:
        shapes: of each array, (rows, ...), by the layer's name.
        axes: of those of more than two: channels_first, channels_last or tokens.
        prefix: tokens before those of patches or words.

    Raises:
        UserError: an array has other axes; begins with the key that is wrong.
    """
    layers = []
    for depth, (name, shape) in enumerate(shapes.items()):
        letters = "NC" if len(shape) == 2 else AXES.get(axes, "")
        if len(letters) != len(shape):
            fitting = [word for word, known in AXES.items() if len(known) == len(shape)]
            advice = f"set {' or '.join(fitting)}" if fitting else "give one of 2 to 4 axes"
            found = f"{name} has shape {tuple(shape)}"
            raise UserError(f"axes: {axes or 'null'}, and {found}; {advice}")
        described = {"name": name, "module": name, "call": 0, "type": RECORDED, "depth": depth}
        described |= {"shape": list(shape[1:]), "axes": letters}
        layers.append(described | {"prefix": prefix if letters == "NTC" else 0})
    return layers
