"""A GGUF file and an encoder without a head in one language study, on docstrings."""

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from project import Project, copy_project
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertModel

from codespectra.data.documents import docstrings
from codespectra.files.manifests import file_digest, read_manifest
from codespectra.models.byte_gpt2 import byte_tokenizer

gguf_files = pytest.importorskip("gguf_files", reason="gguf isn't installed")

CLS, SEP, LENGTH, SEQUENCES = 256, 257, 20, 24
STUDY = {
    "study": "own",
    "spectra": {"ranks": [2, 20], "resamples": 20},
    "projections": {"draws": 20, "keep": 2},
    "language": {
        "text": {"source": "docstrings", "packages": ["tqdm"], "test_share": 1},
        "models": {
            "llama": {"weights": "gguf", "path": "tiny.gguf"},
            "llama_untrained": {"weights": "random", "like": "llama"},
            "bert": {"weights": "path", "path": "bert", "objective": "encoder"},
        },
        "parts": {
            "llama": {"mlp": ["*.mlp.act_fn"], "residual": [{"type": "LlamaDecoderLayer"}]},
            "bert": {"mlp": ["*.intermediate_act_fn"], "residual": [{"type": "BertLayer"}]},
        },
        "sequences": SEQUENCES,
        "length": LENGTH,
        "special_tokens": True,
        "explanations": {"units": 3, "top": 8, "random": 6},
    },
}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    project = copy_project(tmp_path_factory.mktemp("own"))
    gguf_files.write_gguf(project.folder / "tiny.gguf", gguf_files.tiny_llama())
    torch.manual_seed(0)
    sizes = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 258}
    network = BertModel(BertConfig(**sizes, intermediate_size=64), add_pooling_layer=False)
    network.save_pretrained(project.folder / "bert")
    tokenizer = byte_tokenizer(64)
    tokenizer.add_special_tokens({"cls_token": "[CLS]", "sep_token": "[SEP]"})
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)]
    )
    tokenizer.save_pretrained(project.folder / "bert", save_jinja_files=False)
    (project.folder / "own.yaml").write_text(yaml.safe_dump(STUDY))
    done = project.snakemake("language", "--cores", "1", study="own.yaml")
    assert done.returncode == 0, done.stdout
    return project


def test_each_model_has_the_layers_of_its_parts(project: Project):
    tables = project.folder / "results/spectra"
    for model, name in (("llama", "act_fn"), ("llama_untrained", "act_fn"), ("bert", "act_fn")):
        layers = pd.read_csv(tables / model / "text/exponents.csv")
        assert list(layers["part"]) == ["mlp"] * 2 + ["residual"] * 2
        assert layers["layer"].str.endswith(name).tolist() == [True, True, False, False]


def test_weights_are_those_of_the_file(project: Project):
    checkpoints = project.folder / "results/checkpoints"
    manifest = read_manifest(checkpoints / "llama.json")
    assert manifest["source_sha256"] == file_digest(project.folder / "tiny.gguf")
    twin = read_manifest(checkpoints / "llama_untrained.json")
    assert twin["tokenizer_files"] == manifest["tokenizer_files"]
    # What was written into the file is what the twin's seed draws.
    assert twin["files"] == manifest["files"]


def test_encoder_sees_special_tokens_and_only_the_text_has_rows(project: Project):
    folder = project.folder / "results/activations/bert"
    manifest = read_manifest(folder / "text.json")
    assert (manifest["sequences"], manifest["length"]) == (SEQUENCES, LENGTH)
    network = BertModel.from_pretrained(project.folder / "bert").eval()
    text = {document.name: document.content for document in docstrings(["tqdm"])}
    with h5py.File(folder / "text.h5") as file:
        rows = file["tokens/encoder.layer.1"][:LENGTH]
        vocabulary = yaml.safe_load(file["text/vocabulary"][:].tobytes())
        own = "".join(vocabulary[code] for code in file["text/token"][:LENGTH])
    assert own in text[manifest["documents"][0]].decode()
    with torch.no_grad():
        seen = network(torch.tensor([[CLS, *own.encode(), SEP]])).last_hidden_state[0]
    np.testing.assert_allclose(rows, seen[1:-1].numpy(), atol=1e-4)


def test_another_file_is_converted_again(project: Project):
    file, other = project.folder / "tiny.gguf", "blk.0.ffn_up.weight"
    gguf_files.write_gguf(file, gguf_files.tiny_llama(), quantised=other)
    jobs = project.would_run("language", study="own.yaml")
    assert jobs["import_gguf"] == 1 and "make_text" not in jobs
