"""Under the table of jobs, of a run and of a dry run: which stages run again, and why; for how long.

And which results stand of which nobody knows what made them. After a run: what ran.
"""

import glob
import logging
import re

from snakemake.common import NOTHING_TO_BE_DONE_MSG
from snakemake.io import strip_wildcard_constraints
from snakemake.logging import logger
from snakemake_interface_logger_plugins.common import LogEvent

from codespectra.files.kept_results import kept_axes
from codespectra.jobs.expected_time import Timed, expected_time
from codespectra.jobs.growth import Standing
from codespectra.jobs.rerun_causes import (
    NEW,
    Rerun,
    changed_contents,
    changed_inputs,
    changed_params,
    growth_of_params,
    item_name,
    lines_of_reruns,
    missing_outputs,
    untold_results,
)
from codespectra.jobs.what_ran import Ran, lines_of_what_ran


class RerunsInWords(logging.Handler):
    """Says them after each table. It's a handler, since a dry run has no `onstart`."""

    def __init__(self):
        super().__init__()
        self.words, self.jobs = None, []

    def emit(self, record):
        """Never break a run: what can't be explained is a warning."""
        event = getattr(record, "event", None)
        if event == LogEvent.RUN_INFO or record.msg == NOTHING_TO_BE_DONE_MSG:
            try:
                self.say(runs=event == LogEvent.RUN_INFO)
            except Exception as error:
                logger.warning(f"Can't say why stages run again: {error!r}")

    def say(self, runs):
        """Say it; a dry run has two tables of the same jobs."""
        if self.words is None:
            self.jobs = jobs_that_run() if runs else []
            found = [line for tell in TOLD for line in tell(self.jobs)] if self.jobs else []
            self.words = found, untold_results(results_without_record())
            for swallowed in swallowed_targets():
                logger.warning(swallowed)
        lines, untold = self.words
        if untold:
            logger.warning(untold)
        if lines:
            logger.info("\n    ".join(["What runs, and why:", *lines]) + "\n")


def swallowed_targets():
    """Targets that an option before them has taken for its own, so that the default runs too."""
    options = {
        "--forcerun": workflow.dag_settings.forcerun,
        "--until": workflow.dag_settings.until,
        "--omit-from": workflow.dag_settings.omit_from,
    }
    targets = {rule.name for rule in workflow.rules if rule.norun}
    for option, values in options.items():
        for name in () if workflow.dag_settings.targets else sorted(targets & {*values}):
            yield (
                f"{option} has taken {name} for itself, and the default target runs too; "
                f"put targets before options: snakemake {name} {option} ..."
            )


def jobs_that_run():
    """All jobs that run, each after those that it waits for; targets aren't counted."""
    needed = set(workflow.dag.needrun_jobs(exclude_finished=False))
    return [
        job
        for level in workflow.dag.toposorted(needed)
        for job in sorted(level, key=lambda job: (job.rule.name, *map(str, job.output)))
        if not job.is_norun
    ]


def waiting(jobs):
    """For each of them the positions of those that it waits for."""
    place = {job: at for at, job in enumerate(jobs)}
    depends = workflow.dag.dependencies
    return [tuple(sorted(place[d] for d in depends[job] if d in place)) for job in jobs]


def why(jobs):
    """Which stages run, and why."""
    causes = {job: tuple(causes_of(job)) for job in jobs}
    growths = {job: own_growth_of(job, causes[job]) for job in jobs if causes[job] != (NEW,)}
    staying = [
        job for job in workflow.dag.jobs if growths.get(job) or not workflow.dag.needrun(job)
    ]
    standing = standing_beside({job.rule.name for job in jobs}, staying)
    growths |= {
        job: standing[job.rule.name].growth(place_of(job)) for job in jobs if job not in growths
    }
    return lines_of_reruns(
        [
            Rerun(job.rule.name, causes[job], after, growths[job])
            for job, after in zip(jobs, waiting(jobs))
        ]
    )


def how_long(jobs):
    """How long it will take."""
    timed = [
        Timed(job.rule.name, job.benchmark and str(job.benchmark), after)
        for job, after in zip(jobs, waiting(jobs))
    ]
    alike = {rule.name: benchmarks_of(rule) for rule in {job.rule for job in jobs}}
    return expected_time(timed, alike, workflow.cores if workflow.local_exec else None)


