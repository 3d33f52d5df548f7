"""Rules as Snakemake has parsed them, and what their scripts import."""

import ast
import sys
from dataclasses import dataclass
from typing import Any

from forked import in_fork
from planned_jobs import opened
from project import MINI, SCRIPTS, Project

from codespectra.jobs.code_digest import reached_modules

PACKAGES = {
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "huggingface_hub": "huggingface-hub",
}


@dataclass(frozen=True)
class ParsedRule:
    """What a rule asks for, at its first attempt, and whose results it may share.

    Attributes:
        script: None of a target.
        cache: whether --cache shares its results.
        software: the packages whose versions its params hold.
    """

    name: str
    script: str | None
    mem_mb: int | None
    runtime: int | None
    gpu: bool
    cache: bool
    software: frozenset[str]


def parsed_rules(project: Project) -> dict[str, ParsedRule]:
    """All rules of a working copy by name."""
    return in_fork(_parsed_rules, project.folder)


def _parsed_rules() -> dict[str, ParsedRule]:
    from snakemake.settings.types import WorkflowSettings

    with opened(MINI, workflow_settings=WorkflowSettings(cache=[])) as workflow:
        return {rule.name: _facts(rule) for rule in workflow.rules}


def _facts(rule: Any) -> ParsedRule:
    def asked(resource: str) -> int | None:
        return rule.resources[resource].evaluate(None, attempt=1).value if rule.script else None

    software = dict(rule.params._allitems()).get("software", {})
    return ParsedRule(
        rule.name,
        rule.script,
        asked("mem_mb"),
        asked("runtime"),
        "gpu" in rule.resources,
        bool(rule.cache.output),
        frozenset(software),
    )


def packages_of(name: str) -> set[str]:
    """Packages that a rule's script imports, itself or by the modules that it reaches."""
    script = SCRIPTS / f"{name}.py"
    files = [script, *reached_modules(script)]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    modules = {a.name for node in nodes if isinstance(node, ast.Import) for a in node.names}
    modules |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    tops = {module.split(".")[0] for module in modules} - sys.stdlib_module_names - {"codespectra"}
    return {PACKAGES.get(top, top) for top in tops}
