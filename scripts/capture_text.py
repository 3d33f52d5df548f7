"""Rule capture_text: layers of every part at every token of the drawn sequences, in one pass.

The pass is its own, or was made by the jobs of `capture_text_shard`, whose files it gathers.
"""

import sys

from codespectra.capture.gather_shards import differences_in, gather
from codespectra.capture.text_job import open_capture
from codespectra.files.manifests import is_finished, write_manifest
from codespectra.files.one_writer import only_writer
from codespectra.jobs.start import start_job

log = start_job(snakemake.log[0])
runtime, shards = snakemake.config["runtime"], snakemake.input.shards
data = snakemake.output.data
work = open_capture(
    snakemake.params.cfg,
    snakemake.params.code,
    snakemake.input.checkpoint_manifest,
    snakemake.input.text,
    snakemake.input.text_manifest,
    "cpu" if shards else runtime["device"],
)
with only_writer(data):
    if is_finished(snakemake.output.manifest, work.identity):
        log.info("finished by another process")
        sys.exit()
    if shards:
        far = differences_in(snakemake.input.shard_manifests)
        written = gather(data, work.layout, shards, None, far)
    else:
        written = work.run(data, batch=runtime["sequences"])
    log.info("%d tokens of %d sequences", len(work.tokens.token), len(work.cuts))
    piece = {name: snakemake.params[name] for name in ("origin", "holds")}
    write_manifest(snakemake.output.manifest, work.manifest(data, written) | piece)
