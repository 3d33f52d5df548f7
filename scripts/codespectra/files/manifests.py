"""Manifests (.json): the sha256 and the identity of the file that each stands beside."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from codespectra.errors import first_line
from codespectra.files.json_files import read_json
from codespectra.files.whole_files import damaged


def file_digest(path: str | Path) -> str:
    """Hexadecimal sha256 of a file's bytes."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def verify(path: str | Path, digest: Callable[[Path], str]) -> None:
    """Compare a file with the sha256 in the manifest (.json) beside it.

    Raises:
        UserError: they differ, or one of them can't be read; says what to delete.
    """
    path = Path(path)
    expected = read_json(path.with_suffix(".json"))["sha256"]
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
    return manifest.exists() and read_json(manifest).get("identity") == identity
