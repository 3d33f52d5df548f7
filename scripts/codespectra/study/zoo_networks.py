"""The networks of a zoo: names and globs expanded, and what the user's table tells of them."""

import fnmatch
import re
from dataclasses import dataclass
from pathlib import Path

from codespectra.errors import UserError, nearest
from codespectra.files.regular_files import shown
from codespectra.files.text_tables import read_text_table
from codespectra.models.library_names import LIBRARIES, library_names
from codespectra.study.problems import Problems
from codespectra.study.sections.zoo import Zoo

COLUMNS = ("network", "weights", "accuracy", "year")
MOST_BYTES, MOST_NETWORKS = 1 << 22, 5000
SUFFIXES = (".safetensors", ".pt", ".pth")
# timm's tags too; a name becomes part of names of files.
NAME = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_-]+)?")


@dataclass(frozen=True)
class ZooNetwork:
    """One network: its library and name there, its weights, and what is known of it.

    `weights` is random, hub or the path of a file.
    """

    library: str
    name: str
    weights: str
    accuracy: float | None = None
    year: int | None = None

    @property
    def file(self) -> str | None:
        """Path of its weights, if they are a file's."""
        return None if self.weights in ("random", "hub") else self.weights


@dataclass(frozen=True)
class ZooNetworks:
    """All networks by `library:name`, and how many each pattern of the config matches."""

    by_key: dict[str, ZooNetwork]
    matched: dict[str, int]
    untold: int  # rows of the table whose network the config doesn't name


def zoo_networks(zoo: Zoo | None, problems: Problems) -> ZooNetworks:
    """Every network of a zoo in the config's order, those of a glob by name, each once."""
    if zoo is None:
        return ZooNetworks({}, {}, 0)
    told, matched, keys = _read_table(zoo, problems), {}, {}
    for pattern in told if zoo.networks is None else zoo.networks:
        key = "zoo.networks" if zoo.networks else f"zoo.table: {zoo.table}"
        try:
            found = _matches(pattern)
        except UserError as error:
            problems.add(f"{key}: {error}")
            continue
        matched[pattern] = len(found)
        keys |= dict.fromkeys(found)
    if len(keys) > MOST_NETWORKS:
        problems.add(f"zoo.networks: they are {len(keys)}, and {MOST_NETWORKS} are the most")
    by_key = {key: _network(key, zoo, told.get(key, {})) for key in keys}
    return ZooNetworks(by_key, matched if zoo.networks else {}, len(told.keys() - keys.keys()))


def _matches(pattern: str) -> list[str]:
    """The networks that a name or a glob means, as `library:name`.

    Raises:
        UserError: there are none; or the library isn't installed.
    """
    library, _, name = pattern.partition(":")
    if library not in LIBRARIES or not name:
        raise UserError(f"{shown(pattern)!r} names no library; write timm:NAME or torchvision:NAME")
    known = library_names(library)
    if set(name) & set("*?["):
        found = fnmatch.filter(known, name)
        if not found:
            raise UserError(f"{shown(pattern)!r} matches none of {library}'s {len(known)} networks")
        return [f"{library}:{one}" for one in found]
    tagged = library == "timm" and NAME.fullmatch(name)
    if (name.split(".")[0] if tagged else name) not in known:
        raise UserError(f"{library} has no network {shown(name)!r}; {nearest(name, known)}")
    return [pattern]


def _network(key: str, zoo: Zoo, told: dict[str, str]) -> ZooNetwork:
    library, _, name = key.partition(":")
    weights = told.get("weights") or zoo.weights
    if weights == "folder":
        weights = str(_file_in(zoo.folder / library, name))
    accuracy = float(told["accuracy"]) if told.get("accuracy") else None
    year = int(told["year"]) if told.get("year") else None
    return ZooNetwork(library, name, weights, accuracy, year)


def _file_in(folder: Path, name: str) -> Path:
    """The network's file; where there is none, the one that its job will miss."""
    files = [folder / f"{name}{suffix}" for suffix in SUFFIXES]
    return next((file for file in files if file.exists()), files[0])


def _read_table(zoo: Zoo, problems: Problems) -> dict[str, dict[str, str]]:
    """Rows of the table by network; empty where there is none, or it is told to be wrong."""
    if zoo.table is None:
        return {}
    try:
        return read_zoo_table(zoo.table)
    except UserError as error:
        problems.add(f"zoo.table: {error}")
        return {}


def read_zoo_table(path: Path) -> dict[str, dict[str, str]]:
    """Rows of a table of networks by `network`, as texts.

    Raises:
        UserError: no table, other columns, a network twice, or a value that can't be right.
    """
    header, rows = read_text_table(path, MOST_BYTES, "mend the table")
    file = shown(path)
    wrong = [name for name in header if name not in COLUMNS or header.count(name) > 1]
    if wrong or "network" not in header:
        found = f"the column {shown(wrong[0])!r}" if wrong else "no column network"
        raise UserError(
            f"{file}: has {found}; expected network and, where wanted, {', '.join(COLUMNS[1:])}, "
            "each once"
        )
    if not rows:
        raise UserError(f"{file}: has no rows; list a network a row")
    told: dict[str, dict[str, str]] = {}
    for number, row in enumerate(rows, 1):
        if reason := _wrong(row, told):
            raise UserError(f"{file}: row {number}: {reason}; mend the table")
        told[row["network"]] = row
    return told


def _wrong(row: dict[str, str], told: dict[str, dict[str, str]]) -> str:
    """Why a row can't be right; empty if it can."""
    if None in row or None in row.values():
        return "has more or fewer fields than the header"
    if row["network"] in told:
        return f"{shown(row['network'])} stands there twice"
    if row.get("accuracy") and not _between(row["accuracy"], 0, 1):
        return f"accuracy {shown(row['accuracy'])!r}, expected a share from 0 to 1"
    year = row.get("year")
    if year and not (re.fullmatch("[0-9]{4}", year) and _between(year, 1950, 2100)):
        return f"year {shown(year)!r}, expected one from 1950 to 2100"
    weights = row.get("weights", "")
    if weights == "folder" or {"{", "}"} & {*weights} or not weights.isprintable():
        return f"weights {shown(weights)!r}, expected random, hub or the path of a file"
    return ""


def _between(text: str, least: float, most: float) -> bool:
    try:
        return least <= float(text) <= most
    except ValueError:
        return False
