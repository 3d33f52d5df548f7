"""Rule capture_activations: every wanted layer and reduction from one pass over the stimuli."""

import sys
from importlib.metadata import version
from pathlib import Path

import h5py
import numpy as np
import torch

from codespectra import capture, job, store
from codespectra.checkpoints import load_checkpoint
from codespectra.device import resolve_device
from codespectra.errors import UserError
from codespectra.hooks import Wanted
from codespectra.layers import stride_of
from codespectra.models import inspect_layers
from codespectra.preprocessing import Preprocess
from codespectra.stimuli import open_stimuli

log = job.start(snakemake.log[0])
torch.set_num_threads(snakemake.threads)
cfg, runtime = snakemake.params.cfg, snakemake.config["runtime"]
device = resolve_device(runtime["device"])
checkpoint = load_checkpoint(snakemake.input.checkpoint_manifest)
shown = store.read_json(snakemake.input.stimuli_manifest)
description = checkpoint.description
network = checkpoint.network.to(device)
preprocess = Preprocess(description["preprocessing"], device)
available = {
    layer.name: vars(layer) for layer in inspect_layers(network, preprocess.side or shown["side"])
}
wanted = [Wanted(available[w["layer"]], w["reduction"]) for w in cfg["wanted"]]
attributes = {
    "model": cfg["model"],
    "checkpoint_sha256": description["sha256"],
    "stimuli": cfg["stimuli"],
    "stimuli_sha256": shown["sha256"],
    "preprocessing": str(description["preprocessing"]),
    "code": snakemake.params.code,
    "torch": torch.__version__,
    "torchvision": version("torchvision"),
    "h5py": h5py.__version__,
    "numpy": np.__version__,
}
identity = store.content_digest([attributes, dict(cfg)])


def check_accuracy(accuracy: float | None) -> None:
    """Fail the job when the configured accuracy is missed by more than a point."""
    expected = cfg["expected_accuracy"]
    if expected is None:
        return
    if accuracy is None or abs(accuracy - expected) > 0.01:
        found = "no accuracy (labels and classes don't match)" if accuracy is None else accuracy
        raise UserError(
            f"models.{cfg['model']}.expected_accuracy: {found} on {cfg['stimuli']}, expected "
            f"{expected}; check the checkpoint, its preprocessing and the labels' order"
        )


def manifest(accuracy: float | None) -> dict[str, object]:
    """What later stages need to know of the activations, and depend on."""
    return {
        "file": Path(snakemake.output.data).name,
        "sha256": store.hdf5_digest(snakemake.output.data),
        "identity": identity,
        "model": cfg["model"],
        "stimuli": cfg["stimuli"],
        "count": shown["count"] * (2 if cfg["noisy"] else 1),
        "noisy": cfg["noisy"],
        "dtype": cfg["dtype"],
        "accuracy": accuracy,
        "weights": description["weights"],
        "checkpoint_sha256": description["sha256"],
        "stimuli_sha256": shown["sha256"],
        "datasets": [
            {
                "key": item.key,
                "layer": item.layer["name"],
                "type": item.layer["type"],
                "depth": item.layer["depth"],
                "shape": list(item.layer["shape"]),
                "reduction": item.reduction,
                "stride": stride_of(item.layer["shape"], item.reduction),
                "width": item.width,
            }
            for item in wanted
        ],
    }


with (
    store.only_writer(snakemake.output.data),
    open_stimuli(snakemake.input.stimuli) as file,
):
    if store.is_finished(snakemake.output.manifest, identity):
        log.info("finished by another process")
        sys.exit()
    comparable = (
        shown["labelled"]
        and len(shown["classes"]) == description["classes"]
        and description["architecture"]["name"] != "resnet_vae"
    )
    accuracy = capture.capture(
        snakemake.output.data,
        network,
        preprocess,
        capture.Twice(file["images"]) if cfg["noisy"] else file["images"],
        file["labels"][:] if comparable else None,
        wanted,
        dtype=cfg["dtype"],
        batch=runtime["batch"],
        attributes=attributes,
        accept=check_accuracy,
        noisy=cfg["noisy"],
    )
    log.info("accuracy on %s: %s", cfg["stimuli"], accuracy)
    store.write_json(snakemake.output.manifest, manifest(accuracy))
