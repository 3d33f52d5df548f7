"""Manifests (.json): the sha256 and the identity of the file that each stands beside.

A manifest carries a digest of itself, and what made it: `made_by`.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from codespectra.errors import UserError, first_line
from codespectra.files.json_files import content_digest, parse_json, read_json, write_json
from codespectra.files.made_by import MADE_BY
from codespectra.files.regular_files import open_regular
from codespectra.files.whole_files import damaged


def file_digest(path: str | Path) -> str:
    """Hexadecimal sha256 of a file's bytes."""
    with open_regular(path) as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def check_digest(path: str | Path, expected: str) -> None:
    """Refuse a user's file that has another sha256 than the config says.

    Raises:
        UserError: says both.
    """
    if (found := file_digest(path)) != expected:
        raise UserError(f"{path}: sha256 is {found}, expected {expected}; fetch the file again")


def write_manifest(path: str | Path, content: dict[str, Any]) -> None:
    """Write what later stages need to know of a file.

    What its job read isn't told: gathered shards give the same manifest as a single job.
    """
    told = {key: MADE_BY[key] for key in ("rule", "params", "output") if key in MADE_BY}
    write_signed(path, content | ({"made_by": told} if told else {}))


def write_signed(path: str | Path, content: dict[str, Any]) -> None:
    """Write JSON with a digest of itself."""
    write_json(path, content | {"digest": _own_digest(content)})


def read_signed(path: str | Path) -> dict[str, Any]:
    """Read JSON that `write_signed` wrote.

    Raises:
        UserError: it is missing, or isn't what was written.
    """
    content = read_json(path)
    if content.pop("digest", None) != _own_digest(content):
        raise damaged(path, "damaged or edited: its digest of itself is another")
    return content


def read_manifest(path: str | Path) -> dict[str, Any]:
    """Read what `write_manifest` was given; see `read_signed`."""
    content = read_signed(path)
    content.pop("made_by", None)
    return content


def _own_digest(content: dict[str, Any]) -> str:
    return content_digest(parse_json(json.dumps(content).encode()))


def verify(path: str | Path, digest: Callable[[Path], str]) -> None:
    """Compare a file with the sha256 in the manifest (.json) beside it.

    Raises:
        UserError: they differ, or one of them can't be read; says what to delete.
    """
    path = Path(path)
    expected = read_manifest(path.with_suffix(".json"))["sha256"]
    try:
        found = digest(path)
    except Exception as error:  # HDF5 raises nearly anything at a damaged file.
        raise damaged(path, f"damaged: can't be read ({first_line(error)})") from error
    if found != expected:
        raise damaged(path, f"damaged: its sha256 is {found}, its manifest says {expected}")


def is_finished(manifest: str | Path, identity: str) -> bool:
    """Whether `manifest` says that this very work is done: by an orphan that `only_writer` met.

    Snakemake removes a job's outputs before it starts, so nothing older can be found here.
    """
    manifest = Path(manifest)
    return manifest.exists() and read_manifest(manifest).get("identity") == identity
