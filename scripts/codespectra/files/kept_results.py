"""What a job's last results hold, item by item, that would come out the same if computed again.

An item is what a stage computes apart from others, such as one layer. When a layer is added to a
run its job starts again, and Snakemake removes the outputs that it had. Each has a second name, a
hard link `.{name}.kept`, from which the new job takes the items that follow from the very same
things. An index beside the first, `.{name}.items`, has the digest of all that each follows from.
"""

import logging
from collections.abc import Collection, Hashable, Iterable, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from codespectra.errors import UserError
from codespectra.files.json_files import content_digest
from codespectra.files.manifests import file_digest, read_signed, write_signed
from codespectra.files.second_names import index_name, keep_outputs, kept_name

# Packages that compute, or write the numbers down.
PACKAGES = ("numpy", "pandas", "scipy", "scikit-learn", "torch", "torchvision", "timm")

LISTED = 20  # names in a line of the log

log = logging.getLogger("codespectra")

# A layer; or a layer, a metric and a method.
Item = Hashable


class KeptResults:
    """Which items of a job can be taken from its last run, and which are missing.

    Attributes:
        taken: those that can, in order.
        missing: those that can't, in order.
    """

    def __init__(
        self,
        outputs: Mapping[str, str],
        params: Mapping[str, Any],
        axes: Collection[str],
        items: Mapping[Item, Any],
    ):
        """Look at what the job's last run has left, and log what is taken from it.

        Args:
            outputs: the job's files by name.
            params: of the job: cfg and code.
            axes: keys of cfg that list items, or what items are looked for in.
            items: all items of the job, in the order of its files; and what each follows from
                besides cfg and code: digests of the data that it is computed from.
        """
        self._outputs = {name: Path(file) for name, file in outputs.items()}
        self._axes = sorted(axes)
        common = [
            {key: value for key, value in params["cfg"].items() if key not in axes},
            params["code"],
            {package: _version(package) for package in PACKAGES},
        ]
        self._digests = {
            item: content_digest([common, item, follows]) for item, follows in items.items()
        }
        self._common = content_digest(common)
        self._last = self._read_index()
        known = self._whole_items()
        self._places = {
            item: known[digest] for item, digest in self._digests.items() if digest in known
        }
        self.taken = [item for item in items if item in self._places]
        self.missing = [item for item in items if item not in self._places]
        # Where each item lies in the outputs that are being made, as JSON has it.
        self._new_places: dict[Item, dict[str, Any]] = {}
        if self.taken:
            log.info("taken from the last run: %s", _listed(self.taken))
            log.info("computed: %s", _listed(self.missing))

    @property
    def items(self) -> list[Item]:
        """All items, in order."""
        return [*self._digests]

    def digest(self, item: Item) -> str:
        """The digest of all that an item follows from."""
        return self._digests[item]

    def position(self, item: Item) -> int:
        """Which of the last run's items one was that isn't missing, counted from 0."""
        return self._places[item]["at"]

    def file(self, name: str) -> Path:
        """The last run's output of that name, for items that aren't missing."""
        return kept_name(self._outputs[name])

    def intermediate(self, name: str) -> Path | None:
        """The last run's output of that name, for what is shared with items that are missing.

        None if it isn't what it was, or followed from another cfg, but for the axes, or code.
        """
        if self._last.get("common") != self._common or self._changed([name]):
            return None
        return self.file(name)

    def keep(self) -> None:
        """Let the next run of the job take items from the outputs, as they are now."""
        if not keep_outputs(self._outputs.values()):
            return
        digests = {name: file_digest(output) for name, output in self._outputs.items()}
        known = {
            digest: {"at": at} | self._new_places.get(item, {})
            for at, (item, digest) in enumerate(self._digests.items())
        }
        index = {"sha256": digests, "items": known, "axes": self._axes, "common": self._common}
        write_signed(self._index, index)

    @property
    def _index(self) -> Path:
        return index_name(next(iter(self._outputs.values())))

    def _read_index(self) -> dict[str, Any]:
        """What the last run has noted; empty without."""
        if not self._index.exists():
            return {}
        try:
            return read_signed(self._index)
        except (UserError, OSError) as error:
            log.warning("nothing is taken from the last run: %s", error)
            return {}

    def _whole_items(self) -> dict[str, Any]:
        """Places by digest, if any will be of use and all files are what they were."""
        known = self._last.get("items", {})
        if known.keys().isdisjoint(self._digests.values()) or self._changed(self._last["sha256"]):
            return {}
        return known

    def _changed(self, names: Iterable[str]) -> bool:
        """Whether any of the last run's outputs is not what it was, which is logged."""
        try:
            changed = [
                str(self.file(name))
                for name in names
                if file_digest(self.file(name)) != self._last["sha256"][name]
            ]
        except OSError as error:
            log.warning("nothing is taken from the last run: %s", error)
            return True
        if changed:
            log.warning("nothing is taken from the last run: changed: %s", ", ".join(changed))
        return bool(changed)


def kept_axes(output: str | Path) -> list[str]:
    """Keys of cfg along which a job can take over what its last run has left, by its first output.

    None if that has left nothing, or its index is damaged.
    """
    with suppress(UserError, OSError):
        if kept_name(output).exists():
            return read_signed(index_name(output)).get("axes", [])
    return []


def by_group(items: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], list[str]]:
    """Last parts of items by the parts before them, as metrics by layer and method."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for *group, last in items:
        groups.setdefault(tuple(group), []).append(last)
    return groups


def _version(package: str) -> str:
    """Of an installed package; empty without it, as where no network runs."""
    with suppress(PackageNotFoundError):
        return version(package)
    return ""


def _listed(items: Collection[Item]) -> str:
    """How many, and the names among them: a list for each part of an item's name."""
    parts = zip(*(item if isinstance(item, tuple) else (item,) for item in items), strict=True)
    names = [_some([*map(str, dict.fromkeys(part))]) for part in parts]
    return f"{len(items)}: {' x '.join(names)}" if names else "nothing"


def _some(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")