def benchmarks_of(rule):
    """The benchmarks of all jobs of a rule that ever ran."""
    if not rule.benchmark:
        return []
    named = glob.escape(strip_wildcard_constraints(str(rule.benchmark)))
    return sorted(glob.glob(re.sub(r"\{\w+\}", "*", named)))


# What is told of the jobs that run: functions that give lines.
TOLD = [why, how_long]


def say_what_ran(*words):
    """After a run: its stages, and what failed; then other words."""
    jobs = IN_WORDS.jobs
    standing = sum(not job.is_norun for job in workflow.dag.jobs) - len(jobs)
    failed = workflow.scheduler.failed
    ran = [Ran(job.rule.name, seconds_of(job), job in failed) for job in jobs]
    print("\n    ".join(lines_of_what_ran(ran, standing)), *words, sep="\n")


def seconds_of(job):
    """Those that a job took, from its start to its last file; None if it hasn't ended well."""
    if not workflow.dag.finished(job):
        return None
    record = workflow.persistence.metadata(job.output[0])
    return max(0, record.endtime - record.starttime) if record else 0


def standing_beside(names, jobs):
    """By name of a rule, where its results stand: of these jobs."""
    places = {name: [] for name in names}
    for job in jobs:
        if job.rule.name in places:
            places[job.rule.name].append(place_of(job))
    return {name: Standing(found) for name, found in places.items()}


def place_of(job):
    """Names of what a job is about, by its wildcards; of a piece of a capture, what it holds."""
    place = {name: (value,) if value else () for name, value in job.wildcards_dict.items()}
    if "piece" in place:
        held = job.params.cfg.get("wanted", job.params.cfg.get("parts"))
        place["piece"] = tuple(map(item_name, held))
    return place


def results_without_record():
    """Files of jobs that don't run, of which neither Snakemake nor a note tells what made them."""
    dag, records = workflow.dag, workflow.persistence
    return [
        str(file)
        for job in dag.jobs
        if not dag.needrun(job) and "code" in job.params.keys()
        for file in job.output
        if records.metadata(file) is None
    ]


def causes_of(job):
    """Why a job runs again of itself, in words; none when it only follows from others."""
    reason, records = workflow.dag.reason(job), workflow.persistence
    missing = sorted(map(str, reason.missing_output))
    changed = sorted(map(str, reason.updated_input - reason.updated_input_run))
    if reason.forced:
        interrupted = workflow.async_run(records.incomplete(job))
        return ["interrupted the last time" if interrupted else "asked for by force"]
    if missing and not records.has_metadata(job):
        return [NEW]
    causes = params_causes(job, records) or inputs_causes(job, records)
    if missing:
        causes.append(missing_outputs(missing))
    if changed:
        causes.append(changed_contents(changed))
    if reason.software_stack_changed:
        causes.append("its software environment has changed")
    if causes or reason.updated_input_run:
        return causes
    return [str(reason)]


def own_growth_of(job, causes):
    """What a job adds to its last results, which it takes over; None if it computes all anew."""
    records, file = workflow.persistence, job.output[0]
    if not causes or causes != tuple(params_causes(job, records)):
        return None
    change = records.params_changed(job, file=file)
    if not change:
        return None
    return growth_of_params(change.only_old, change.only_new, kept_axes(file))


def params_causes(job, records):
    """Compared here again: Snakemake doesn't look at the params of a job that follows."""
    for file in job.output:
        change = records.params_changed(job, file=file)
        if change:
            name, before, now = job.rule.name, change.only_old, change.only_new
            return changed_params(name, before, now, REMEMBERED)
    return []


def inputs_causes(job, records):
    """From inputs that the job has more or less than when its outputs were made."""
    for file in job.output:
        if records.input_changed(job, file=file):
            return changed_inputs(records.input(file), [*map(str, job.input)])
    return []


# One alone, though a module's files are read again for each `use rule`.
logger.handlers = [h for h in logger.handlers if type(h).__name__ != "RerunsInWords"]
IN_WORDS = RerunsInWords()
logger.addHandler(IN_WORDS)
