"""Rule keep_own_weights: a network with the weights that its folder or its code brings."""

from codespectra.jobs.start import start_job
from codespectra.models.architectures import build_with_weights
from codespectra.models.checkpoints import write_checkpoint

start_job(snakemake.log[0])
model = snakemake.params.cfg["model"]
network = build_with_weights(model["architecture"])
write_checkpoint(snakemake.output.checkpoint, network, model, metrics={})
