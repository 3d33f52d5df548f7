"""Rule initialise_checkpoint: an untrained network, for the controls."""

import torch

from codespectra import job
from codespectra.checkpoints import write_checkpoint
from codespectra.models import build

job.start(snakemake.log[0])
model, seed = snakemake.params.cfg["model"], snakemake.params.cfg["seed"]
torch.manual_seed(seed)
network = build(model["architecture"], model["classes"])
write_checkpoint(snakemake.output.checkpoint, network, model | {"seed": seed}, metrics={})
