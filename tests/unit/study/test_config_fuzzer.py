"""Bad values, one by one in every place of the mini study and of what no study here has."""

from pathlib import Path
from typing import Any

import pytest
from checked_plans import mistakes
from config_fuzzer import BAD, LONG, outcome, places, unusual
from project import MINI, changed, read_config

MINI_STUDY = read_config(MINI)
NAMED = ("stimuli", "models", "backbones", "language.models", "language.parts")
BAD_NAMES = ("", "a b", "{x}", "*", "../x", "a/b", "-a", "ä", LONG, 7, 1.5, True, None)


@pytest.mark.parametrize("section", MINI_STUDY)
def test_a_bad_value_is_told_by_its_key_or_is_right(section: str) -> None:
    inside = [place for place in places(MINI_STUDY) if place[0] == section]
    cases = [
        (place, value, *outcome(MINI_STUDY, place, value)) for place in inside for value in BAD
    ]
    assert [case for case in cases if case[2] not in {"told", "right"}] == []


def test_the_same_of_sections_that_no_study_has(tmp_path: Path, monkeypatch: Any) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_MODEL"):
        monkeypatch.setenv(name, "any")
    config, inside = unusual(tmp_path)
    assert mistakes(config) == []
    cases = [(place, value, *outcome(config, place, value)) for place in inside for value in BAD]
    assert [case for case in cases if case[2] not in {"told", "right"}] == []


@pytest.mark.parametrize("section", NAMED)
@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_name_is_told_with_its_section(section: str, name: Any) -> None:
    config = changed(MINI_STUDY, {f"{section}.any": None})
    here = config
    for key in section.split("."):
        here = here[key]
    here.pop("any")
    here[name] = next(iter(here.values()))
    (line,) = mistakes(config)
    shown = 1 if name is True else name  # pydantic's own
    assert line.startswith(f"config: {section}.{shown}: ") and len(line) < 500, line
