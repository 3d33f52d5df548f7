"""Text as HDF5: documents that are installed, or of a folder, split into train and test."""

import json
import logging
import platform
import sysconfig
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from codespectra.data.docstrings import package_sources, prose
from codespectra.errors import UserError
from codespectra.files.folder_walk import files_below, matching
from codespectra.files.hdf5_files import create_hdf5, hdf5_digest, open_hdf5
from codespectra.files.json_files import parse_json
from codespectra.files.manifests import write_manifest
from codespectra.files.regular_files import read_regular, refusing, shown
from codespectra.jobs.progress import progress

log = logging.getLogger("codespectra")

PARTS = ("train", "test")
# Folders of the standard library that aren't part of it, or only test it.
LEFT_OUT = {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"}
# Written when that Python was built, with paths of the machine.
BUILT = ("_sysconfigdata", "config-")
MOST_BYTES = 1 << 30  # of a document


@dataclass(frozen=True)
class Document:
    """UTF-8 text; `name` is its path relative to the source's folder, with slashes."""

    name: str
    content: bytes


def standard_library(root: str | Path | None = None) -> list[Document]:
    """Python sources of the standard library by name, without tests and installed packages.

    Files that aren't UTF-8, and empty ones, are left out.

    Args:
        root: its folder; default is that of the Python that runs.
    """
    root = Path(root or sysconfig.get_path("stdlib"))
    found = _read(
        root, [p for p in files_below(root, "**/*.py") if _is_source(p.relative_to(root))]
    )
    return [document for document in found if _is_text(document.content)]


def _is_source(relative: Path) -> bool:
    parts = relative.parts
    return LEFT_OUT.isdisjoint(parts) and not any(part.startswith(BUILT) for part in parts)


def docstrings(packages: list[str]) -> list[Document]:
    """What `docstrings.prose` makes of installed packages, a document a module, by name.

    Modules without any, and those that are no Python of this version, are left out.

    Args:
        packages: as pip calls them.

    Raises:
        UserError: one isn't installed.
    """
    found, unread = [], []
    for package in packages:
        sources = _read(*package_sources(package))
        for source in progress(sources, desc=f"docstrings of {package}"):
            try:
                text = prose(source.content)
            except (SyntaxError, ValueError, RecursionError):
                unread.append(source.name)
                continue
            if text:
                found.append(Document(source.name, f"{text}\n".encode(errors="replace")))
    if unread:
        log.info("%d files are no Python and left out, such as %s", len(unread), unread[0])
    return sorted(found, key=lambda document: document.name)


def text_folder(
    root: str | Path, pattern: str, remarks: Counter[str] | None = None
) -> list[Document]:
    """Files of a folder that match a glob pattern, a document each, by name; no empty ones.

    Names that begin with a dot are never seen.

    Args:
        root: the folder.
        pattern: as of `files_below`.
        remarks: counts of files that are passed over, which these are added to.

    Raises:
        UserError: no file matches, or one can't be read as UTF-8.
    """
    root = Path(root)
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; correct language.text.root")
    try:
        below = files_below(root)
    except OSError as error:
        raise UserError(f"{root}: can't be read ({error}); make it readable") from error
    paths = matching(below, root, pattern)
    if not paths:
        raise UserError(f"{root}: no file matches {pattern!r}; correct language.text.pattern")
    found = _read(root, paths)
    for document in found:
        if not _is_text(document.content):
            raise UserError(
                f"{shown(root / document.name)}: not UTF-8; convert the file, or narrow "
                f"language.text.pattern ({pattern})"
            )
    passed_over = {
        "passed over: names don't match the pattern": len(below) - len(paths),
        "passed over: empty": len(paths) - len(found),
    }
    for words, count in passed_over.items():
        if count:
            log.info("%d %s", count, words)
    if remarks is not None:
        remarks.update(passed_over)
    return found


def _read(root: Path, paths: list[Path]) -> list[Document]:
    """The documents of those files by name, without the empty ones."""
    found = []
    for path in paths:
        with refusing(path, "can't be read", "make it readable, or narrow language.text.pattern"):
            found.append(
                Document(path.relative_to(root).as_posix(), read_regular(path, MOST_BYTES))
            )
    return sorted((document for document in found if document.content), key=lambda d: d.name)


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_held_out(name: str, test_share: float) -> bool:
    """Whether a document is for testing: its name decides, whatever other documents there are."""
    # A name on disk needn't be UTF-8.
    return zlib.crc32(name.encode(errors="surrogateescape")) / 2**32 < test_share


def write_text(path: str | Path, spec: dict[str, Any]) -> None:
    """Write the documents of a config's text section as HDF5, with a manifest (.json) beside it.

    Raises:
        UserError: no document is held out, or a file of a folder can't be read.
    """
    path = Path(path)
    remarks: Counter[str] = Counter()
    found = _documents(spec, remarks)
    split: dict[str, list[Document]] = {part: [] for part in PARTS}
    for document in found:
        split["test" if is_held_out(document.name, spec["test_share"]) else "train"].append(
            document
        )
    if not split["test"]:
        raise UserError(
            f"language.text: of {len(found)} documents none is held out; raise test_share "
            f"({spec['test_share']:g}) or give more documents"
        )
    with create_hdf5(path) as file:
        for part, documents in split.items():
            _write_part(file.create_group(part), documents)
    manifest = {
        "file": path.name,
        "sha256": hdf5_digest(path),
        "source": spec["source"],
        "documents": {part: len(documents) for part, documents in split.items()},
        "bytes": {part: sum(len(d.content) for d in split[part]) for part in PARTS},
    }
    if spec["source"] == "folder":
        manifest["remarks"] = {words: count for words, count in remarks.items() if count}
    else:
        manifest["python"] = platform.python_version()
    write_manifest(path.with_suffix(".json"), manifest)


def _documents(spec: dict[str, Any], remarks: Counter[str]) -> list[Document]:
    if spec["source"] == "folder":
        return text_folder(spec["root"], spec["pattern"], remarks)
    if spec["source"] == "docstrings":
        return docstrings(spec["packages"])
    return standard_library()


def _write_part(group: h5py.Group, documents: list[Document]) -> None:
    names = json.dumps([document.name for document in documents]).encode()
    group["bytes"] = np.frombuffer(b"".join(d.content for d in documents), np.uint8)
    group["ends"] = np.cumsum([len(d.content) for d in documents], dtype=np.int64)
    group["names"] = np.frombuffer(names, np.uint8)


def read_documents(path: str | Path, part: str) -> list[Document]:
    """The documents of one part, train or test, of a text file that `write_text` wrote."""
    with open_hdf5(path) as file:
        group = file[part]
        names, ends = parse_json(group["names"][:].tobytes()), group["ends"][:]
        content = group["bytes"][:].tobytes()
    starts = [0, *ends][:-1]
    return [Document(n, content[a:b]) for n, a, b in zip(names, starts, ends, strict=True)]
