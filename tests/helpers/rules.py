"""The workflow's rules as Snakemake itself parses them, with what they inherit."""

import ast
import os
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from forked import in_fork
from planned_jobs import parsed
from project import MINI, ROOT, share_memory

from codespectra.jobs.code_digest import reached_modules

STUDIES = {"coding", "interpretability", "language", "robustness", "theory", "pretrained", "zoo"}
TARGETS = {"main", "everything", "atlas", "tidy"} | STUDIES
# What the rules of all figures inherit; no job is made of it.
BASE = "figure"
PACKAGES = {
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "huggingface_hub": "huggingface-hub",
}


@dataclass(frozen=True)
class Rule:
    """One rule; None stands for a name that isn't there, and for what only a function tells.

    `input` has triples of name, file and whether its date doesn't count; `output` pairs of name
    and file; `resources` are of a first attempt, scripts and environments without their folder.
    """

    input: list[tuple[str | None, str | None, bool]]
    output: list[tuple[str | None, str]]
    params: dict[str, Any]
    log: list[str]
    benchmark: str | None
    resources: dict[str, Any]
    conda: str | None
    message: str | None
    script: str | None
    cache: bool


def _rules(flow: Any) -> dict[str, dict[str, Any]]:
    from snakemake.io import is_callable, is_flagged
    from snakemake.iocontainers import Namedlist

    return {
        rule.name: {
            "input": [
                (name, None if is_callable(file) else str(file), is_flagged(file, "ancient"))
                for name, item in rule.input._allitems()
                for file in (item if isinstance(item, Namedlist) else [item])
            ],
            "output": [
                (name, str(file))
                for name, item in rule.output._allitems()
                for file in (item if isinstance(item, Namedlist) else [item])
            ],
            "params": {
                name: None if callable(value) else value for name, value in rule.params.items()
            },
            "log": [str(file) for file in rule.log],
            "benchmark": rule.benchmark and str(rule.benchmark),
            "resources": {
                name: rule.resources[name].evaluate(None, attempt=1, input={}).value
                for name in ("mem_mb", "runtime", "gpu")
                if name in rule.resources
            },
            "conda": rule.conda_env and Path(rule.conda_env).name,
            "message": rule.message,
            "script": rule.script and Path(rule.script).name,
            "cache": rule.cache is not None and rule.cache.output,
        }
        for rule in flow.rules
    }


def _parse(shared: bool) -> dict[str, dict[str, Any]]:
    from snakemake.settings.types import WorkflowSettings

    os.environ["SNAKEMAKE_OUTPUT_CACHE"] = str(Path.cwd())
    settings = WorkflowSettings(cache=[] if shared else None)
    with parsed(ROOT, MINI, workflow_settings=settings) as flow:
        return _rules(flow._workflow)


@cache
def parsed_rules(*, shared: bool = False) -> dict[str, Rule]:
    """Every rule of the mini study by name; `shared`: as with --cache."""
    with tempfile.TemporaryDirectory() as place:
        share_memory(Path(place))
        found = in_fork(_parse, Path(place), shared)
    return {name: Rule(**parts) for name, parts in found.items()}


def files_of(rule: Rule) -> set[Path]:
    """A rule's script, the module of its figure, and the library modules that they reach."""
    roots = {ROOT / "scripts" / rule.script}
    if "figure" in rule.params:
        module = rule.params["figure"].split(".")[0]
        roots.add(ROOT / f"scripts/codespectra/figures/{module}.py")
    return roots.union(*map(reached_modules, roots))


@cache
def _imported(file: Path) -> set[str]:
    """Names of the packages that a file imports, its own library and Python's left out."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    modules = {a.name for node in nodes if isinstance(node, ast.Import) for a in node.names}
    modules |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    return {module.split(".")[0] for module in modules} - sys.stdlib_module_names - {"codespectra"}


def packages_of(rule: Rule) -> set[str]:
    """Packages that a rule's code imports, as they are installed."""
    names = set().union(*map(_imported, files_of(rule)))
    return {PACKAGES.get(name, name) for name in names}
