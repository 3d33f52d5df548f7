"""Rule describe_directions: what the atlas shows of every direction of a run, as shards."""

from pathlib import Path

from codespectra.atlas.measures import STATES, index_columns, other_measures
from codespectra.atlas.neighbours import loadings, nearest
from codespectra.atlas.responses import Labels, describe_responses
from codespectra.atlas.shards import write_folder_manifest, write_shard
from codespectra.data.stimulus_file import open_stimuli
from codespectra.directions.directions import read_methods
from codespectra.files.csv_tables import read_csv
from codespectra.files.manifests import read_manifest
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job

# Images that stand for a direction in tables.
FIRST = 3
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
    """Manifests of what the shards are made of, by name."""
    directions = zip(cfg["methods"], snakemake.input.directions_manifests, strict=True)
    return {"images": snakemake.input.stimuli_manifest, **dict(directions)}


blocks = []
for depth, layer in enumerate(progress(cfg["layers"])):
    methods = read_methods(paths, [layer])[layer]
    described = {name: describe_responses(found, labels) for name, found in methods.items()}
    near = nearest(methods, {name: own["top"][:, : cfg["m"]] for name, own in described.items()})
    for number, (method, found) in enumerate(methods.items()):
        own, count = described[method], len(found.vectors)
        key = f"{run}/{depth}-{number}"
        detail = own | near[method] | ({} if method == "neurons" else loadings(found))
        active = detail.pop("active")
        write_shard(folder / f"{depth}-{number}.js", f"runs/{key}", detail)
        rows = scores[(scores["layer"] == layer) & (scores["method"] == method)]
        blocks.append(
            {
                "layer": depth,
                "method": number,
                "count": count,
                "two_sided": found.two_sided,
                "active": active,
                "first": own["top"][:, :FIRST],
                "highest": found.responses.max(axis=0),
                "measures": other_measures(tables, layer, method, count),
                **({"favourite": own["classes"][:, 0]} if labels else {}),
                **({"selectivity": own["class_means"][:, 0]} if labels else {}),
                **index_columns(rows, count),
            }
        )
content = {
    **{name: cfg[name] for name in ("model", "stimuli", "reduction", "m", "normalisation")},
    "weights": scores["weights"].iloc[0],
    "layers": cfg["layers"],
    "methods": cfg["methods"],
    "states": STATES,
    "blocks": blocks,
}
write_shard(folder / "run.js", f"runs/{run}/run", content)
count = sum(block["count"] for block in blocks)
told = {name: content[name] for name in ("model", "stimuli", "weights", "layers", "methods")}
metrics = list(scores["metric"].unique())
digests = {name: read_manifest(file)["sha256"] for name, file in made_of().items()}
write_folder_manifest(
    snakemake.output.manifest, folder, **told, metrics=metrics, directions=count, made_of=digests
)
log.info("%d directions in %d shards", count, len(blocks))
