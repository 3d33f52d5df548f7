"""Which of the arrays in a file are layers, and under which names."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from codespectra.errors import UserError, nearest
from codespectra.files.regular_files import shown
from codespectra.sources.held import AT_LEAST, Held
from codespectra.sources.rows import place
from codespectra.sources.source import Rows, Source

MOST_LETTERS = 200  # of a layer's name
SHOWN = 10  # names in one line

Layers = Mapping[str, str] | Sequence[str] | None


def select_layers(path: Path, format: str, held: Held, layers: Layers) -> Source:
    """The layers that are wanted of what a file holds.

    Args:
        path: of the file or folder.
        format: one of `FORMATS`.
        held: what is in it.
        layers: a key by layer name; keys or globs of them; None for every array.

    Raises:
        UserError: a key isn't there or can't be a layer, a name can't be used, or numbers of rows
            differ.
    """
    if layers is None:
        keys = {key: key for key in _every_array(path, held)}
    elif isinstance(layers, Mapping):
        keys = {name: _known(path, held, key) for name, key in layers.items()}
    else:
        keys = {key: key for key in _matching(path, held, layers)}
    if not keys:
        raise UserError(f"{shown(path)}: no layer is named; {nearest('', map(shown, held.arrays))}")
    _check_names(path, list(keys))
    order = list(held.arrays)
    names = sorted(keys, key=lambda name: order.index(keys[name]))
    chosen = {name: held.arrays[keys[name]] for name in names}
    _check_counts(path, chosen, held)
    return Source(format, chosen, held.ids, held.repeats, held.remarks + _passed_over(held, keys))


def _every_array(path: Path, held: Held) -> list[str]:
    if not held.arrays:
        found = _listed([f"{shown(key)} ({why.found})" for key, why in held.others.items()])
        remedies = {why.remedy for why in held.others.values()}
        remedy = remedies.pop() if len(remedies) == 1 else "give a file of activations"
        raise UserError(f"{shown(path)}: holds {found or 'nothing'}; {AT_LEAST}; {remedy}")
    return list(held.arrays)


def _known(path: Path, held: Held, key: str) -> str:
    """A key that is an array's."""
    if key in held.arrays:
        return key
    if key in held.others:
        found, remedy = held.others[key]
        raise UserError(f"{place(path, key)}: {found}; {AT_LEAST}; {remedy}")
    if within := [name for name in held.arrays if name.startswith(f"{key}/")]:
        raise UserError(
            f"{place(path, key)}: a group, which holds {_listed(map(shown, within))}; expected an "
            "array; name those"
        )
    raise UserError(f"{place(path, key)}: not there; {nearest(key, map(shown, held.arrays))}")


def _matching(path: Path, held: Held, wanted: Sequence[str]) -> list[str]:
    """Keys that are named, or that match a glob, in the file's order."""
    chosen: set[str] = set()
    for pattern in [wanted] if isinstance(wanted, str) else wanted:
        found = [pattern] if pattern in held.arrays else _fitting(pattern, held.arrays)
        # What a glob names may be there, and no array; or nothing is.
        others = [*_fitting(pattern, held.others), pattern]
        chosen |= set(found or [_known(path, held, others[0])])
    return [key for key in held.arrays if key in chosen]


def _fitting(pattern: str, keys: Iterable[str]) -> list[str]:
    return [key for key in keys if fnmatchcase(key, pattern)]


def _check_names(path: Path, names: list[str]) -> None:
    """Refuse names that no dataset of the store can have."""
    remedy = "give it another name: layers: {NAME: KEY}"
    for name in names:
        if not name.isprintable():
            found, expected = "a layer's name with unprintable characters", "printable ones"
        elif len(name) > MOST_LETTERS:
            found, expected = f"a layer's name of {len(name)} letters", f"at most {MOST_LETTERS}"
        elif {"", ".", ".."} & set(name.split("/")):
            found, expected = "a layer's name with an empty part, . or ..", "parts between slashes"
        elif inside := [other for other in names if other.startswith(f"{name}/")]:
            found = f"a layer's name, and the folder of another, {inside[0]}"
            expected = "names of which none begins another's path"
        else:
            continue
        where = place(path, name[:MOST_LETTERS])
        raise UserError(f"{where}: {found}, expected {expected}; {remedy}")


def _check_counts(path: Path, layers: dict[str, Rows], held: Held) -> None:
    counts = {rows.shape[0] for rows in layers.values()}
    if len(counts) > 1:
        found = _listed(f"{shown(name)} {rows.shape}" for name, rows in layers.items())
        raise UserError(
            f"{shown(path)}: layers of different numbers of rows: {found}; expected one row a "
            "stimulus in each; name those that belong together under layers"
        )
    for column, told in (("stimulus_id", held.ids), ("repeat", held.repeats)):
        if told is not None and {len(told)} != counts:
            raise UserError(
                f"{shown(path)}: tells the {column} of {len(told)} rows, and has {counts.pop()} "
                "rows; expected one each; mend the file"
            )


def _passed_over(held: Held, keys: Mapping[str, str]) -> list[str]:
    others = [f"{shown(key)} ({why.found})" for key, why in held.others.items()]
    unread = [f"{shown(key)} (not named)" for key in held.arrays if key not in keys.values()]
    return [f"passed over: {_listed(others + unread)}"] if others or unread else []


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    more = f", … ({len(listed)} in all)" if len(listed) > SHOWN else ""
    return ", ".join(listed[:SHOWN]) + more
