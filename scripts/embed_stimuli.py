"""Rule embed_stimuli: each image's perceptual embedding, once for every score that needs it."""

from pathlib import Path

import torch

from codespectra.data.stimulus_file import open_stimuli
from codespectra.files.hdf5_files import create_hdf5, hdf5_digest
from codespectra.files.manifests import read_manifest, write_manifest
from codespectra.interpretability.lpips_embedding import backbone_of
from codespectra.jobs.device import resolve_device
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.models.checkpoints import load_checkpoint

log = start_job(snakemake.log[0])
torch.set_num_threads(snakemake.threads)
cfg = snakemake.params.cfg["backbone"]
batch = snakemake.config["runtime"]["batch"]
device = resolve_device(snakemake.config["runtime"]["device"])
checkpoint = load_checkpoint(snakemake.input.checkpoint_manifest)
backbone = backbone_of(cfg, checkpoint.network, checkpoint.description["preprocessing"], device)

with (
    open_stimuli(snakemake.input.stimuli) as stimuli,
    create_hdf5(snakemake.output.data) as file,
):
    images = stimuli["images"]
    for start in progress(range(0, len(images), batch)):
        parts = backbone.embed(images[start : start + batch])
        if start == 0:
            file.attrs["parts"] = list(parts)
            each = sum(rows[0].nbytes for rows in parts.values())
            log.info("%d bytes an image, %.3g GB in all", each, each * len(images) / 1e9)
        for part, rows in parts.items():
            shape = (len(images), rows.shape[1])
            dataset = file.require_dataset(part, shape, rows.dtype, chunks=(1, rows.shape[1]))
            dataset[start : start + len(rows)] = rows
write_manifest(
    snakemake.output.manifest,
    {
        "file": Path(snakemake.output.data).name,
        "sha256": hdf5_digest(snakemake.output.data),
        "kind": cfg["kind"],
        "checkpoint_sha256": checkpoint.description["sha256"],
        "stimuli_sha256": read_manifest(snakemake.input.stimuli_manifest)["sha256"],
    },
)
