"""A study as a file or a command line says it: where YAML is broken, or says a thing twice."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from codespectra.errors import UserError
from codespectra.study.sections.study import MOST_VALUES

MOST_BYTES = 1_000_000


def read_study_file(path: str | Path) -> dict[str, Any]:
    """What a file says; refused where YAML's reader would take it for another than it looks like.

    Raises:
        UserError: one line a mistake, with file, line and column: it isn't UTF-8 or YAML, has no
            keys, says a key twice, would run code, or its anchors make it huge.
    """
    try:
        found = yaml.compose(_read(Path(path)), yaml.SafeLoader)
        if not isinstance(found, yaml.MappingNode):
            raise UserError(f"{path}: holds no keys; begin with study: NAME")
        if _size(found, {}) > MOST_VALUES:
            raise UserError(
                f"{path}: holds over {MOST_VALUES} values, those of anchors at each of their "
                "places; name fewer"
            )
        lines = list(_mistakes(found, (), {}))
        config = SafeConstructor().construct_document(found)
    except yaml.MarkedYAMLError as error:
        mark, told = error.problem_mark, filter(None, (error.context, error.problem))
        place = f"{path}, line {mark.line + 1}, column {mark.column + 1}"
        raise UserError(f"{place}: {', '.join(told)}") from error
    except (yaml.YAMLError, OSError, ValueError) as error:
        raise UserError(
            f"{path}: can't be read as YAML ({' '.join(str(error).split())})"
        ) from error
    except RecursionError as error:
        raise UserError(f"{path}: is nested too deeply, or in itself") from error
    if lines:
        raise UserError("\n".join(f"{path}: {line}" for line in lines))
    return config


def read_arguments(arguments: Iterable[str]) -> dict[str, Any]:
    """What `--config key=value …` says, with values as a file would have them.

    Snakemake takes all that is inside of brackets for text, numbers too.

    Raises:
        UserError: a value is no YAML.
    """
    values = {}
    for argument in arguments:
        key, _, value = argument.partition("=")
        try:
            values[key] = yaml.load(value, yaml.SafeLoader)
        except (yaml.YAMLError, ValueError) as error:
            found = " ".join(str(error).split())
            raise UserError(f"--config {key}: can't be read as YAML ({found})") from error
    return values


def _read(path: Path) -> str:
    """The file's text; a JSON file may be indented by tabs, which YAML refuses."""
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        raise UserError(f"{path}: is no file of at most {MOST_BYTES} bytes; give a study's YAML")
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}, line {line}: is no UTF-8; save the file as UTF-8") from error
    return text.replace("\t", " ") if path.suffix == ".json" else text


def _mistakes(
    node: yaml.Node, above: tuple[str, ...], told: dict[yaml.Node, None]
) -> Iterator[str]:
    """Keys that stand twice in a section, and the one that would run code; each node once."""
    if node in told or isinstance(node, yaml.ScalarNode):
        return
    told[node] = None
    if isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _mistakes(value, (*above, str(number)), told)
        return
    seen: dict[str, yaml.Mark] = {}
    for key, value in node.value:
        name = str(key.value)
        path = (*above, name)
        if name in seen:
            lines = f"lines {seen[name].line + 1} and {key.start_mark.line + 1}"
            yield f"{'.'.join(path)} stands on {lines}; keep one"
        if path == ("__use_yte__",):
            yield f"line {key.start_mark.line + 1}: __use_yte__ runs code of the file; remove it"
        seen.setdefault(name, key.start_mark)
        yield from _mistakes(value, path, told)


def _size(node: yaml.Node, known: dict[yaml.Node, int]) -> int:
    """Values in a node, those behind an anchor at each of its places."""
    if node not in known:
        inside = [] if isinstance(node, yaml.ScalarNode) else node.value
        parts = [part for item in inside for part in (item if isinstance(item, tuple) else [item])]
        known[node] = 1 + sum(_size(part, known) for part in parts)
    return known[node]
