"""Rule measure_network: one network of the zoo, from its weights to its measures.

Its activations are a file for as long as the job runs. A network that can't be built or run is a
row that says why.
"""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from codespectra.files.csv_writer import write_csv
from codespectra.files.hdf5_files import open_hdf5
from codespectra.files.kept_tables import KeptTables
from codespectra.files.manifests import read_manifest
from codespectra.interpretability.similarity import METRICS, metric_digests, read_similarities
from codespectra.jobs.device import resolve_device
from codespectra.jobs.start import start_job
from codespectra.zoo.activations import capture_layers
from codespectra.zoo.depths import layers_at
from codespectra.zoo.faults import NetworkFault, told_of_the_network
from codespectra.zoo.measures import MEASURES, Groups, Scorer, measure_layers, row
from codespectra.zoo.network import open_zoo_network

log = start_job(snakemake.log[0])
cfg, runtime, given = snakemake.params.cfg, snakemake.config["runtime"], snakemake.input
table, shown = Path(snakemake.output.table), read_manifest(given.stimuli_manifest)
store = table.with_name(f".{table.stem}.activations") / "activations.h5"
metrics = metric_digests(cfg, given.stimuli_manifest, given.embeddings_manifests)
groups = Groups.of(cfg, given.stimuli, shown["count"])
context = {
    "library": cfg["architecture"]["name"],
    "network": cfg["architecture"]["model"],
    "weights": cfg["weights"]["kind"],
    "parameters": None,
    "stimuli": cfg["stimuli"],
    "stimulus_count": shown["count"],
}
device = resolve_device(runtime["device"])
try:
    with told_of_the_network():
        subject = open_zoo_network(
            *(cfg["architecture"], cfg["weights"], cfg["preprocessing"], shown["side"], device)
        )
        layers = layers_at(cfg["depths"], cfg["layers"], subject.layers)
    context["parameters"] = subject.parameters
    log.info("%s", {depth: layer["name"] for depth, layer in layers.items()})
    follows = [subject.digest, shown["sha256"]]
    kept = KeptTables(
        snakemake.output,
        snakemake.params,
        (*MEASURES, *METRICS),
        {
            name: [cfg[name], *follows, *([] if name == "exponent" else [metrics])]
            for name in MEASURES
            if name in cfg
        },
    )
    if kept.missing:
        similarities = read_similarities(given.stimuli, given.embeddings, cfg)
        with told_of_the_network():
            capture_layers(
                *(store, subject, layers.values(), cfg, given.stimuli),
                follows=[*follows, snakemake.params.code],
                batch=runtime["batch"],
            )
        with open_hdf5(store) as file:
            scorer = Scorer(file, cfg, groups, similarities)
            for name in kept.missing:
                kept.add(name, table=measure_layers(scorer, name, layers))
    kept.write(dict.fromkeys(kept.items, context))
    kept.keep()
except NetworkFault as fault:
    log.warning("failed: %s", fault)
    nothing = {
        "depth": np.nan,
        "layer": "",
        "type": "",
        "reduction": "",
        "width": np.nan,
        "measure": "",
    }
    write_csv(table, pd.DataFrame([context | nothing | row(note=str(fault))]))
finally:
    shutil.rmtree(store.parent, ignore_errors=True)
