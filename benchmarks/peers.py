"""Packages that a benchmark compares with and the lock hasn't: used where they can be imported.

They go into a folder of their own, without what they depend on, most of which is here already:

    uv pip install --target .peers --no-deps faiss-cpu==1.15.1 thingsvision==2.7.3 orjson==3.13.0
    git -C .peers clone https://github.com/openai/automated-interpretability
    git -C .peers clone https://github.com/MouseLand/stringer-pachitariu-et-al-2018b
    make bench

`make bench PEERS=FOLDER` looks elsewhere.
"""

import importlib
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import numpy as np
from torch import nn

INSTALL = "uv pip install --target .peers --no-deps"
CLONE = "git -C .peers clone https://github.com"
HOW = {
    "faiss": f"{INSTALL} faiss-cpu==1.15.1",
    "thingsvision": f"{INSTALL} thingsvision==2.7.3",
    "neuron_explainer": f"{INSTALL} orjson==3.13.0; {CLONE}/openai/automated-interpretability",
    "utils": f"{CLONE}/MouseLand/stringer-pachitariu-et-al-2018b",
}


class Absent(ModuleType):
    """Stands for a package that a peer imports and doesn't use here."""

    def __init__(self, name: str):
        super().__init__(name)
        self.__spec__ = ModuleSpec(name, None)
        self.__path__ = []

    def __getattr__(self, name: str) -> MagicMock:
        if name.startswith("__"):
            raise AttributeError(name)
        return MagicMock()


def imported(name: str, unused: tuple[str, ...] = ()) -> Any:
    """A peer's module; None, and how to bring it, if it can't be imported."""
    package = name.partition(".")[0]
    stands = {other: Absent(other) for other in unused if other not in sys.modules}
    sys.modules.update(stands)
    try:
        return importlib.import_module(name)
    except ImportError as error:
        print(f"{package} isn't installed ({error}): {HOW[package]}")
        return None
    finally:
        for other in stands:
            del sys.modules[other]


def faiss() -> Any:
    """faiss, of one thread."""
    found = imported("faiss")
    if found:
        found.omp_set_num_threads(1)
    return found


def thingsvision_extractor(network: nn.Module) -> Any:
    """thingsvision's extractor of a network on the CPU; it wants NumPy 1 for one name."""
    np.AxisError = np.exceptions.AxisError  # noqa: NPY201
    tensorflow = ("", ".keras", ".keras.applications", ".keras.layers")
    unused = (*(f"tensorflow{part}" for part in tensorflow), "torchtyping", "numba", "open_clip")
    found = imported("thingsvision", unused)
    return found and found.get_extractor_from_model(network, device="cpu", backend="pt")


def neuron_explainer() -> tuple[Any, Any]:
    """Records of neuron-explainer, and how they are written."""
    unused = ("blobfile", "boostedblob", "neuron_explainer.azure")
    records = imported("neuron_explainer.activations.activations", unused)
    return records, records and imported("neuron_explainer.fast_dataclasses")


def stringer() -> Any:
    """The Python code of Stringer et al. (2019)."""
    found = imported("utils")
    return found if hasattr(found, "shuff_cvPCA") else None
