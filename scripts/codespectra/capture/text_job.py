"""What a job that captures text does: all of it, one shard, or shards gathered."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
import transformers

from codespectra.capture.layout import Layout, Written
from codespectra.capture.shard import WHOLE, Shard
from codespectra.capture.text import capture_text, check_context, select_parts, text_layout
from codespectra.data.documents import read_documents
from codespectra.data.tokenization import (
    Cut,
    Frame,
    choose_sequences,
    cut_sequences,
    tokenize,
    tokens_of,
)
from codespectra.data.tokens import Tokens
from codespectra.files.json_files import content_digest
from codespectra.files.manifests import read_manifest
from codespectra.jobs.device import resolve_device
from codespectra.models.hooks import Wanted
from codespectra.models.language_models import LanguageModel, inspect_layers, open_language_model

log = logging.getLogger("codespectra")


@dataclass(frozen=True)
class LanguageCapture:
    """Which model reads which sequences, and what is kept of it.

    Attributes:
        cfg: model, dtype, precision, compile, parts, sequences, length, seed, special_tokens.
        model: on its device.
        frame: special tokens that it sees around each sequence.
        text_sha256: of the documents.
        parts: layers of each part; two parts may share a layer.
        cuts: the sequences; `names` has the document of each.
        tokens: theirs.
        attributes: of the file.
    """

    cfg: dict[str, Any]
    model: LanguageModel
    frame: Frame
    text_sha256: str
    parts: dict[str, list[Wanted]]
    cuts: list[Cut]
    names: list[str]
    tokens: Tokens
    attributes: dict[str, Any]

    @property
    def wanted(self) -> list[Wanted]:
        """Datasets of the file."""
        return list({item.key: item for chosen in self.parts.values() for item in chosen}.values())

    @property
    def identity(self) -> str:
        """Digest of all that the capture follows from."""
        return content_digest([self.attributes, dict(self.cfg)])

    @property
    def layout(self) -> Layout:
        """The whole file."""
        dtype = self.cfg["dtype"]
        return text_layout(
            self.wanted, self.cuts, self.tokens, dtype=dtype, attributes=self.attributes
        )

    def run(self, path: str | Path, *, batch: int, shard: Shard = WHOLE) -> Written:
        """Capture the sequences as `text.capture_text` says."""
        return capture_text(
            path,
            self.model.network,
            self.cuts,
            self.tokens,
            self.wanted,
            self.frame,
            dtype=self.cfg["dtype"],
            batch=batch,
            attributes=self.attributes,
            precision=self.cfg["precision"],
            compile=self.cfg["compile"],
            shard=shard,
        )

    def manifest(self, data: str | Path, written: Written) -> dict[str, Any]:
        """What later stages need to know of the file `data`, and depend on."""
        return {
            "file": Path(data).name,
            "sha256": written.sha256,
            "identity": self.identity,
            "model": self.cfg["model"],
            "weights": self.model.description["weights"],
            "checkpoint_sha256": self.model.description["sha256"],
            "text_sha256": self.text_sha256,
            "dtype": self.cfg["dtype"],
            "precision": self.cfg["precision"],
            "compile": self.cfg["compile"],
            "differences": written.differences,
            "count": len(self.tokens.token),
            "sequences": len(self.cuts),
            "length": self.cfg["length"],
            "documents": self.names,
            "datasets": [
                {
                    "key": item.key,
                    "sha256": written.rows[item.key],
                    "part": part,
                    "layer": item.layer["name"],
                    "type": item.layer["type"],
                    "depth": depth,
                    "width": item.width,
                }
                for part, chosen in self.parts.items()
                for depth, item in enumerate(chosen, start=1)
            ],
        }


def open_capture(
    cfg: dict[str, Any],
    code: str,
    checkpoint_manifest: str,
    text: str,
    text_manifest: str,
    device: str,
) -> LanguageCapture:
    """Load a model and cut its sequences; `code` is the digest of the script that captures.

    Raises:
        UserError: a file can't be read, the model sees fewer tokens than a sequence has, a selector
            matches nothing, or there is no such device.
    """
    where = resolve_device(device)
    text_sha256 = read_manifest(text_manifest)["sha256"]
    model = open_language_model(checkpoint_manifest)
    frame = Frame.of(model.tokenizer) if cfg["special_tokens"] else Frame()
    log.info("special tokens around each sequence: %d", len(frame))
    check_context(cfg["length"], cfg["model"], model.network, model.tokenizer, len(frame))
    parts = select_parts(cfg["parts"], [vars(layer) for layer in inspect_layers(model.network)])
    documents = read_documents(text, "test")
    tokenized = tokenize(model.tokenizer, [d.content.decode() for d in documents])
    cuts = choose_sequences(
        cut_sequences(tokenized, cfg["length"]),
        sequences=cfg["sequences"],
        length=cfg["length"],
        seed=cfg["seed"],
    )
    attributes = {
        "model": cfg["model"],
        "checkpoint_sha256": model.description["sha256"],
        "text_sha256": text_sha256,
        "sequences": cfg["sequences"],
        "length": cfg["length"],
        "seed": cfg["seed"],
        "precision": cfg["precision"],
        "compile": cfg["compile"],
        "code": code,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "h5py": h5py.__version__,
        "numpy": np.__version__,
    }
    names = [documents[cut.document].name for cut in cuts]
    tokens = tokens_of(cuts, model.tokenizer)
    model.network.to(where)
    return LanguageCapture(cfg, model, frame, text_sha256, parts, cuts, names, tokens, attributes)
