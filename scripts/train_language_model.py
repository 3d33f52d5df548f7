"""Rule train_language_model: a byte-level GPT-2 on the study's text, resuming after a kill."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from codespectra.files.hdf5_files import open_hdf5
from codespectra.files.json_files import content_digest
from codespectra.files.manifests import read_manifest, write_manifest
from codespectra.jobs.device import resolve_device
from codespectra.jobs.start import start_job
from codespectra.models.byte_gpt2 import byte_gpt2, byte_tokenizer
from codespectra.models.language_models import save_language_model
from codespectra.models.model_folders import describe_folder
from codespectra.training.epochs import write_trained
from codespectra.training.language_model import LanguageRecipe, rounds_of, train_language_model

start_job(snakemake.log[0])
cfg = snakemake.params.cfg
architecture, training = cfg["architecture"], cfg["training"]
device = resolve_device(snakemake.config["runtime"]["device"])
trained_on = read_manifest(snakemake.input.text_manifest)["sha256"]
identity = content_digest([dict(cfg), trained_on, snakemake.params.code])
recipe = LanguageRecipe(
    **rounds_of(training["steps"]),
    batch=training["batch"],
    learning_rate=training["learning_rate"],
    seed=training["seed"],
    identity=identity,
    section=f"language.models.{cfg['name']}.training",
)


def text(part: str) -> torch.Tensor:
    """All bytes of a part of the text, uint8 (N,)."""
    with open_hdf5(snakemake.input.text) as file:
        return torch.from_numpy(file[part]["bytes"][:])


def train_network(partial: Path) -> tuple[nn.Module, list[dict[str, Any]]]:
    """The network and its rounds, from fresh weights or the partial state."""
    torch.manual_seed(training["seed"])
    network = byte_gpt2(architecture).to(device)
    return network, train_language_model(network, text("train"), text("test"), recipe, partial)


def save(network: nn.Module, metrics: dict[str, Any]) -> None:
    """Write the folder with its tokenizer, and its manifest."""
    folder = Path(snakemake.output.checkpoint).parent
    save_language_model(folder, network.cpu(), byte_tokenizer(architecture["context"]))
    description = dict(cfg) | {"objective": "causal", "trained_on": trained_on}
    description |= {"identity": identity, "metrics": metrics}
    write_manifest(snakemake.output.manifest, description | describe_folder(folder, folder))


write_trained(snakemake.output.manifest, snakemake.output.epochs, identity, train_network, save)
