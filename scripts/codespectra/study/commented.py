"""A study's YAML with each key's description above it, as `config.yaml` has them."""

import textwrap
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import BaseModel

from codespectra.study.sections.study import load_study

WIDTH = 100


def with_comments(text: str) -> str:
    """A config with each key's description above it, where the same isn't said further up.

    Comments above other lines stay: above names that the config chooses, and above repeated keys.

    Raises:
        UserError: one line a mistake in it.
    """
    study = load_study(yaml.safe_load(text))
    words = {}
    for at, key, description in described(yaml.compose(text), study):
        if (key, description) not in words.values():
            words[at] = key, description
    lines: list[str] = []
    for number, line in enumerate(text.splitlines()):
        if number in words:
            while lines and lines[-1].lstrip().startswith("#"):
                lines.pop()
            prefix = " " * (len(line) - len(line.lstrip())) + "# "
            lines += textwrap.wrap(
                words[number][1], WIDTH, initial_indent=prefix, subsequent_indent=prefix
            )
        lines.append(line)
    return "\n".join(lines) + "\n"


def described(node: yaml.Node, section: Any) -> Iterator[tuple[int, str, str]]:
    """Line, name and description of the keys that stand on lines of their own, in order."""
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        return
    fields = {}
    if isinstance(section, BaseModel):
        fields = section.model_json_schema()["properties"]
        section = dict(section)
    for key, value in node.value:
        if key.value in fields:
            yield key.start_mark.line, key.value, fields[key.value]["description"]
        yield from described(value, section[key.value])
