"""Rule embed_stimuli: each image's perceptual embedding, once for every score that needs it."""

from pathlib import Path

from codespectra.files.hdf5_files import hdf5_digest
from codespectra.files.manifests import read_manifest, write_manifest
from codespectra.interpretability.embedding_file import embed_images
from codespectra.interpretability.lpips_embedding import backbone_of
from codespectra.jobs.device import resolve_device
from codespectra.jobs.start import start_job
from codespectra.models.checkpoints import load_checkpoint

start_job(snakemake.log[0])
cfg = snakemake.params.cfg["backbone"]
device = resolve_device(snakemake.config["runtime"]["device"])
checkpoint = load_checkpoint(snakemake.input.checkpoint_manifest)
backbone = backbone_of(cfg, checkpoint.network, checkpoint.description["preprocessing"], device)
kept = embed_images(
    snakemake.output,
    snakemake.params,
    snakemake.input.stimuli,
    backbone.embed,
    batch=snakemake.config["runtime"]["batch"],
    weights=checkpoint.description["sha256"],
)
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
kept.keep()
