"""Rule import_checkpoint: a foreign checkpoint, checked against its architecture."""

from codespectra import job, store
from codespectra.checkpoints import load_weights, read_state_dict, write_checkpoint
from codespectra.models import build

job.start(snakemake.log[0])
model = snakemake.params.cfg["model"]
source = snakemake.input.source
network = build(model["architecture"], model["classes"])
load_weights(network, read_state_dict(source, snakemake.params.cfg["sha256"]), source)
description = model | {"source_sha256": store.file_digest(source)}
write_checkpoint(snakemake.output.checkpoint, network, description, metrics={})
