"""Rule import_checkpoint: a foreign checkpoint, checked against its architecture."""

from codespectra.files.manifests import file_digest
from codespectra.jobs.start import start_job
from codespectra.models.architectures import build
from codespectra.models.checkpoints import load_weights, read_state_dict, write_checkpoint

start_job(snakemake.log[0])
model = snakemake.params.cfg["model"]
source = snakemake.input.source
network = build(model["architecture"], model["classes"])
load_weights(network, read_state_dict(source, snakemake.params.cfg["sha256"]), source)
description = model | {"source_sha256": file_digest(source)}
write_checkpoint(snakemake.output.checkpoint, network, description, metrics={})
