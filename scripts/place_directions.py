"""Rule place_directions: where all directions of a run lie in the spectra of their layers."""

from codespectra.capture.captured import open_captured, read_layers
from codespectra.capture.manifest_layers import layer_contents
from codespectra.directions.directions import read_methods
from codespectra.directions.places import places
from codespectra.files.kept_tables import KeptTables
from codespectra.files.manifests import read_manifest
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
cfg, given = snakemake.params.cfg, snakemake.input
manifest = read_layers(given.manifests, cfg)
paths = dict(zip(cfg["methods"], given.directions, strict=True))
directed = [read_manifest(file)["digests"] for file in given.directions_manifests]
contents = layer_contents(manifest)
kept = KeptTables(
    snakemake.output,
    snakemake.params,
    ["layers"],
    {layer: [contents[layer], [method[layer] for method in directed]] for layer in cfg["layers"]},
)
with open_captured(given.data) as file:
    for layer in progress(kept.missing, desc="places"):
        found = places(
            file[f"{cfg['reduction']}/{layer}"],
            read_methods(paths, [layer])[layer],
            solver=cfg["solver"],
            seed=cfg["seed"],
        )
        kept.add(layer, places=found)
context = {"model": cfg["model"], "weights": manifest["weights"]}
context |= {name: cfg[name] for name in ("stimuli", "reduction")}
kept.write({layer: context | {"layer": layer} for layer in cfg["layers"]})
kept.keep()
