"""Rule capture_text_shard: layers of every part at every token of one share of the sequences."""

import sys

from codespectra.capture.gather_shards import shard_manifest
from codespectra.capture.shard import Shard
from codespectra.capture.text_job import open_capture
from codespectra.files.manifests import is_finished, write_manifest
from codespectra.files.one_writer import only_writer
from codespectra.jobs.start import start_job

log = start_job(snakemake.log[0])
cfg, runtime = snakemake.params.cfg, snakemake.config["runtime"]
data = snakemake.output.data
work = open_capture(
    cfg,
    snakemake.params.code,
    snakemake.input.checkpoint_manifest,
    snakemake.input.text,
    snakemake.input.text_manifest,
    runtime["device"],
)
with only_writer(data):
    if is_finished(snakemake.output.manifest, work.identity):
        log.info("finished by another process")
        sys.exit()
    shard = Shard(cfg["shard"], cfg["shards"])
    written = work.run(data, batch=runtime["sequences"], shard=shard)
    write_manifest(snakemake.output.manifest, shard_manifest(data, work.identity, written))
