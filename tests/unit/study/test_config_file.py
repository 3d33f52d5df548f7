"""config.yaml says what its keys mean and what they are by default, as the library does."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from project import ROOT
from pydantic import BaseModel

from codespectra.study.sections.study import Study, load_study
from write_schema import with_comments

TEXT = (ROOT / "config.yaml").read_text()
CONFIG = yaml.safe_load(TEXT)
# Library modules whose options are keys of a section.
OPTIONS = {"spectra/*.py": "spectra", "directions/kmeans.py": "directions.methods.kmeans"}


def sections(section: Any, config: Any) -> Iterator[tuple[BaseModel, dict[str, Any]]]:
    """Each section of a study, and what its file says there."""
    if not isinstance(config, dict):
        return
    if isinstance(section, BaseModel):
        yield section, config
        section = dict(section)
    for key, inner in config.items():
        yield from sections(section[key], inner)


def test_every_key_is_described_in_its_own_words_or_by_what_it_opens() -> None:
    schema = Study.model_json_schema()
    models = [schema, *schema["$defs"].values()]
    keys = [(name, key) for model in models for name, key in model.get("properties", {}).items()]
    assert len(keys) > 200
    assert [name for name, key in keys if not key["description"]] == []


def test_schema_is_that_of_the_study() -> None:
    written = (ROOT / "workflow" / "schemas" / "config.schema.json").read_text()
    expected = json.dumps(Study.model_json_schema(), indent=2) + "\n"
    assert written == expected, "run: python scripts/write_schema.py"


def test_comments_are_the_descriptions() -> None:
    assert with_comments(TEXT) == TEXT, "run: python scripts/write_schema.py"


@pytest.mark.parametrize(
    "before, after",
    [
        ("# Principal components at most.", "# Some components."),
        ("  # First and last rank of the power-law fit, counted from 1.\n", ""),
        ("# Draws the projections.", "# Draws them.\n  # And more."),
    ],
    ids=["another", "missing", "too many"],
)
def test_another_comment_is_mended(before: str, after: str) -> None:
    assert TEXT.count(before) == 1
    assert with_comments(TEXT.replace(before, after)) == TEXT


def test_keys_stand_in_the_order_of_the_models() -> None:
    for section, config in sections(load_study(CONFIG), CONFIG):
        assert list(config) == [name for name in type(section).model_fields if name in config]


def test_defaults_are_the_values_of_the_file() -> None:
    """Of keys that repeat, where they stand first; an empty default, or
    a value for each model, says that there is none. Seeds may be any."""
    first: dict[tuple[type[BaseModel], str], Any] = {}
    for section, config in sections(load_study(CONFIG), CONFIG):
        for name in config:
            first.setdefault((type(section), name), getattr(section, name))
    differ = {}
    for (model, name), value in first.items():
        field = model.model_fields[name]
        default = field.default
        empty = field.is_required() or default in (None, (), {}) or isinstance(value, dict)
        empty |= name == "seed"
        if not (empty or isinstance(value, BaseModel) or default == value):
            differ[model.__name__, name] = default, value
    assert differ == {}
    assert len(first) > 150


@pytest.mark.parametrize("modules", OPTIONS)
def test_options_of_functions_have_the_values_of_the_file(modules: str) -> None:
    section = CONFIG
    for key in OPTIONS[modules].split("."):
        section = section[key]
    compared = set()
    for file in sorted((ROOT / "scripts/codespectra").glob(modules)):
        for function in ast.walk(ast.parse(file.read_text())):
            if not isinstance(function, ast.FunctionDef) or function.name.startswith("_"):
                continue
            options = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
            for name, default in ((option.arg, default) for option, default in options):
                if default is not None and name in section:
                    compared.add(name)
                    value = json.loads(json.dumps(ast.literal_eval(default)))
                    assert value == section[name], f"{function.name} of {file}: {name}"
    assert {"starts", "seed"} <= compared or {"ranks", "resamples", "solver"} <= compared


def test_keys_that_the_library_names_exist() -> None:
    known = {
        name: {*type(section).model_fields}
        for name, section in load_study(CONFIG)
        if isinstance(section, BaseModel)
    }
    named = [
        (section, key)
        for file in (ROOT / "scripts").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for section, key in re.findall(r"(?<![\w./])(\w+)\.((?!html\b)[a-z_]\w*)", node.value)
        if section in known
    ]
    assert len(named) > 50
    assert {found for found in named if found[1] not in known[found[0]]} == set()
