"""Rule capture_shard: every wanted layer and reduction of one share of the stimuli."""

import sys

from codespectra.capture.gather_shards import shard_manifest
from codespectra.capture.image_job import open_capture
from codespectra.capture.shard import Shard
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
    snakemake.input.stimuli_manifest,
    runtime["device"],
)
with only_writer(data):
    if is_finished(snakemake.output.manifest, work.identity):
        log.info("finished by another process")
        sys.exit()
    shard = Shard(cfg["shard"], cfg["shards"])
    written = work.run(data, snakemake.input.stimuli, batch=runtime["batch"], shard=shard)
    manifest = shard_manifest(data, work.identity, written)
    write_manifest(snakemake.output.manifest, manifest)
