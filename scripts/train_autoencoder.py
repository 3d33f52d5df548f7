"""Rule train_autoencoder: sparse autoencoders of one size, one a penalty, of each layer of a run.

Those of a layer train together, resuming after a kill; one that stands isn't trained again.
"""

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
    SparseAutoencoders,
    autoencoder_directions,
    scaled_rows,
    train_autoencoders,
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
cfg = dict(snakemake.params.cfg)
options = cfg.pop("autoencoders")
shared = next(iter(options.values()))  # but for l1
device = resolve_device(snakemake.config["runtime"]["device"])
captured = read_layers(snakemake.input.manifests, cfg)
layers = layer_contents(captured)
files = {Path(data).stem: {"data": data} for data in snakemake.output.data}
for form in ("manifest", "epochs"):
    for file in snakemake.output[form]:
        files[Path(file).stem][form] = file
identities = {
    name: content_digest([cfg, own, captured["sha256"], snakemake.params.code])
    for name, own in options.items()
}
together = Path(snakemake.output.data[0]).with_name(f"sae-{shared['z']}")
partials = {layer: together.with_name(f".{together.name}.{layer}.partial") for layer in layers}


def activations_of(layer: str) -> np.ndarray:
    """Activations (N, D) of a layer."""
    return file[f"{cfg['reduction']}/{layer}"][:].astype("float32")


def train(layer: str, names: list[str]) -> None:
    """Train autoencoders of a layer together, and add their epochs."""
    activations = activations_of(layer)
    recipe = AutoencoderRecipe(
        epochs=shared["epochs"],
        batch=shared["batch"],
        learning_rate=shared["learning_rate"],
        seed=shared["seed"],
        penalties=[options[name]["l1"] for name in names],
        identity=content_digest([kept[name].digest((layer, name)) for name in names]),
    )
    torch.manual_seed(shared["seed"])
    width = activations.shape[1]
    networks = SparseAutoencoders(width, count_of(shared["z"], width), len(names)).to(device)
    try:
        rows = scaled_rows(activations, device)
        histories = train_autoencoders(networks, rows, recipe, partials[layer])
    except UserError as error:
        where = f"{layer} of {cfg['model']} on {cfg['stimuli']}"
        raise UserError(f"{where}, directions.methods.sae: {error}") from error
    for at, (name, history) in enumerate(zip(names, histories, strict=True)):
        kept[name].add((layer, name), epochs=pd.DataFrame(history))
        measures[name][layer] = {
            key: value for key, value in history[-1].items() if key not in ("epoch", "train_loss")
        }
        trained[layer, name] = networks, at


def found(layer: str, name: str) -> directions.Directions:
    """Directions of an autoencoder that was trained, or of the last run."""
    if (layer, name) not in trained:
        return directions.read_layer(kept[name].file("data"), layer)
    networks, at = trained[layer, name]
    return autoencoder_directions(networks, activations_of(layer), at)


with only_writer(together), open_captured(snakemake.input.data) as file:
    if all(is_finished(files[name]["manifest"], identities[name]) for name in options):
        log.info("finished by another process")
        sys.exit()
    kept = {
        name: KeptTables(
            files[name],
            snakemake.params,
            ["autoencoders", "layers"],
            {(layer, name): [content, own] for layer, content in layers.items()},
        )
        for name, own in options.items()
    }
    measures = {
        name: read_manifest(known.file("manifest"))["measures"] if known.taken else {}
        for name, known in kept.items()
    }
    trained: dict[tuple[str, str], tuple[SparseAutoencoders, int]] = {}
    for layer in progress(layers, desc="layers"):
        names = [name for name in options if (layer, name) in kept[name].missing]
        if names:
            train(layer, names)
    for name, own in options.items():
        kept[name].write({(layer, name): {"layer": layer} for layer in layers})
        directions.write_layers(
            files[name]["data"],
            files[name]["manifest"],
            ((layer, found(layer, name)) for layer in layers),
            captured,
            method="sae",
            options={key: value for key, value in own.items() if key != "method"},
            identity=identities[name],
            measures={layer: measures[name][layer] for layer in layers},
        )
        kept[name].keep()
    for partial in partials.values():
        partial.unlink(missing_ok=True)
