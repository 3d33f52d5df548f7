"""The workflow's rules: their order, what reruns them, and the seconds that they took in a run."""

import json
import re
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What a finished run of the embedded default says: columns of figures, seconds of rules.
RUN = ROOT / "docs/gallery/run.json"


@cache
def rule_files() -> tuple[str, ...]:
    """The texts of the rules' files as they are included."""
    return tuple(_included(ROOT / "Snakefile"))


def _included(file: Path) -> list[str]:
    text = file.read_text("utf-8")
    inner = re.findall(r'^\s*include: "([^"]+)"', text, re.M)
    return [text, *(one for name in inner for one in _included(file.parent / name))]


@cache
def rules_in_order() -> list[str]:
    """Names of all rules, those first that come first in the pipeline."""
    named = r"^(?:rule|use rule \w+ as) (\w+)(?: with)?:"
    return [rule for text in rule_files() for rule in re.findall(named, text, re.M)]


@cache
def matrix() -> dict[str, frozenset[str]]:
    """The rules that a change of a key of the mini study reruns: the tests hold that they do."""
    sys.path[:0] = [str(ROOT / "tests/workflow"), str(ROOT / "tests/helpers")]
    from test_reruns import MATRIX

    return {path: frozenset(rules) for path, (_, rules) in MATRIX.items()}


def seconds_of(rules: frozenset[str]) -> str:
    """Wall seconds of all jobs of some rules in the run that the gallery shows."""
    taken = json.loads(RUN.read_text("utf-8"))["seconds"]
    return f"{sum(taken.get(rule, 0) for rule in rules):.0f}"
