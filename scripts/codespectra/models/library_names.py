"""Names of the networks of timm and torchvision, read from these libraries' sources.

Neither is imported: a plan is checked in seconds.
"""

import re
from functools import cache
from pathlib import Path

from codespectra.models.identity import find_module

LIBRARIES = ("timm", "torchvision")
# A function that its library registers as a network, whatever else decorates it.
BUILDER = re.compile(r"^@register_model\b.*?^def (\w+)\(", re.M | re.S)


@cache
def library_names(library: str) -> tuple[str, ...]:
    """The networks that a library builds, sorted: timm's all, torchvision's classifiers.

    Raises:
        UserError: the library isn't installed.
    """
    folder = Path(find_module(library, library)).parent / "models"
    found = [BUILDER.findall(file.read_text("utf-8")) for file in folder.glob("*.py")]
    return tuple(sorted(name for names in found for name in names))
