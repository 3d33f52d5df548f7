"""Rule measure_coactivation: how much units are active with others, and their II, by stage."""

import pandas as pd
import torch

from codespectra.capture.captured import open_captured, read_layers
from codespectra.data.stimulus_file import open_stimuli
from codespectra.directions.directions import neurons
from codespectra.experiments.coactivation import before_relu, coactivation, relu_of
from codespectra.interpretability.index import Index, check_live, exciting_images, index_table
from codespectra.interpretability.parts import ALL
from codespectra.interpretability.score_table import write_scores
from codespectra.interpretability.similarity import read_similarities
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.models.layer_inputs import named_layers
from codespectra.models.open_network import open_subject

log = start_job(snakemake.log[0])
torch.set_num_threads(snakemake.threads)
cfg, runtime = snakemake.params.cfg, snakemake.config["runtime"]
subject = open_subject(
    snakemake.input.checkpoint_manifest, snakemake.input.stimuli_manifest, runtime["device"]
)
relus = {
    layer["name"]: (layer, relu)
    for layer in named_layers(cfg["layers"], subject.layers)
    if (relu := relu_of(layer, subject.layers)) is not None
}
with open_stimuli(snakemake.input.stimuli) as file:
    before = before_relu(
        *(subject.network, subject.preprocess, file["images"], relus, cfg["reduction"]),
        batch=runtime["batch"],
    )
stages = {(layer, "pre"): neurons(rows) for layer, rows in before.items()}
with open_captured(snakemake.input.data) as file:
    for layer in cfg["layers"]:
        rows = file[f"{cfg['reduction']}/{layer}"][:].astype("float32")
        stages[layer, "post"] = neurons(rows)
        if layer not in before:
            log.info("%s: not the output of a ReLU, so only the stage `post`", layer)
similarities = read_similarities(
    snakemake.input.stimuli,
    snakemake.input.embeddings,
    cfg,
    exciting_images(stages.values(), cfg["m"]),
)
index, tables = Index(cfg["m"], cfg["normalisation"]), []
for (layer, stage), units in progress(stages.items()):
    check_live({"neurons": units}, layer, cfg["m"])
    scores = index_table({"neurons": units}, similarities, index)
    scores = scores[scores["part"] == ALL].drop(columns=["method", "part", "sign"])
    values = coactivation(units.responses)[scores["direction"]]
    tables.append(scores.assign(layer=layer, stage=stage, coactivation=values))
table = pd.concat(tables)
table["layer"] = pd.Categorical(table["layer"], cfg["layers"])
table = table.sort_values("layer", kind="stable")
write_scores(snakemake.output.table, table, cfg, read_layers(snakemake.input.manifests, cfg))
