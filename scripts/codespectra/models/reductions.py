"""How a layer's output becomes a row of numbers a stimulus (methods §1).

`none` keeps all numbers and `stride` every s-th, `tokens` those of the patches, channels last; the
others leave one a channel, and are refused where it isn't known which axis has the channels. No
import of torch: a plan is checked in seconds.
"""

import math
from collections.abc import Iterable
from typing import Any

# A Methods: subsample until the dimension is below 8000.
STRIDE_LIMIT = 8000
WHOLE = ("stride", "none")
OF_MAPS = ("spatial_mean", "spatial_max", "center")
OF_TOKENS = ("cls", "token_mean")
EACH_TOKEN = "tokens"


def refusal(layer: dict[str, Any], reduction: str) -> str | None:
    """Why a layer's output can't be reduced so, and what would do; None if it can."""
    if _fits(layer, reduction):
        return None
    others = [other for other in (*OF_MAPS, *OF_TOKENS, *WHOLE) if _fits(layer, other)]
    advice = f"take {' or '.join(others)}" if others else "leave it out"
    return (
        f"{layer['name']}: {reduction} doesn't fit an output of shape {tuple(layer['shape'])} with "
        f"{_in_words(layer)}; {advice}"
    )


def unplaced(layer: dict[str, Any]) -> str | None:
    """Why it isn't known which numbers of an output are channels of one place; None if it is."""
    if _fits(layer, "spatial_mean") or _fits(layer, "token_mean"):
        return None
    return (
        f"{layer['name']}: an output of shape {tuple(layer['shape'])} with {_in_words(layer)}; "
        "take layers with channels at places, which scripts/list_layers.py lists"
    )


def _fits(layer: dict[str, Any], reduction: str) -> bool:
    letters, places = layer["axes"], set(_places(layer))
    if "N" not in letters or reduction in WHOLE:
        return "N" in letters
    if "C" not in letters:
        return False
    if reduction in OF_MAPS:
        return places <= {"H", "W"}
    prefixed = layer["prefix"] is not None and layer["prefix"] >= (reduction == "cls")
    if reduction == EACH_TOKEN:
        return sorted(letters) == sorted("NTC") and prefixed and patch_count(layer) > 0
    return not places or (places == {"T"} and len(_places(layer)) == 1 and prefixed)


def _places(layer: dict[str, Any]) -> str:
    """Letters of the axes of a stimulus that aren't channels, but for those of size 1."""
    own = zip(layer["axes"].replace("N", ""), layer["shape"], strict=False)
    return "".join(letter for letter, size in own if letter != "C" and size > 1)


def _in_words(layer: dict[str, Any]) -> str:
    letters, prefix = layer["axes"], layer["prefix"]
    if "N" not in letters:
        return "no axis of stimuli"
    if "C" not in letters:
        return "an unknown axis of channels"
    words = {"H": "height", "W": "width", "T": "tokens", "?": "unknown axes"}
    held = " and ".join(dict.fromkeys(words[letter] for letter in _places(layer))) or "no places"
    count = "an unknown number" if prefix is None else str(prefix)
    return f"{held}, {count} of them before the patches" if "T" in letters else held


def reduced_width(layer: dict[str, Any], reduction: str) -> int:
    """Length of a row: how many numbers a reduction keeps of a stimulus' output.

    Args:
        layer: its axes, and the shape of one stimulus' output.
        reduction: one that fits.
    """
    shape = layer["shape"]
    if reduction == EACH_TOKEN:  # of text a row is a token
        return shape[-1] if len(shape) == 1 else patch_count(layer) * unit_count(layer, reduction)
    if reduction in WHOLE:
        return math.ceil(math.prod(shape) / stride_of(shape, reduction))
    return shape[layer["axes"].replace("N", "").index("C")]


def unit_count(layer: dict[str, Any], reduction: str) -> int:
    """Numbers that vary together: of `tokens` those of one token, else all of a row."""
    if reduction != EACH_TOKEN:
        return reduced_width(layer, reduction)
    return layer["shape"][layer["axes"].replace("N", "").index("C")]


def patch_count(layer: dict[str, Any]) -> int:
    """Tokens of a stimulus after those before the patches."""
    return layer["shape"][layer["axes"].replace("N", "").index("T")] - layer["prefix"]


def stride_of(shape: Iterable[int], reduction: str) -> int:
    """Smallest s with ceil(D / s) < 8000 for `stride` (A Methods), else 1."""
    size = math.prod(shape)
    return -(-size // (STRIDE_LIMIT - 1)) if reduction == "stride" else 1
