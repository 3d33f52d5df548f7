"""A digest of what files of a user's hold, whatever their dates, which reads each file once.

The digest of a file is remembered for as long as its size, dates and inode are the same: a note for
each folder, by the files' names.
"""

import logging
import os
import time
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from codespectra.files.json_files import content_digest, parse_json, write_json
from codespectra.files.manifests import file_digest

log = logging.getLogger("codespectra")

# What was written less than this ago may be written again within one tick of the clock.
SETTLED_NS = 10**8
MANY_BYTES = 10**9  # to read is worth a word

# By name: size, date, date of the inode, inode; sha256.
Known = dict[str, tuple[list[int], str]]


def content_stamp(paths: Iterable[Path], remembered: Path, root: Path | None = None) -> str:
    """Digest of the contents of files in their order; links are followed.

    Args:
        paths: of regular files.
        remembered: a folder for what is remembered, made if need be.
        root: names from there on count too; without it, contents alone do.

    Raises:
        OSError: a file can't be read.
    """
    found = []
    for folder, files in groupby(paths, key=lambda path: path.parent):
        listed = list(files)
        digests = _digests(folder, listed, remembered)
        names = [str(path).removeprefix(f"{root}/") if root else "" for path in listed]
        found += zip(names, digests, strict=True)
    return content_digest(found)


def _digests(folder: Path, files: list[Path], remembered: Path) -> list[str]:
    # Of the folder as it is named, since a link may lead elsewhere tomorrow: the inodes tell.
    note = remembered / f"contents-{content_digest(os.path.abspath(folder))[:16]}.json"  # noqa: PTH100
    known = _read(note)
    states = {path.name: _state(path) for path in files}
    new = [path for path in files if known.get(path.name, ((), ""))[0] != states[path.name]]
    size = sum(states[path.name][0] for path in new)
    if size > MANY_BYTES:
        log.warning("%s: reading %d files (%.3g GB), once", folder, len(new), size / 1e9)
    digests = {name: digest for name, (_, digest) in known.items()}
    settled = time.time_ns() - SETTLED_NS
    for path in new:
        digests[path.name] = file_digest(path)
        if max(states[path.name][1:3]) < settled and _state(path) == states[path.name]:
            known[path.name] = states[path.name], digests[path.name]
        else:
            known.pop(path.name, None)
    if new:
        write_json(note, known)
    return [digests[path.name] for path in files]


def _state(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _read(note: Path) -> Known:
    """What is remembered of a folder; nothing, if that can't be read: then the files are."""
    try:
        # Of a million files it has more bytes than `read_json` takes.
        content = parse_json(note.read_bytes())
        return {name: (state, digest) for name, (state, digest) in content.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}
