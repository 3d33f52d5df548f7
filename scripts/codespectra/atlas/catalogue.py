"""What an atlas holds: its runs, sets of images, claims, and what made them."""

import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from codespectra.files.manifests import read_signed

CITATION = (
    "codespectra (CITATION.cff). Marshall & Kirchner, Understanding polysemanticity in neural "
    "networks through coding theory. Identifying interpretable features in convolutional neural "
    "networks (under review)."
)
SOFTWARE = ("numpy", "scipy", "pandas", "h5py", "pillow", "torch")


def parts_of(manifests: Iterable[str], root: Path) -> dict[str, list[Any]]:
    """Manifests of the folders of an atlas by kind, each with its path in it."""
    found: dict[str, list[Any]] = {"runs": [], "maps": [], "images": [], "texts": []}
    for manifest in manifests:
        kind, *names = Path(manifest).with_suffix("").relative_to(root).parts
        found[kind].append({"path": "/".join([kind, *names]), **read_signed(manifest)})
    return found


def claim_rows(claims: pd.DataFrame) -> list[dict[str, Any]]:
    """Claims that were measured, each once though tables share it; an empty number is null."""
    return _plain(claims[claims["verdict"] != "not run"].drop_duplicates())


def exponent_rows(exponents: pd.DataFrame) -> list[dict[str, Any]]:
    """Exponents of the spectra, a row a layer."""
    columns = ["model", "stimuli", "reduction", "layer", "depth", "alpha"]
    return _plain(exponents[[*columns, "alpha_low", "alpha_high"]])


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    return table.astype(object).where(table.notna(), None).to_dict("records")


def versions() -> dict[str, str]:
    """Of Python and the libraries that numbers come from."""
    return {"python": platform.python_version()} | {name: version(name) for name in SOFTWARE}
