"""Under the table of jobs, of a run and of a dry run: which stages run again, and why.

And which results stand of which nobody knows what made them.
"""

import logging

from snakemake.common import NOTHING_TO_BE_DONE_MSG
from snakemake.logging import logger
from snakemake_interface_logger_plugins.common import LogEvent

from codespectra.jobs.rerun_causes import (
    NEW,
    Rerun,
    changed_contents,
    changed_inputs,
    changed_params,
    lines_of_reruns,
    missing_outputs,
    untold_results,
)


class RerunsInWords(logging.Handler):
    """Says them after each table. It's a handler, since a dry run has no `onstart`."""

    def emit(self, record):
        """Never break a run: what can't be explained is a warning."""
        runs = getattr(record, "event", None) == LogEvent.RUN_INFO
        if not runs and record.msg != NOTHING_TO_BE_DONE_MSG:
            return
        try:
            lines = lines_of_reruns(reruns()) if runs else []
            untold = untold_results(results_without_record())
        except Exception as error:
            logger.warning(f"Can't say why stages run again: {error!r}")
            return
        if untold:
            logger.warning(untold)
        if lines:
            logger.info("\n    ".join(["What runs, and why:", *lines]) + "\n")


def reruns():
    """All jobs that run, each after those that it waits for; targets aren't counted."""
    dag = workflow.dag
    needed = set(dag.needrun_jobs(exclude_finished=False))
    working = [
        job
        for level in dag.toposorted(needed)
        for job in sorted(level, key=lambda job: (job.rule.name, *map(str, job.output)))
        if not job.is_norun
    ]
    place = {job: at for at, job in enumerate(working)}
    return [
        Rerun(
            job.rule.name,
            tuple(causes_of(job)),
            tuple(sorted(place[d] for d in dag.dependencies[job] if d in place)),
        )
        for job in working
    ]


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
logger.addHandler(RerunsInWords())
