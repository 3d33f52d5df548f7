"""Rule import_embeddings: a file's embeddings of a set's images, as other backbones write them."""

from pathlib import Path

from codespectra.capture.recorded_rows import ShownStimuli
from codespectra.errors import UserError
from codespectra.files.hdf5_files import hdf5_digest
from codespectra.files.manifests import read_manifest, write_manifest
from codespectra.interpretability.embedding_file import write_embeddings
from codespectra.interpretability.given_embeddings import embeddings_of, rows_of_images
from codespectra.jobs.start import start_job
from codespectra.sources.recorded_source import open_recorded

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
shown = read_manifest(snakemake.input.stimuli_manifest)
images = ShownStimuli(cfg["stimuli"], shown["count"], shown.get("stimulus_ids"))
# Where the files lie changes no number.
section = snakemake.config["backbones"][cfg["name"]]["sets"][cfg["stimuli"]]
path, table = (section.get(key) and Path(section[key]).expanduser() for key in ("file", "table"))
try:
    with open_recorded(path, cfg["options"], table) as source:
        shapes = {name: array.shape for name, array in source.layers.items()}
        rows, remarks = rows_of_images(shapes, source.ids, source.repeats, cfg["rows"], images)
        remarks = [*source.remarks, *remarks]
        log.info("%s (%s): %s", path, source.format, "; ".join(remarks))
        batches = embeddings_of(source, rows, cfg["distance"])
        write_embeddings(snakemake.output.data, len(rows), batches)
except UserError as error:
    key = f"backbones.{cfg['name']}.sets.{cfg['stimuli']}"
    raise UserError(f"{key}: {path}: {error}") from error
write_manifest(
    snakemake.output.manifest,
    {
        "file": Path(snakemake.output.data).name,
        "sha256": hdf5_digest(snakemake.output.data),
        "kind": "embeddings",
        "contents_sha256": snakemake.params.files,
        "format": source.format,
        "distance": cfg["distance"],
        "remarks": remarks,
        "stimuli_sha256": shown["sha256"],
    },
)
