"""Records of jobs that Snakemake has lost, as when .snakemake was deleted, from what results tell.

With them it compares params and inputs as ever, and runs again what has changed since.
"""

import zlib

from snakemake.persistence import RECORD_FORMAT_VERSION, MetadataRecord
from snakemake.persistence.file import FilePersistence
from snakemake.settings.enums import PersistenceBackend

from codespectra.jobs.results_tell import forgotten_jobs


def restore_records(root):
    """Write a record for each output whose job is told by a note and not by Snakemake."""
    records, restored = FilePersistence(nolock=True), set()

    def is_known(file):
        return file in restored or records.metadata(IOFile(file)) is not None

    for job in forgotten_jobs(root, is_known, besides=("answers", "benchmarks", "logs")):
        for file in filter(os.path.exists, {*job["output"]} - restored):
            made = os.path.getmtime(file)
            told = {
                "rule": job["rule"],
                "params": job["params"],
                "input": job.get("input"),
                "record_format_version": RECORD_FORMAT_VERSION,
                "job_hash": zlib.crc32("\n".join(job["output"]).encode()),
                "starttime": made,
                "endtime": made,
            }
            records._write_record(file, MetadataRecord(**told))
            restored.add(file)
    if restored:
        logger.info(f".snakemake knew nothing of {len(restored)} results: read from their notes")


# Where a module's prefix has put the results.
RESULTS = Path(str(rules.judge_claims.output.claims)).parent
if (
    workflow.is_main_process
    and workflow.workflow_settings.persistence_backend == PersistenceBackend.FILE
):
    try:
        restore_records(RESULTS)
    except OSError as error:
        logger.warning(f"Whether params have changed isn't known for all results: {error}")
