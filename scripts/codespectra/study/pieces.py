"""Pieces: files that together hold what is wanted of a run; those that stand, one new for the rest.

An activations file holds what its analyses wanted when it was captured. When more is wanted, what
is missing goes into a further file beside it, and the first keeps its bytes and its date.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codespectra.errors import UserError
from codespectra.files.json_files import content_digest
from codespectra.files.manifests import read_manifest

# What a piece holds one of: a layer and its reduction, or a part of a language model.
Item = tuple[str, ...]
# The ending of the first piece, and the pattern of any.
FIRST, ENDING = "", r"(\+[0-9a-f]{8})?"


@dataclass(frozen=True)
class Pieces:
    """The items of each piece, by the ending of its name."""

    holds: dict[str, list[Item]]

    def of(self, items: Iterable[Item]) -> list[str]:
        """Endings of the pieces that hold these items, the first piece first."""
        places = {item: ending for ending in reversed(self.holds) for item in self.holds[ending]}
        found = {places[item] for item in items}
        return [ending for ending in self.holds if ending in found]


def plan_pieces(wanted: Sequence[Item], standing: Mapping[str, Sequence[Item]]) -> Pieces:
    """Which pieces hold the wanted items: those that stand, and one new for what none of them has.

    The answer is the same before the new piece is made and after.
    """
    held = {item for items in standing.values() for item in items}
    missing = [item for item in wanted if item not in held]
    holds = {ending: list(items) for ending, items in standing.items()}
    if missing:
        holds[_ending(missing) if FIRST in standing else FIRST] = missing
    return Pieces({ending: holds[ending] for ending in sorted(holds)})


def _ending(items: Sequence[Item]) -> str:
    return f"+{content_digest(list(map(list, items)))[:8]}"


def standing_pieces(store: Path, origin: str) -> dict[str, list[Item]]:
    """Items of the pieces that are there, by the endings of their names.

    Args:
        store: path of the first piece, without suffix.
        origin: digest of all that the plan knows of what a piece is made from, but for its items.
            Pieces whose manifests tell another don't stand.
    """
    if not store.parent.is_dir():
        return {}
    named = re.compile(f"{re.escape(store.name)}(?P<ending>{ENDING})\\.json")
    found = {}
    for file in store.parent.iterdir():
        if match := named.fullmatch(file.name):
            items = _items(file, origin)
            if items is not None and file.with_suffix(".h5").exists():
                found[match["ending"]] = items
    return found


def unwanted_files(store: Path, wanted: Collection[str]) -> list[Path]:
    """All that there is of pieces that aren't wanted: also shards, and what killed jobs have left.

    Args:
        store: path of the first piece, without suffix.
        wanted: endings of the pieces that are.
    """
    beside = r"(h5|json|shards)(\.partial|\.progress\.json|\.kept|\.items|\.lock)?"
    named = re.compile(f"\\.?{re.escape(store.name)}(?P<ending>{ENDING})\\.{beside}")
    there = sorted(store.parent.iterdir()) if store.parent.is_dir() else []
    matches = [(file, named.fullmatch(file.name)) for file in there]
    return [file for file, match in matches if match and match["ending"] not in wanted]


def _items(manifest: Path, origin: str) -> list[Item] | None:
    """What a piece holds; None if it isn't whole, or was made from something else."""
    try:
        told = read_manifest(manifest)
    except UserError:
        return None
    if told.get("origin") != origin:
        return None
    return [tuple(item) for item in told["holds"]]
