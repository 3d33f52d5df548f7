"""Rule initialise_language_model: an untrained language model like another, for the controls."""

from pathlib import Path

import torch

from codespectra.files.manifests import read_manifest, write_manifest
from codespectra.jobs.start import start_job
from codespectra.models.language_models import initialise, save_language_model
from codespectra.models.model_folders import describe_folder, read_config

start_job(snakemake.log[0])
cfg = snakemake.params.cfg
like = read_manifest(snakemake.input.like_manifest)
folder = Path(snakemake.output.checkpoint).parent
torch.manual_seed(cfg["seed"])
network = initialise(read_config(like["folder"]), like["objective"])
save_language_model(folder, network)
description = dict(cfg) | {"objective": like["objective"], "metrics": {}}
write_manifest(
    snakemake.output.manifest, description | describe_folder(folder, like["tokenizer_folder"])
)
