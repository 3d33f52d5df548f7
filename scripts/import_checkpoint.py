"""Rule import_checkpoint: a foreign checkpoint, checked against its architecture."""

from codespectra.files.manifests import file_digest
from codespectra.jobs.start import start_job
from codespectra.models.architectures import build
from codespectra.models.checkpoints import write_checkpoint
from codespectra.models.state_dicts import load_weights, read_state_dict

start_job(snakemake.log[0])
cfg = snakemake.params.cfg
model, source = cfg["model"], snakemake.input.source
network = build(model["architecture"], model["classes"])
where = {"key": cfg["key"], "strip_prefix": cfg["strip_prefix"]}
load_weights(network, read_state_dict(source, cfg["sha256"], **where), source)
description = model | {"source_sha256": file_digest(source)}
write_checkpoint(snakemake.output.checkpoint, network, description, metrics={})
