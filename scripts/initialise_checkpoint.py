"""Rule initialise_checkpoint: an untrained network, for the controls."""

import torch

from codespectra.jobs.start import start_job
from codespectra.models.architectures import build
from codespectra.models.checkpoints import write_checkpoint

start_job(snakemake.log[0])
model, seed = snakemake.params.cfg["model"], snakemake.params.cfg["seed"]
torch.manual_seed(seed)
network = build(model["architecture"], model["classes"])
write_checkpoint(snakemake.output.checkpoint, network, model | {"seed": seed}, metrics={})
