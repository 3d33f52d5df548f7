"""Rule measure_coactivation: how much units are active with others, and their II, by stage."""

import pandas as pd
import torch
from tqdm import tqdm

from codespectra import job, store
from codespectra.checkpoints import load_checkpoint
from codespectra.coactivation import before_relu, coactivation, relu_of
from codespectra.device import resolve_device
from codespectra.directions import neurons
from codespectra.interpretability import Index, check_live, exciting_images, index_table
from codespectra.models import inspect_layers
from codespectra.preprocessing import Preprocess
from codespectra.score_tables import write_scores
from codespectra.similarity import ALL, read_similarities
from codespectra.stimuli import open_stimuli

log = job.start(snakemake.log[0])
torch.set_num_threads(snakemake.threads)
cfg, runtime = snakemake.params.cfg, snakemake.config["runtime"]
device = resolve_device(runtime["device"])
checkpoint = load_checkpoint(snakemake.input.checkpoint_manifest)
shown = store.read_json(snakemake.input.stimuli_manifest)
network = checkpoint.network.to(device, memory_format=torch.channels_last)
preprocess = Preprocess(checkpoint.description["preprocessing"], device)
side = preprocess.side or shown["side"]
available = [vars(layer) for layer in inspect_layers(network, side)]
layers = {layer["name"]: layer for layer in available if layer["name"] in cfg["layers"]}
relus = {
    name: (layer, relu)
    for name, layer in layers.items()
    if (relu := relu_of(layer, available)) is not None
}
with open_stimuli(snakemake.input.stimuli) as file:
    before = before_relu(
        network, preprocess, file["images"], relus, cfg["reduction"], batch=runtime["batch"]
    )
stages = {(layer, "pre"): neurons(rows) for layer, rows in before.items()}
with store.open_hdf5(snakemake.input.data) as file:
    for layer in cfg["layers"]:
        rows = file[f"{cfg['reduction']}/{layer}"][:].astype("float32")
        stages[layer, "post"] = neurons(rows)
        if layer not in before:
            log.info("%s: not the output of a ReLU, so only the stage `post`", layer)
similarities = read_similarities(
    snakemake.input.stimuli,
    dict(zip(cfg["backbones"], snakemake.input.embeddings, strict=True)),
    color=cfg["color"],
    label=cfg["label"],
    images=exciting_images(stages.values(), cfg["m"]),
)
index, tables = Index(cfg["m"], cfg["normalisation"]), []
for (layer, stage), units in tqdm(stages.items(), disable=None, leave=False):
    check_live({"neurons": units}, layer, cfg["m"])
    scores = index_table({"neurons": units}, similarities, index)
    scores = scores[scores["part"] == ALL].drop(columns=["method", "part", "sign"])
    values = coactivation(units.responses)[scores["direction"]]
    tables.append(scores.assign(layer=layer, stage=stage, coactivation=values))
table = pd.concat(tables)
table["layer"] = pd.Categorical(table["layer"], cfg["layers"])
table = table.sort_values("layer", kind="stable")
write_scores(snakemake.output.table, table, cfg, store.read_json(snakemake.input.manifest))
