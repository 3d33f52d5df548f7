"""Rule describe_directions: what the atlas shows of every direction of a run, as shards."""

from pathlib import Path

from codespectra.atlas.examples import examples_of, image_map
from codespectra.atlas.exports import write_parquet
from codespectra.atlas.measures import (
    STATES,
    index_columns,
    other_measures,
    part_columns,
    place_columns,
)
from codespectra.atlas.neighbours import loadings, nearest
from codespectra.atlas.responses import Labels, describe_responses, summary_of
from codespectra.atlas.shards import write_folder_manifest, write_shard
from codespectra.data.stimulus_file import open_stimuli
from codespectra.directions.directions import read_methods
from codespectra.files.csv_tables import read_csv
from codespectra.files.manifests import read_manifest
from codespectra.files.notes import note_of
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
folder = Path(snakemake.output.shards)
folder.mkdir(parents=True, exist_ok=True)
run = f"{cfg['model']}/{cfg['stimuli']}"
paths = dict(zip(cfg["methods"], snakemake.input.directions, strict=True))
tables = {name: read_csv(snakemake.input[name], name) for name in cfg["tables"]}
scores = tables["scores"]
classes = read_manifest(snakemake.input.stimuli_manifest)["classes"]
with open_stimuli(snakemake.input.stimuli) as file:
    labels = Labels(file["labels"][:], len(classes)) if "labels" in file else None


def made_of():
    """Manifests and notes of what the shards are made of, by name."""
    directions = zip(cfg["methods"], snakemake.input.directions_manifests, strict=True)
    notes = {name: note_of(snakemake.input[name]) for name in cfg["tables"]}
    return {"images": snakemake.input.stimuli_manifest, **dict(directions), **notes}


blocks = []
for depth, layer in enumerate(progress(cfg["layers"])):
    methods = read_methods(paths, [layer])[layer]
    if (places := image_map(tables, layer)) is not None:
        write_shard(folder / f"{depth}-map.js", f"runs/{run}/{depth}-map", places)
    described = {name: describe_responses(found, labels) for name, found in methods.items()}
    near = nearest(methods, {name: own["top"][:, : cfg["m"]] for name, own in described.items()})
    loaded = loadings(methods)
    for number, (method, found) in enumerate(methods.items()):
        own, count = described[method], len(found.vectors)
        rows = scores[(scores["layer"] == layer) & (scores["method"] == method)]
        blocks.append(
            {
                "layer": depth,
                "method": number,
                "two_sided": found.two_sided,
                "measures": other_measures(tables, layer, method, count),
                **place_columns(tables, layer, method, count),
                **summary_of(own),
                **index_columns(rows, count),
            }
        )
        detail = own | near[method] | loaded.get(method, {})
        detail |= examples_of(tables, layer, method, found.responses, cfg["m"])
        detail["parts"] = part_columns(rows, count)
        write_shard(folder / f"{depth}-{number}.js", f"runs/{run}/{depth}-{number}", detail)
content = {
    **{name: cfg[name] for name in ("model", "stimuli", "reduction", "m", "normalisation")},
    "weights": scores["weights"].iloc[0],
    "layers": cfg["layers"],
    "methods": cfg["methods"],
    "states": STATES,
    "blocks": blocks,
}
write_shard(folder / "run.js", f"runs/{run}/run", content)
write_parquet(snakemake.output.table, content, classes)
count = sum(block["count"] for block in blocks)
told = {name: content[name] for name in ("model", "stimuli", "weights", "layers", "methods")}
told["mapped"] = "manifold_images" in tables
metrics = list(scores["metric"].unique())
digests = {name: read_manifest(file)["sha256"] for name, file in made_of().items()}
write_folder_manifest(
    snakemake.output.manifest, folder, **told, metrics=metrics, directions=count, made_of=digests
)
log.info("%d directions in %d shards", count, len(blocks))
