"""Rule embed_stimuli: each image's perceptual embedding, once for every score that needs it."""

from contextlib import nullcontext
from pathlib import Path

import h5py
import torch

from codespectra.data.stimulus_blocks import blocks
from codespectra.data.stimulus_file import open_stimuli
from codespectra.files.hdf5_files import create_hdf5, hdf5_digest
from codespectra.files.kept_results import KeptResults
from codespectra.files.manifests import read_manifest, write_manifest
from codespectra.files.second_names import forget_kept
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

shown = read_manifest(snakemake.input.stimuli_manifest)
parts_of_set = {f"images {x.start}-{x.stop - 1}": (x, y) for x, y in blocks(shown, batch).items()}
kept = KeptResults(
    snakemake.output,
    snakemake.params,
    [],
    {name: [upto, checkpoint.description["sha256"]] for name, (_, upto) in parts_of_set.items()},
)
if not kept.taken:
    forget_kept(snakemake.output)  # whose room the new file may need
batches = [
    (slice(start, min(start + batch, block.stop)), name in kept.taken)
    for name, (block, _) in parts_of_set.items()
    for start in block[::batch]
]

with (
    open_stimuli(snakemake.input.stimuli) as stimuli,
    h5py.File(kept.file("data")) if kept.taken else nullcontext() as last_run,
    create_hdf5(snakemake.output.data) as file,
):
    images = stimuli["images"]
    for chosen, is_taken in progress(batches):
        if is_taken:
            parts = {part: last_run[part][chosen] for part in last_run.attrs["parts"]}
        else:
            parts = backbone.embed(images[chosen])
        if chosen.start == 0:
            file.attrs["parts"] = list(parts)
            each = sum(rows[0].nbytes for rows in parts.values())
            log.info("%d bytes an image, %.3g GB in all", each, each * len(images) / 1e9)
        for part, rows in parts.items():
            shape = (len(images), rows.shape[1])
            dataset = file.require_dataset(part, shape, rows.dtype, chunks=(1, rows.shape[1]))
            dataset[chosen] = rows
write_manifest(
    snakemake.output.manifest,
    {
        "file": Path(snakemake.output.data).name,
        "sha256": hdf5_digest(snakemake.output.data),
        "kind": cfg["kind"],
        "checkpoint_sha256": checkpoint.description["sha256"],
        "stimuli_sha256": shown["sha256"],
    },
)
kept.keep()
