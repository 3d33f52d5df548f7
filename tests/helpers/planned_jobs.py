"""The jobs that Snakemake plans for a study, in one process and without running any."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from forked import in_fork
from project import MINI, Project


@dataclass(frozen=True)
class Planned:
    """A job of a plan.

    Attributes:
        params: as Snakemake keeps and compares them.
        follows: the jobs that make it run when they run: of which it takes a file not as ancient.
    """

    rule: str
    params: frozenset[str]
    inputs: frozenset[str]
    follows: frozenset[str] = field(compare=False)


Plan = dict[str, Planned]


@contextmanager
def parsed(folder: Path, study: str, **settings: Any) -> Iterator[Any]:
    """Snakemake's view of a folder's workflow on a study, with this folder to work in.

    To be used in a fork: what it loads stays loaded.
    """
    from snakemake.api import SnakemakeApi
    from snakemake.settings.enums import Quietness
    from snakemake.settings.types import ConfigSettings, OutputSettings, ResourceSettings

    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL}, dryrun=True)) as api:
        yield api.workflow(
            snakefile=folder / "Snakefile",
            workdir=Path.cwd(),
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(configfiles=[folder / study]),
            **settings,
        )


@contextmanager
def opened(study: str, **settings: Any) -> Iterator[Any]:
    """Snakemake's workflow in this folder with the jobs of a study's target `everything`."""
    from snakemake.settings.types import DAGSettings

    with parsed(Path.cwd(), study, **settings) as flow:
        flow.dag(DAGSettings(targets={"everything"})).printrulegraph()
        yield flow._workflow


def plan_of(workflow: Any) -> Plan:
    """The jobs by their first output, each after those that it follows."""
    dag, records = workflow.dag, workflow.persistence

    def name(job: Any) -> str:
        return str(job.output[0]) if job.output else job.rule.name

    def planned(job: Any) -> Planned:
        before = dag.dependencies[job].items()
        follows = {name(one) for one, files in before if not all(f.is_ancient for f in files)}
        inputs = frozenset(map(str, job.input))
        return Planned(job.rule.name, frozenset(records._params(job)), inputs, frozenset(follows))

    return {name(job): planned(job) for level in dag.toposorted() for job in level}


def plans(
    project: Project, configs: dict[str, dict[str, Any]], done: dict[str, Any]
) -> dict[str, Plan]:
    """Plan of each config, where the captures of the study `done` stand."""
    return in_fork(_plans, project.folder, configs, done)


def _plans(configs: dict[str, dict[str, Any]], done: dict[str, Any]) -> dict[str, Plan]:
    _parse_once()
    Path("planned.json").write_text(json.dumps(done))
    with opened("planned.json") as workflow:
        let_stand([job for job in workflow.dag.jobs if hasattr(job.params, "holds")])
    found = {}
    for name, config in configs.items():
        Path("planned.json").write_text(json.dumps(config))
        with opened("planned.json") as workflow:
            found[name] = plan_of(workflow)
    return found


def let_stand(captures: list[Any]) -> None:
    """Write what a plan looks for of activations files: they themselves, and their manifests."""
    from codespectra.files.manifests import write_manifest

    for job in captures:
        data, manifest = map(Path, job.output)
        data.parent.mkdir(parents=True, exist_ok=True)
        data.touch()
        write_manifest(manifest, {"holds": job.params.holds, "origin": job.params.origin})


def _parse_once() -> None:
    """Let Snakemake translate a rule file, and look up a package's version, only once."""
    from importlib import metadata

    from snakemake import workflow

    parse, parsed = workflow.parse, {}

    def remembered(file: Any, *arguments: Any, rulecount: int, **more: Any) -> Any:
        key = file.get_path_or_uri(secret_free=True), rulecount
        if key not in parsed:
            parsed[key] = parse(file, *arguments, rulecount=rulecount, **more)
        return parsed[key]

    workflow.parse, metadata.version = remembered, cache(metadata.version)


def cache_keys(project: Project, study: str = MINI, **versions: str) -> dict[str, str]:
    """Key of every job whose results --cache shares, by its rule and first output.

    Args:
        versions: of packages, in place of those that are installed.
    """
    return in_fork(_cache_keys, project.folder, study, versions)


