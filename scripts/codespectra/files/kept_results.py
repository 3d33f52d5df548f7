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
        common = [
            {key: value for key, value in params["cfg"].items() if key not in axes},
            params["code"],
            {package: _version(package) for package in PACKAGES},
        ]
        self._digests = {
            item: content_digest([common, item, follows]) for item, follows in items.items()
        }
        known = self._whole_index()
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

    def keep(self) -> None:
        """Let the next run of the job take items from the outputs, as they are now."""
        if not keep_outputs(self._outputs.values()):
            return
        digests = {name: file_digest(output) for name, output in self._outputs.items()}
        known = {
            digest: {"at": at} | self._new_places.get(item, {})
            for at, (item, digest) in enumerate(self._digests.items())
        }
        write_signed(self._index, {"sha256": digests, "items": known})

    @property
    def _index(self) -> Path:
        return index_name(next(iter(self._outputs.values())))

    def _whole_index(self) -> dict[str, Any]:
        """Places by digest, if any will be of use and all files are what they were."""
        if not self._index.exists():
            return {}
        try:
            index = read_signed(self._index)
            if index["items"].keys().isdisjoint(self._digests.values()):
                return {}
            changed = [
                str(self.file(name))
                for name, digest in index["sha256"].items()
                if file_digest(self.file(name)) != digest
            ]
        except (UserError, OSError) as error:
            log.warning("nothing is taken from the last run: %s", error)
            return {}
        if changed:
            log.warning("nothing is taken from the last run: changed: %s", ", ".join(changed))
            return {}
        return index["items"]


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
    names = [", ".join(map(str, dict.fromkeys(part))) for part in parts]
    return f"{len(items)}: {' x '.join(names)}" if names else "nothing"
