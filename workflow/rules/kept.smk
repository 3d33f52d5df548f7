"""A job that is asked for by force computes everything, whatever its last run has left."""

import logging

from snakemake.logging import logger
from snakemake_interface_logger_plugins.common import LogEvent

from codespectra.files.second_names import forget_kept


class ForcedForgets(logging.Handler):
    """Forgets what forced jobs kept. It's a handler, since a module has no `onstart` of its own."""

    def emit(self, record):
        """Once, under the table of jobs of a run; not of a dry run, nor of a job's own process."""
        runs = getattr(record, "event", None) == LogEvent.RUN_INFO
        if runs and workflow.is_main_process and not workflow.dryrun:
            for job in filter(is_forced, workflow.dag.needrun_jobs()):
                forget_kept(job.output)


def is_forced(job):
    """Whether the user asks for it, by its rule or its files.

    Snakemake's reasons don't tell it of a job that follows from another, and files of jobs that
    were interrupted are forced, too.
    """
    dag = workflow.dag
    named = not dag.forcefiles.isdisjoint(job.output)
    interrupted = workflow.async_run(workflow.persistence.incomplete(job))
    return job.rule in dag.forcerules or (named and not interrupted)


# One alone, though a module's files are read again for each `use rule`.
logger.handlers = [h for h in logger.handlers if type(h).__name__ != "ForcedForgets"]
logger.addHandler(ForcedForgets())
