"""Plans of studies, checked as they are before any job starts."""

from typing import Any

from project import REMEMBERED, ROOT

from codespectra.errors import UserError
from codespectra.study.plan import Plan, make_plan
from codespectra.study.remembered import (
    cached_classes,
    cached_language_layers,
    cached_layers,
    cached_recorded,
)
from codespectra.study.sections.study import load_study

MEMORY = ROOT / REMEMBERED
LAYERS, CLASSES = cached_layers(MEMORY), cached_classes(MEMORY)


def checked_plan(config: dict[str, Any]) -> Plan:
    """What a study plans."""
    language, recorded = cached_language_layers(MEMORY), cached_recorded(MEMORY)
    return make_plan(load_study(config), LAYERS, CLASSES, language, recorded)


def mistakes(config: dict[str, Any]) -> list[str]:
    """The lines in which a study's mistakes are told."""
    try:
        checked_plan(config)
    except UserError as error:
        return str(error).splitlines()
    return []
