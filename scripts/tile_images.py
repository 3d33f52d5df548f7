"""Rule tile_images: the images of a set as sheets of WebP, each image once, for the atlas."""

from pathlib import Path

from codespectra.atlas.shards import write_folder_manifest, write_shard
from codespectra.atlas.sheets import ACROSS, sheet_count, sheet_side, write_sheets
from codespectra.data.stimulus_file import open_stimuli
from codespectra.files.manifests import read_manifest
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
folder = Path(snakemake.output.images)
folder.mkdir(parents=True, exist_ok=True)
made = read_manifest(snakemake.input.stimuli_manifest)
with open_stimuli(snakemake.input.stimuli) as file:
    images, size = file["images"], ACROSS**2
    labels = file["labels"][:] if "labels" in file else None
    starts = progress(range(0, len(images), size), desc=cfg["stimuli"])
    write_sheets(folder, (images[start : start + size] for start in starts))
content = {
    "name": cfg["stimuli"],
    "count": made["count"],
    "side": sheet_side(made["side"]),
    "across": ACROSS,
    "sheets": sheet_count(made["count"]),
    "classes": made["classes"],
    "labels": labels,
}
write_shard(folder / "images.js", f"images/{cfg['stimuli']}", content)
write_folder_manifest(snakemake.output.manifest, folder, stimuli_sha256=made["sha256"])
log.info("%d images on %d sheets", content["count"], content["sheets"])
