"""Names of EfficientNet-PyTorch's state dicts as timm has them: the same tensors, other names."""

import re
from collections.abc import Iterable

STEM = "_conv_stem.weight"
BLOCK = re.compile(r"_blocks\.(\d+)\.(_\w+)\.(.+)")
OUTSIDE = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
OUTSIDE |= {"_fc": "classifier"}
ALWAYS = {"_depthwise_conv": "conv_dw", "_se_reduce": "se.conv_reduce"}
ALWAYS |= {"_se_expand": "se.conv_expand"}
# Of blocks that widen first, and of those that don't.
WIDENING = {"_expand_conv": "conv_pw", "_bn0": "bn1", "_bn1": "bn2", "_bn2": "bn3"}
WIDENING |= {"_project_conv": "conv_pwl"}
PLAIN = {"_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}


def timm_names(names: Iterable[str], own: Iterable[str]) -> dict[str, str]:
    """What timm calls each of the names, where they are those of EfficientNet-PyTorch.

    Its blocks are counted through, timm's by stage; a block's BatchNorms are counted from where it
    widens. Other names stay.

    Args:
        names: of a state dict.
        own: of the network that it is for.
    """
    names = list(names)
    if STEM not in names:
        return {name: name for name in names}
    staged = (name.split(".")[1:3] for name in own if name.startswith("blocks."))
    places = list(dict.fromkeys(".".join(place) for place in staged))
    return {name: _timm_name(name, names, places) for name in names}


def _timm_name(name: str, names: list[str], places: list[str]) -> str:
    found = BLOCK.fullmatch(name)
    if found is None:
        module, _, rest = name.partition(".")
        return f"{OUTSIDE.get(module, module)}.{rest}"
    number, module, rest = int(found[1]), found[2], found[3]
    widens = f"_blocks.{number}._expand_conv.weight" in names
    renamed = (ALWAYS | (WIDENING if widens else PLAIN)).get(module)
    if renamed is None or number >= len(places):
        return name
    return f"blocks.{places[number]}.{renamed}.{rest}"
