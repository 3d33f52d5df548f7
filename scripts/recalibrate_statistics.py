"""Rule recalibrate_statistics: the same weights, BatchNorm statistics with dropout off."""

import torch

from codespectra.data.preprocessing import Preprocess
from codespectra.data.stimulus_file import open_stimuli
from codespectra.jobs.device import resolve_device
from codespectra.jobs.start import start_job
from codespectra.models.checkpoints import load_checkpoint, write_checkpoint
from codespectra.training.batchnorm import recalibrate
from codespectra.training.vae import evaluate

log = start_job(snakemake.log[0])
model = snakemake.params.cfg["model"]
device = resolve_device(snakemake.config["runtime"]["device"])
trained = load_checkpoint(snakemake.input.checkpoint_manifest)
network = trained.network.to(device)
preprocess = Preprocess(model["preprocessing"], device)
with open_stimuli(snakemake.input.train) as file:
    recalibrate(network, preprocess, torch.from_numpy(file["images"][:]))
with open_stimuli(snakemake.input.test) as file:
    metrics = evaluate(network, preprocess, torch.from_numpy(file["images"][:]))
log.info("as trained: %s; recalibrated: %s", trained.description["metrics"], metrics)
description = model | {"recalibrated_from": trained.description["sha256"]}
write_checkpoint(snakemake.output.checkpoint, network, description, metrics)
