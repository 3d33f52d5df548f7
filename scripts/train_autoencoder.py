"""Rule train_autoencoder: a sparse autoencoder of each layer of a run, resuming after a kill."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from codespectra.capture.captured import open_captured, read_layers
from codespectra.capture.manifest_layers import layer_contents
from codespectra.directions import directions
from codespectra.directions.sparse_autoencoder import (
    AutoencoderRecipe,
    SparseAutoencoder,
    autoencoder_directions,
    scaled_rows,
    train_autoencoder,
)
from codespectra.errors import UserError
from codespectra.files.json_files import content_digest
from codespectra.files.kept_tables import KeptTables
from codespectra.files.manifests import is_finished, read_manifest
from codespectra.files.one_writer import only_writer
from codespectra.jobs.device import resolve_device
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.models.layer_selection import count_of

log = start_job(snakemake.log[0])
cfg, data = snakemake.params.cfg, Path(snakemake.output.data)
options = dict(cfg["options"])
method = options.pop("method")
device = resolve_device(snakemake.config["runtime"]["device"])
captured = read_layers(snakemake.input.manifests, cfg)
identity = content_digest([dict(cfg), captured["sha256"], snakemake.params.code])
layers = layer_contents(captured)
partials = {layer: data.with_name(f".{data.name}.{layer}.partial") for layer in layers}


def train(layer: str, activations: np.ndarray) -> tuple[directions.Directions, pd.DataFrame]:
    """Directions of a layer, and the epochs of the training that found them."""
    recipe = AutoencoderRecipe(
        epochs=options["epochs"],
        batch=options["batch"],
        learning_rate=options["learning_rate"],
        seed=options["seed"],
        l1=options["l1"],
        identity=kept.digest(layer),
    )
    torch.manual_seed(options["seed"])
    width = activations.shape[1]
    network = SparseAutoencoder(width, count_of(options["z"], width)).to(device)
    try:
        rows = scaled_rows(activations, device)
        history = train_autoencoder(network, rows, recipe, partials[layer])
    except UserError as error:
        where = f"{layer} of {cfg['model']} on {cfg['stimuli']}"
        raise UserError(f"{where}, directions.methods.sae: {error}") from error
    return autoencoder_directions(network, activations), pd.DataFrame(history)


with only_writer(data), open_captured(snakemake.input.data) as file:
    if is_finished(snakemake.output.manifest, identity):
        log.info("finished by another process")
        sys.exit()
    kept = KeptTables(snakemake.output, snakemake.params, ["layers"], layers)
    found, measures = {}, {}
    for layer in progress(kept.missing, desc="layers"):
        activations = file[f"{cfg['reduction']}/{layer}"][:].astype("float32")
        found[layer], history = train(layer, activations)
        kept.add(layer, epochs=history)
        measures[layer] = history.iloc[-1].drop(["epoch", "train_loss"]).to_dict()
    if kept.taken:
        measures = read_manifest(kept.file("manifest"))["measures"] | measures
    kept.write({layer: {"layer": layer} for layer in layers})
    directions.write_layers(
        data,
        snakemake.output.manifest,
        (
            (x, found[x] if x in found else directions.read_layer(kept.file("data"), x))
            for x in layers
        ),
        captured,
        method=method,
        options=options,
        identity=identity,
        measures={layer: measures[layer] for layer in layers},
    )
    kept.keep()
    for partial in partials.values():
        partial.unlink(missing_ok=True)
