"""Rule embed_by_dreamsim: each image's embedding by DreamSim, from weights of a local folder."""

from pathlib import Path

from codespectra.files.hdf5_files import hdf5_digest
from codespectra.files.manifests import file_digest, read_manifest, write_manifest
from codespectra.interpretability.dreamsim_embedding import Dreamsim
from codespectra.interpretability.dreamsim_files import dreamsim_files
from codespectra.interpretability.embedding_file import embed_images
from codespectra.jobs.device import resolve_device
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
cfg = snakemake.params.cfg
# Where the files lie changes no number.
folder = Path(snakemake.config["backbones"][cfg["name"]]["folder"]).expanduser()
device = resolve_device(snakemake.config["runtime"]["device"])
backbone = Dreamsim(folder, cfg["variant"], device)
files = dreamsim_files(folder, cfg["variant"])
weights = {str(file.relative_to(folder)): file_digest(file) for file in files}
kept = embed_images(
    snakemake.output,
    snakemake.params,
    snakemake.input.stimuli,
    backbone.embed,
    batch=snakemake.config["runtime"]["batch"],
    weights=weights,
)
write_manifest(
    snakemake.output.manifest,
    {
        "file": Path(snakemake.output.data).name,
        "sha256": hdf5_digest(snakemake.output.data),
        "kind": "dreamsim",
        "variant": cfg["variant"],
        "weights_sha256": weights,
        "stimuli_sha256": read_manifest(snakemake.input.stimuli_manifest)["sha256"],
    },
)
kept.keep()