def _cache_keys(study: str, versions: dict[str, str]) -> dict[str, str]:
    from importlib import metadata

    from snakemake.caching.hash import ProvenanceHashMap
    from snakemake.settings.types import WorkflowSettings

    # Where shared results would lie; nothing is fetched or stored here.
    os.environ["SNAKEMAKE_OUTPUT_CACHE"] = str(Path.cwd())
    installed = metadata.version
    metadata.version = lambda name: versions.get(name) or installed(name)
    with opened(study, workflow_settings=WorkflowSettings(cache=[])) as workflow:
        keys, jobs = ProvenanceHashMap(), [j for j in workflow.dag.jobs if j.rule.cache.output]
        return {
            f"{job.rule.name} {job.output[0]}": asyncio.run(keys.get_provenance_hash(job))
            for job in jobs
        }


def unasked_outputs(project: Project) -> set[tuple[str, str]]:
    """Rules and names of their outputs that no job and no target of the study takes."""
    return in_fork(_unasked_outputs, project.folder)


def _unasked_outputs() -> set[tuple[str, str]]:
    with opened(MINI) as workflow:
        jobs = [*workflow.dag.jobs]
        asked = {str(file) for job in jobs for file in job.input}
        outputs = {
            (job.rule.name, name, str(file))
            for job in jobs
            for name, item in job.output.items()
            for file in ([item] if isinstance(item, str) else item)
        }
    taken = {(rule, name) for rule, name, file in outputs if file in asked}
    return {(rule, name) for rule, name, _ in outputs} - taken


def rules_following(project: Project, study: str, files: list[Path]) -> dict[Path, tuple[set, set]]:
    """For each file of the copy, which scripts' params change with its content, and which follow.

    The files are put back with their dates.
    """
    return in_fork(_rules_following, project.folder, study, files)


def _rules_following(study: str, files: list[Path]) -> dict[Path, tuple[set, set]]:
    _parse_once()

    def plan() -> Plan:
        with opened(study) as workflow:
            return plan_of(workflow)

    before, found = plan(), {}
    for file in files:
        content, date = file.read_bytes(), file.stat().st_mtime_ns
        file.write_bytes(content + b"\n")
        now = plan()
        file.write_bytes(content)
        os.utime(file, ns=(date, date))
        running = {name for name, job in now.items() if job != before.get(name)}
        first = {now[name].rule for name in running}
        for name, job in now.items():
            if job.follows & running:
                running.add(name)
        found[file] = first, {now[name].rule for name in running}
    return found


def rules_reaching(project: Project, modules: list[str]) -> dict[str, set[str]]:
    """For each library module, the rules whose params change when it is edited."""
    return in_fork(_rules_reaching, project.folder, modules)


def _rules_reaching(modules: list[str]) -> dict[str, set[str]]:
    sys.path.insert(0, str(Path("scripts").absolute()))
    from codespectra.jobs import code_digest as code

    digest_of, asked = code.code_digest, {}

    def noted(*arguments: Any) -> str:
        asked[arguments] = digest_of(*arguments)
        return asked[arguments]

    code.code_digest = noted
    with opened(MINI) as workflow:
        said = {(job.rule, param) for job in plan_of(workflow).values() for param in job.params}
    rules = {digest: {rule for rule, param in said if digest in param} for digest in asked.values()}
    found = {}
    for module in modules:
        with edited(Path("scripts/codespectra", module)):
            code._facts.cache_clear()  # but not `_imports`: what is added imports nothing
            digest_of.cache_clear()
            now = {arguments: digest_of(*arguments) for arguments in asked}
        differing = [
            rules[before] for arguments, before in asked.items() if now[arguments] != before
        ]
        found[module] = set().union(*differing)
    return found


@contextmanager
def edited(file: Path) -> Iterator[None]:
    """A module with one function more for a while, its date new."""
    before = file.read_text()
    try:
        file.write_text(f"{before}\n\ndef added(value):\n    return value + 1\n")
        yield
    finally:
        file.write_text(before)


def job_counts(project: Project, targets: dict[str, set[str]]) -> list[int]:
    """How many jobs the targets of each study have, none of which has run."""
    return in_fork(_job_counts, project.folder, targets)


def _job_counts(targets: dict[str, set[str]]) -> list[int]:
    from snakemake.settings.types import DAGSettings

    counts = []
    for study, named in targets.items():
        with parsed(Path.cwd(), study) as flow:
            flow.dag(DAGSettings(targets=named)).printrulegraph()
            counts.append(len([*flow._workflow.dag.jobs]))
    return counts
