"""What can only be told by importing torch, remembered from one start to the next.

Layers of networks, and classes of weights: for as long as the code and the libraries that say so
are the same.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from codespectra.files.content_stamp import content_stamp
from codespectra.files.json_files import content_digest, read_json, write_json
from codespectra.jobs.code_digest import code_digest
from codespectra.models.gguf_header import GGUF_FILE
from codespectra.sources.source_files import source_files
from codespectra.study.check_language import DescribeLanguageModel
from codespectra.study.recorded import DescribeRecorded

# Whose versions decide which layers a network has.
NETWORK_PACKAGES = ("torch", "torchvision", "timm", "transformers")
# Whose versions decide what a file of activations holds.
FORMAT_PACKAGES = ("numpy", "h5py", "pyarrow", "scipy", "xarray", "zarr")
# Layers of an architecture (its `identity.resolved` section, classes, side), in running order.
Describe = Callable[[dict[str, Any], int | None, int | None], list[dict[str, Any]]]
# Classes of weights: the architecture, and of a file its path, key, prefix and stamp.
CountClasses = Callable[
    [dict[str, Any], str | None, str | None, str | None, list[int] | None], int | None
]


def cached_layers(folder: Path) -> Describe:
    """`architectures.describe_layers`, remembered in `folder` for as long as it would say so."""
    return _remembered("architectures", "describe_layers", "layers", folder)


def cached_classes(folder: Path) -> CountClasses:
    """The same of `class_count.count_classes`."""
    return _remembered("class_count", "count_classes", "classes", folder)


def cached_language_layers(folder: Path) -> DescribeLanguageModel:
    """The same of `language_models.describe_layers`, and of the one of GGUF files."""
    of_folder, of_gguf = (
        _remembered(name, "describe_layers", "layers", folder)
        for name in ("language_models", "gguf_models")
    )
    return lambda config, objective: (of_gguf if GGUF_FILE in config else of_folder)(
        config, objective
    )


def cached_recorded(folder: Path) -> DescribeRecorded:
    """`recorded_source.describe_recorded`, and under `stamp` a digest of what it has read.

    It is remembered for as long as the contents are the same, whatever their dates.
    """
    file = Path(__file__).parents[1] / "sources/recorded_source.py"
    follows_from = [code_digest(file, folder), *map(version, FORMAT_PACKAGES)]

    def describe(path: Path, options: dict[str, Any], table: Path | None) -> dict[str, Any]:
        stamp = content_stamp([*source_files(path), *([table] if table else [])], folder)
        note = folder / f"{content_digest([path.name, options, stamp, *follows_from])[:16]}.json"
        if not note.exists():
            sources = import_module("codespectra.sources.recorded_source")
            write_json(note, sources.describe_recorded(path, options, table) | {"stamp": stamp})
        return read_json(note)

    return describe


def _remembered(module: str, function: str, key: str, folder: Path) -> Callable[..., Any]:
    file = Path(__file__).parents[1] / f"models/{module}.py"
    follows_from = [code_digest(file, folder), *map(version, NETWORK_PACKAGES)]

    def describe(*network: Any) -> Any:
        note = folder / f"{content_digest([*network, *follows_from])[:16]}.json"
        if not note.exists():
            models = import_module(f"codespectra.models.{module}")
            write_json(note, {key: getattr(models, function)(*network)})
        return read_json(note)[key]

    return describe
