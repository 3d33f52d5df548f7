"""Rule train_autoencoder: a sparse autoencoder of each layer of a run, resuming after a kill."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from codespectra.capture.captured import open_captured, read_layers
from codespectra.directions import directions
from codespectra.directions.sparse_autoencoder import (
    AutoencoderRecipe,
    SparseAutoencoder,
    autoencoder_directions,
    scaled_rows,
    train_autoencoder,
)
from codespectra.errors import UserError
from codespectra.files.csv_writer import write_csv
from codespectra.files.json_files import content_digest
from codespectra.files.manifests import is_finished
from codespectra.files.one_writer import only_writer
from codespectra.jobs.device import resolve_device
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.models.layer_selection import count_of

log = start_job(snakemake.log[0])
torch.set_num_threads(snakemake.threads)
cfg, data = snakemake.params.cfg, Path(snakemake.output.data)
options = dict(cfg["options"])
method = options.pop("method")
device = resolve_device(snakemake.config["runtime"]["device"])
captured = read_layers(snakemake.input.manifests, cfg)
identity = content_digest([dict(cfg), captured["sha256"], snakemake.params.code])
partials = {layer: data.with_name(f".{data.name}.{layer}.partial") for layer in cfg["layers"]}


def train(layer: str, activations: np.ndarray) -> tuple[directions.Directions, pd.DataFrame]:
    """Directions of a layer, and the epochs of the training that found them."""
    recipe = AutoencoderRecipe(
        epochs=options["epochs"],
        batch=options["batch"],
        learning_rate=options["learning_rate"],
        seed=options["seed"],
        l1=options["l1"],
        identity=content_digest([identity, layer]),
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
    found, epochs, measures = {}, [], {}
    for layer in progress(cfg["layers"], desc="layers"):
        activations = file[f"{cfg['reduction']}/{layer}"][:].astype("float32")
        found[layer], history = train(layer, activations)
        epochs.append(history.assign(layer=layer)[["layer", *history.columns]])
        measures[layer] = history.iloc[-1].drop(["epoch", "train_loss"]).to_dict()
    write_csv(snakemake.output.epochs, pd.concat(epochs))
    directions.write_layers(
        data,
        snakemake.output.manifest,
        found.items(),
        captured,
        method=method,
        options=options,
        identity=identity,
        measures=measures,
    )
    for partial in partials.values():
        partial.unlink()
