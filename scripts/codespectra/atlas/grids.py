"""Which layers have places on the image, and how coarse their maps are shown."""

from math import isqrt
from typing import Any

from codespectra.models.reductions import OF_MAPS, OF_TOKENS, patch_count

# Places a side at most: a browser scales maps up over their images.
PLACES = 7


def grid_of(layer: dict[str, Any], reduction: str) -> tuple[int, int] | None:
    """Height and width of a layer's maps as they are shown.

    None if it has no places, or if its units are no channels at places.
    """
    sides = dict(zip(layer["axes"].replace("N", ""), layer["shape"], strict=True))
    if reduction in OF_MAPS and {"C", "H", "W"} == sides.keys():
        height, width = sides["H"], sides["W"]
    elif reduction in OF_TOKENS and {"C", "T"} == sides.keys() and layer["prefix"] is not None:
        height = width = isqrt(patch_count(layer))
        if height * width != patch_count(layer):
            return None
    else:
        return None
    return (min(height, PLACES), min(width, PLACES)) if height * width > 1 else None
