"""Rule train_vae: train a ResNet-VAE from an encoder's weights, resuming after a kill."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from codespectra.data.preprocessing import Preprocess
from codespectra.data.stimulus_file import open_stimuli
from codespectra.files.json_files import content_digest
from codespectra.files.manifests import read_manifest
from codespectra.jobs.device import resolve_device
from codespectra.jobs.start import start_job
from codespectra.models.architectures import build
from codespectra.models.checkpoints import load_checkpoint, write_checkpoint
from codespectra.training.epochs import write_trained
from codespectra.training.vae import VaeRecipe, train_vae

start_job(snakemake.log[0])
cfg = snakemake.params.cfg
model, training, seed = cfg["model"], cfg["training"], cfg["seed"]
device = resolve_device(snakemake.config["runtime"]["device"])
encoder = load_checkpoint(snakemake.input.encoder_manifest)


def images(path: str) -> torch.Tensor:
    """All images of a stimulus file."""
    with open_stimuli(path) as file:
        return torch.from_numpy(file["images"][:])


digests = {
    part: read_manifest(snakemake.input[f"{part}_manifest"])["sha256"] for part in ("train", "test")
} | {"encoder": encoder.description["sha256"]}
identity = content_digest([dict(cfg), digests, snakemake.params.code])
recipe = VaeRecipe(
    epochs=training["epochs"],
    batch=training["batch"],
    learning_rate=training["learning_rate"],
    loss=training["loss"],
    kld_weight=training["kld_weight"],
    seed=seed,
    identity=identity,
)


def train_network(partial: Path) -> tuple[nn.Module, list[dict[str, Any]]]:
    """The network and its epochs, from the encoder's weights or the partial state."""
    torch.manual_seed(seed)
    network = build(model["architecture"], model["classes"])
    network.adopt_encoder(encoder.network)
    preprocess = Preprocess(model["preprocessing"], device)
    train, test = images(snakemake.input.train), images(snakemake.input.test)
    return network, train_vae(network.to(device), preprocess, train, test, recipe, partial)


description = model | {"trained_on": digests, "training": training | {"seed": seed}}
description |= {"identity": identity}


def save(network: nn.Module, metrics: dict[str, Any]) -> None:
    """Write the checkpoint with its manifest."""
    write_checkpoint(snakemake.output.checkpoint, network, description, metrics)


write_trained(snakemake.output.manifest, snakemake.output.epochs, identity, train_network, save)
