"""What results themselves tell of the jobs that made them, for when Snakemake has forgotten."""

import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from codespectra.errors import UserError
from codespectra.files.manifests import read_signed


def forgotten_jobs(
    root: Path, is_known: Callable[[str], bool], besides: Collection[str] = ()
) -> Iterator[dict[str, Any]]:
    """Yield `made_by` of each file below `root` that isn't known, from its note or as a manifest.

    A file that was moved, or of which nothing can be read, is passed over.

    Args:
        root: folder of results.
        is_known: whether a file's job needs no telling.
        besides: names of folders that hold no results.
    """
    for folder, folders, names in os.walk(root):
        folders[:] = sorted({*folders} - {*besides})
        # Notes come first: they tell more than manifests.
        for name in sorted(name for name in names if name.endswith(".json")):
            file = Path(folder, name[1:-5] if name.startswith(".") else name)
            if is_known(str(file)) or not file.exists():
                continue
            try:
                made_by = read_signed(Path(folder, name)).get("made_by", {})
            except UserError:
                continue
            if str(file) in made_by.get("output", []):
                yield made_by
