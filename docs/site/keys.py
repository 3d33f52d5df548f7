"""The page of the config's keys, from its schema: type, default, range, meaning, what it reruns."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from mkdocs.exceptions import PluginError
from pydantic import BaseModel
from workflow_rules import matrix, rules_in_order, seconds_of

from codespectra.study.sections.study import Study, load_study

ROOT = Path(__file__).parents[2]
MINI = ROOT / "workflow/studies/mini.yaml"


def page() -> str:
    """The study's own keys, its sections, and the groups of rules."""
    return page_of(schema(), reruns())


@cache
def schema() -> dict[str, Any]:
    """The schema of a study."""
    return Study.model_json_schema()


def page_of(study: dict[str, Any], rules: dict[tuple[str, str], frozenset[str]]) -> str:
    """The page of a study's schema.

    Args:
        rules: what a change of a key reruns, by section and key.

    Raises:
        PluginError: a key has no description.
    """
    groups = sorted(set(rules.values()) - {frozenset()}, key=lambda one: (len(one), sorted(one)))
    text, shown = [], set()
    waiting = [("", "Study", study)]
    while waiting:
        path, name, section = waiting.pop(0)
        if name in shown or "properties" not in section:
            continue
        shown.add(name)
        text.append(_section(path, name, section, rules, groups))
        inner = [
            (f"{path}.{key}" if path else key, one, study["$defs"][one])
            for key, value in section["properties"].items()
            for one in opened(value)
        ]
        waiting = inner + waiting
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
    chosen = ", ".join(f"{key}: {' or '.join(values)}" for key, values in choice(name).items())
    title = (f"`{path}`" if path else "Sections") + (f" with `{chosen}`" if chosen else "")
    level = "###" if "." in path else "##"
    rows = "".join(
        _row(path, name, key, value, key in section.get("required", ()), rules, groups)
        for key, value in section["properties"].items()
        if key not in choice(name)
    )
    head = "| key | type | default | what | runs again |\n|---|---|---|---|---|\n" if rows else ""
    return f"\n{level} {title} {{#{name.lower()}}}\n\n{section['description']}\n\n{head}{rows}"


@cache
def choices() -> dict[str, tuple[str, list[str]]]:
    """The key that tells sections at one place apart, and its values, by section."""
    found: dict[str, tuple[str, list[str]]] = {}

    def look(value: Any) -> None:
        if isinstance(value, dict) and "mapping" in value.get("discriminator", {}):
            key = value["discriminator"]["propertyName"]
            for one, ref in value["discriminator"]["mapping"].items():
                found.setdefault(ref.rpartition("/")[2], (key, []))[1].append(one)
        if isinstance(value, dict | list):
            for inner in value.values() if isinstance(value, dict) else value:
                look(inner)

    look(schema())
    return found


def choice(section: str) -> dict[str, list[str]]:
    """Keys of a section that say that it is this one of several, and what they then are."""
    if section in choices():
        key, values = choices()[section]
        return {key: list(dict.fromkeys(values))}
    keys = schema()["$defs"].get(section, {}).get("properties", {}).items()
    return {name: [str(key["const"])] for name, key in keys if "const" in key}


def _row(path, name, key, value, required, rules, groups) -> str:
    if not value.get("description"):
        raise PluginError(f"{path}.{key}: has no words; add them below it in study/sections")
    default = "**required**" if required else _one(value.get("default"))
    again = _again(rules.get((name, key)), groups)
    if opened(value):
        default, again = default if required else "", ""
    cells = [f"`{key}`", _type(value), default, _cell(value["description"]), again]
    return "| " + " | ".join(cells) + " |\n"


def _again(rules: frozenset[str] | None, groups: list[frozenset[str]]) -> str:
    if not rules:
        return "–" if rules is None else "nothing"
    first = min(rules, key=rules_in_order().index)
    more = f" + {len(rules) - 1}" if len(rules) > 1 else ""
    return f"[{first}{more}](#r{groups.index(rules)}), {seconds_of(rules)} s"


def _groups(groups: list[frozenset[str]]) -> str:
    order = rules_in_order()
    rows = "".join(
        f'| <span id="r{number}">{seconds_of(rules)}</span> | '
        + ", ".join(f"`{rule}`" for rule in sorted(rules, key=order.index))
        + " |\n"
        for number, rules in enumerate(groups)
    )
    return f"\n## What runs again {{#groups}}\n\n| seconds | rules |\n|---|---|\n{rows}"


def _type(value: dict[str, Any]) -> str:
    """Type and range of a key, in words."""
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{json.dumps(one).strip(chr(34))}`" for one in value["enum"])
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        words = " or ".join(one for values in choice(name).values() for one in values)
        return "anything" if name == "JsonValue" else f"[{words or 'section'}](#{name.lower()})"
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


def _length(value: dict[str, Any]) -> str:
    least, most = value.get("minItems"), value.get("maxItems")
    return f" ({least})" if least is not None and least == most else ""


def _range(value: dict[str, Any]) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {value[name]:,}" for name, sign in signs.items() if name in value]
    return f", {' and '.join(bounds)}" if bounds else ""


def _one(value: Any) -> str:
    """A default as YAML has it."""
    return f"`{json.dumps(value, ensure_ascii=False)}`".replace("|", "\\|")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


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
