"""Rule map_directions: where on its most exciting images each direction responds, as shards."""

from pathlib import Path

from codespectra.atlas.grids import grid_of
from codespectra.atlas.maps import Places, Shown, fill_maps, four_bits
from codespectra.atlas.responses import SHOWN
from codespectra.atlas.shards import write_folder_manifest, write_shard
from codespectra.data.stimulus_file import open_stimuli
from codespectra.directions.directions import read_methods
from codespectra.jobs.start import start_job
from codespectra.models.layer_inputs import named_layers
from codespectra.models.open_network import open_subject
from codespectra.statistics.ranking import top_stimuli

log = start_job(snakemake.log[0])
cfg, runtime = snakemake.params.cfg, snakemake.config["runtime"]
folder = Path(snakemake.output.shards)
folder.mkdir(parents=True, exist_ok=True)
subject = open_subject(
    snakemake.input.checkpoint_manifest, snakemake.input.stimuli_manifest, runtime["device"]
)
layers = {layer["name"]: layer for layer in named_layers(cfg["layers"], subject.layers)}
grids = {name: grid_of(layer, cfg["reduction"]) for name, layer in layers.items()}
places = [Places(layers[name], grid) for name, grid in grids.items() if grid]
paths = dict(zip(cfg["methods"], snakemake.input.directions, strict=True))
shown = {}
for item in places:
    name = item.layer["name"]
    shown[name] = [
        Shown(
            found.vectors,
            top_stimuli(found.responses, min(SHOWN, len(found.responses))),
            item.grid,
        )
        for found in read_methods(paths, [name])[name].values()
    ]
with open_stimuli(snakemake.input.stimuli) as file:
    fill_maps(
        *(subject.network, subject.preprocess, file["images"], shown, places),
        batch=runtime["batch"],
    )
for name, own in shown.items():
    for number, one in enumerate(own):
        key = f"{cfg['layers'].index(name)}-{number}"
        content = {"grid": list(one.grid), **four_bits(one.maps)}
        where = f"maps/{cfg['model']}/{cfg['stimuli']}"
        write_shard(folder / f"{key}.js", f"{where}/{key}", content)
side, resize = subject.preprocess.side, subject.preprocess.resize
covers = side / resize if side and resize else 1  # of the image's side, what the network sees
write_folder_manifest(
    snakemake.output.manifest,
    folder,
    layers=[cfg["layers"].index(name) for name in shown],
    covers=covers,
)
log.info("maps of %d layers: %s", len(shown), {name: grids[name] for name in shown})
