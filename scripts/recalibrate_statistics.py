"""Rule recalibrate_statistics: the same weights, BatchNorm statistics with dropout off."""

import torch

from codespectra import job
from codespectra.autoencoding import evaluate
from codespectra.checkpoints import load_checkpoint, write_checkpoint
from codespectra.device import resolve_device
from codespectra.preprocessing import Preprocess
from codespectra.recalibration import recalibrate
from codespectra.stimuli import open_stimuli

log = job.start(snakemake.log[0])
torch.set_num_threads(snakemake.threads)
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
