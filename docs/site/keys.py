"""The page of the config's keys, from its schema: type, default, range, meaning, what it reruns."""

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from figures import RUN, rules_in_order
from mkdocs.exceptions import PluginError
from pydantic import BaseModel

from codespectra.study.sections.study import Study, load_study

ROOT = Path(__file__).parents[2]
MINI = ROOT / "workflow/studies/mini.yaml"
NONE = "nothing"


def page() -> str:
    """The study's own keys, its sections, and the groups of rules."""
    schema = Study.model_json_schema()
    return page_of(schema, reruns())


def page_of(schema: dict[str, Any], rules: dict[tuple[str, str], frozenset[str]]) -> str:
    """The page of a schema.

    Args:
        rules: what a change of a key reruns, by section and key.

    Raises:
        PluginError: a key has no description.
    """
    groups = sorted(set(rules.values()) - {frozenset()}, key=lambda one: (len(one), sorted(one)))
    text, shown = [], set()
    sections = [("", "Study", schema)]
    sections += [
        (name, one, schema["$defs"][one])
        for name, key in schema["properties"].items()
        for one in opened(key)
    ]
    while sections:
        path, name, section = sections.pop(0)
        if name in shown or "properties" not in section:
            continue
        shown.add(name)
        text.append(_section(path, name, section, rules, groups))
        if path:
            inner = [
                (f"{path}.{key}", one, schema["$defs"][one])
                for key, value in section["properties"].items()
                for one in opened(value)
            ]
            sections = inner + sections
    return "".join(text) + _groups(groups)


def opened(key: Any) -> list[str]:
    """The sections that a key opens, by name."""
    if isinstance(key, list):
        return [name for value in key for name in opened(value)]
    if not isinstance(key, dict):
        return []
    here = [key["$ref"].rpartition("/")[2]] if "$ref" in key else []
    inner = (value for name, value in key.items() if name not in ("discriminator", "default"))
    return list(dict.fromkeys(here + [name for value in inner for name in opened(value)]))


def _section(path, name, section, rules, groups) -> str:
    chosen = [f"{key}: {_one(v)}" for key, v in section["properties"].items() if "const" in v]
    title = f"`{path}`" + (f" with `{', '.join(chosen)}`" if chosen else "") if path else "Sections"
    level = "##" if path.count(".") == 0 else "###"
    rows = "".join(
        _row(path, name, key, value, key in section.get("required", ()), rules, groups)
        for key, value in section["properties"].items()
        if "const" not in value
    )
    words = f"{section['description']}\n\n"
    if not rows:
        return f"\n{level} {title} {{#{name.lower()}}}\n\n{words}"
    head = "| key | type | default | what | runs again | seconds |\n|---|---|---|---|---|---|\n"
    return f"\n{level} {title} {{#{name.lower()}}}\n\n{words}{head}{rows}"


def _row(path, name, key, value, required, rules, groups) -> str:
    if not value.get("description"):
        raise PluginError(f"{path}.{key}: has no words; add them below it in study/sections")
    again, seconds = _again(rules.get((name, key)), groups)
    default = "**required**" if required else _one(value.get("default"))
    if opened(value):
        default, again, seconds = default if required else "", "", ""
    cells = [f"`{key}`", _type(value), default, _cell(value["description"]), again, seconds]
    return "| " + " | ".join(cells) + " |\n"


def _again(rules: frozenset[str] | None, groups: list[frozenset[str]]) -> tuple[str, str]:
    if rules is None:
        return "–", "–"
    if not rules:
        return NONE, "0"
    order = rules_in_order()
    first = min(rules, key=order.index)
    more = f" + {len(rules) - 1}" if len(rules) > 1 else ""
    return f"[`{first}`{more}](#r{groups.index(rules)})", seconds_of(rules)


def seconds_of(rules: frozenset[str]) -> str:
    """Wall seconds of all jobs of some rules in the run that the gallery shows."""
    taken = json.loads(RUN.read_text("utf-8"))["seconds"]
    return f"{sum(taken.get(rule, 0) for rule in rules):.0f}"


def _groups(groups: list[frozenset[str]]) -> str:
    order = rules_in_order()
    rows = "".join(
        f'| <span id="r{number}">{number}</span> | '
        + ", ".join(f"`{rule}`" for rule in sorted(rules, key=order.index))
        + f" | {seconds_of(rules)} |\n"
        for number, rules in enumerate(groups)
    )
    return f"\n## What runs again {{#groups}}\n\n| | rules | seconds |\n|---|---|---|\n{rows}"


def _type(value: dict[str, Any]) -> str:
    """Type and range of a key, in words."""
    if "const" in value:
        return f"`{_one(value)}`"
    if "enum" in value:
        return ", ".join(f"`{json.dumps(one).strip(chr(34))}`" for one in value["enum"])
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return "anything" if name == "JsonValue" else f"[{label(name)}](#{name.lower()})"
    for several in ("anyOf", "oneOf"):
        if several in value:
            return " or ".join(dict.fromkeys(map(_type, value[several])))
    if value.get("type") == "array":
        item = _type(value["items"]) if "items" in value else "values"
        return f"list{_length(value)} of {item}"
    if "patternProperties" in value:
        (inner,) = value["patternProperties"].values()
        return f"by name: {_type(inner)}"
    if value.get("type") == "object":
        inner = value.get("additionalProperties")
        return f"by key: {_type(inner)}" if isinstance(inner, dict) else "by key"
    names = {"integer": "whole number", "string": "text", "boolean": "true or false"}
    kind = value.get("type", "anything")
    return names.get(kind, kind) + _range(value)


@cache
def label(section: str) -> str:
    """What tells a section from others at its place, such as `cifar10`; or that it is one."""
    properties = Study.model_json_schema()["$defs"][section].get("properties", {})
    values = [str(key["const"]) for key in properties.values() if "const" in key]
    return f"`{', '.join(values)}`" if values else "section"


def _length(value: dict[str, Any]) -> str:
    least, most = value.get("minItems"), value.get("maxItems")
    return f" ({least})" if least is not None and least == most else ""


def _range(value: dict[str, Any]) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {value[name]:,}" for name, sign in signs.items() if name in value]
    return f", {' and '.join(bounds)}" if bounds else ""


def _one(value: Any) -> str:
    """A default, or the single value of a key, as YAML has it."""
    if isinstance(value, dict) and "const" in value:
        return str(value["const"])
    return f"`{json.dumps(value, ensure_ascii=False)}`".replace("|", "\\|")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


@cache
def matrix() -> dict[str, frozenset[str]]:
    """The rules that a change of a key of the mini study reruns: the tests hold that they do."""
    sys.path[:0] = [str(ROOT / "tests/workflow"), str(ROOT / "tests/helpers")]
    from test_reruns import MATRIX

    return {path: frozenset(rules) for path, (_, rules) in MATRIX.items()}


def reruns() -> dict[tuple[str, str], frozenset[str]]:
    """The same by section and key, of all places together at which a section stands."""
    study = load_study(yaml.safe_load(MINI.read_text("utf-8")))
    found: dict[tuple[str, str], frozenset[str]] = {}
    for path, rules in matrix().items():
        place = _place(study, path.split("."))
        found[place] = found.get(place, frozenset()) | rules
    return found


def _place(section: Any, path: list[str]) -> tuple[str, str]:
    """Section and name of the key at a path: of the last section on the way."""
    place = "", ""
    for key in path:
        if isinstance(section, BaseModel):
            place = type(section).__name__, key
            section = getattr(section, key)
        elif isinstance(section, dict):
            section = section.get(key)
    return place
