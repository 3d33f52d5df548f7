"""Rule capture_activations: every wanted layer and reduction from one pass over the stimuli.

The pass is its own, or was made by the jobs of `capture_shard`, whose files it gathers.
"""

import sys

from codespectra.capture.gather_shards import correct_in, differences_in, gather
from codespectra.capture.image_job import open_capture
from codespectra.files.manifests import is_finished, write_manifest
from codespectra.files.one_writer import only_writer
from codespectra.jobs.start import start_job

log = start_job(snakemake.log[0])
cfg, runtime = snakemake.params.cfg, snakemake.config["runtime"]
shards, data = snakemake.input.shards, snakemake.output.data
work = open_capture(
    cfg,
    snakemake.params.code,
    snakemake.input.checkpoint_manifest,
    snakemake.input.stimuli_manifest,
    "cpu" if shards else runtime["device"],
)
with only_writer(data):
    if is_finished(snakemake.output.manifest, work.identity):
        log.info("finished by another process")
        sys.exit()
    if shards:
        manifests = snakemake.input.shard_manifests
        correct = correct_in(manifests)
        work.accuracy(correct)
        written = gather(data, work.layout, shards, correct, differences_in(manifests))
    else:
        written = work.run(
            data, snakemake.input.stimuli, batch=runtime["batch"], accept=work.accuracy
        )
    log.info("accuracy on %s: %s", cfg["stimuli"], work.accuracy(written.correct))
    piece = {name: snakemake.params[name] for name in ("origin", "holds")}
    write_manifest(snakemake.output.manifest, work.manifest(data, written) | piece)
    work.keep(data, written)
