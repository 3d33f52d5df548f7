"""Rule train_classifier: train a network of the workflow, resuming after a kill."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from codespectra.data.preprocessing import Preprocess
from codespectra.data.stimulus_file import open_stimuli
from codespectra.errors import UserError
from codespectra.files.json_files import content_digest
from codespectra.files.manifests import read_manifest
from codespectra.jobs.device import resolve_device
from codespectra.jobs.start import start_job
from codespectra.models.architectures import build
from codespectra.models.checkpoints import write_checkpoint
from codespectra.training.classifier import ClassifierRecipe, Labelled, train_classifier
from codespectra.training.epochs import write_trained

start_job(snakemake.log[0])
model, training = snakemake.params.cfg["model"], snakemake.params.cfg["training"]
device = resolve_device(snakemake.config["runtime"]["device"])


def labelled(path: str) -> Labelled:
    """All images and labels of a stimulus file.

    Raises:
        UserError: the set has no labels, or more classes than the network.
    """
    with open_stimuli(path) as file:
        if "labels" not in file or file["labels"][:].max() >= model["classes"]:
            raise UserError(
                f"models.{model['name']}.classes: {model['classes']}, but {path} has no labels or "
                "more classes; correct it or take another set"
            )
        return Labelled(torch.from_numpy(file["images"][:]), torch.from_numpy(file["labels"][:]))


train, test = labelled(snakemake.input.train), labelled(snakemake.input.test)
digests = {
    part: read_manifest(snakemake.input[f"{part}_manifest"])["sha256"] for part in ("train", "test")
}
identity = content_digest([dict(model), dict(training), digests, snakemake.params.code])
recipe = ClassifierRecipe(
    epochs=training["epochs"],
    batch=training["batch"],
    learning_rate=training["learning_rate"],
    weight_decay=training["weight_decay"],
    crop_padding=training["crop_padding"],
    seed=training["seed"],
    identity=identity,
)


def train_network(partial: Path) -> tuple[nn.Module, list[dict[str, Any]]]:
    """The network and its epochs, from fresh weights or the partial state."""
    torch.manual_seed(training["seed"])
    network = build(model["architecture"], model["classes"]).to(device)
    preprocess = Preprocess(model["preprocessing"], device)
    return network, train_classifier(network, preprocess, train, test, recipe, partial)


description = model | {"trained_on": digests, "training": training, "identity": identity}


def save(network: nn.Module, metrics: dict[str, Any]) -> None:
    """Write the checkpoint with its manifest."""
    write_checkpoint(snakemake.output.checkpoint, network, description, metrics)


write_trained(snakemake.output.manifest, snakemake.output.epochs, identity, train_network, save)
