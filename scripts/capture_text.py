"""Rule capture_text: layers of every part at every token of the drawn sequences, in one pass."""

import sys
from pathlib import Path

import h5py
import numpy as np
import torch
import transformers

from codespectra import job, store
from codespectra.device import resolve_device
from codespectra.language_models import inspect_layers, open_language_model
from codespectra.text_capture import capture_text, check_context, select_parts
from codespectra.texts import read_documents
from codespectra.tokenization import choose_sequences, cut_sequences, tokenize, tokens_of

log = job.start(snakemake.log[0])
torch.set_num_threads(snakemake.threads)
cfg, runtime = snakemake.params.cfg, snakemake.config["runtime"]
device = resolve_device(runtime["device"])
text_sha256 = store.read_json(snakemake.input.text_manifest)["sha256"]
model = open_language_model(snakemake.input.checkpoint_manifest)
check_context(cfg["length"], cfg["model"], model.network, model.tokenizer)
parts = select_parts(cfg["parts"], [vars(layer) for layer in inspect_layers(model.network)])
# Two parts may share a layer.
wanted = list({item.key: item for chosen in parts.values() for item in chosen}.values())
documents = read_documents(snakemake.input.text, "test")
cuts = choose_sequences(
    cut_sequences(
        tokenize(model.tokenizer, [d.content.decode() for d in documents]), cfg["length"]
    ),
    sequences=cfg["sequences"],
    length=cfg["length"],
    seed=cfg["seed"],
)
tokens = tokens_of(cuts, model.tokenizer)
attributes = {
    "model": cfg["model"],
    "checkpoint_sha256": model.description["sha256"],
    "text_sha256": text_sha256,
    "sequences": cfg["sequences"],
    "length": cfg["length"],
    "seed": cfg["seed"],
    "code": snakemake.params.code,
    "torch": torch.__version__,
    "transformers": transformers.__version__,
    "h5py": h5py.__version__,
    "numpy": np.__version__,
}
identity = store.content_digest([attributes, dict(cfg)])


def manifest() -> dict[str, object]:
    """What later stages need to know of the activations, and depend on."""
    return {
        "file": Path(snakemake.output.data).name,
        "sha256": store.hdf5_digest(snakemake.output.data),
        "identity": identity,
        "model": cfg["model"],
        "weights": model.description["weights"],
        "checkpoint_sha256": model.description["sha256"],
        "text_sha256": text_sha256,
        "dtype": cfg["dtype"],
        "count": len(tokens.token),
        "sequences": len(cuts),
        "length": cfg["length"],
        "documents": [documents[cut.document].name for cut in cuts],
        "datasets": [
            {
                "key": item.key,
                "part": part,
                "layer": item.layer["name"],
                "type": item.layer["type"],
                "depth": depth,
                "width": item.width,
            }
            for part, chosen in parts.items()
            for depth, item in enumerate(chosen, start=1)
        ],
    }


with store.only_writer(snakemake.output.data):
    if store.is_finished(snakemake.output.manifest, identity):
        log.info("finished by another process")
        sys.exit()
    capture_text(
        snakemake.output.data,
        model.network.to(device),
        cuts,
        tokens,
        wanted,
        dtype=cfg["dtype"],
        batch=runtime["sequences"],
        attributes=attributes,
    )
    log.info("%d tokens of %d sequences", len(tokens.token), len(cuts))
    store.write_json(snakemake.output.manifest, manifest())
