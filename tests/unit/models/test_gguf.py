"""GGUF files: read to the very weights, or refused in one line."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch

gguf = pytest.importorskip("gguf", reason="the extra `pretrained` isn't installed")
from gguf_files import CONTEXT, QUANTISED, VOCABULARY, tensors_of, tiny_llama, write_gguf  # noqa: E402

from codespectra.errors import UserError  # noqa: E402
from codespectra.models import gguf_header  # noqa: E402
from codespectra.models.gguf_header import read_header  # noqa: E402
from codespectra.models.gguf_models import convert_gguf, describe_layers  # noqa: E402
from codespectra.models.language_models import load_network, load_tokenizer  # noqa: E402


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_gguf(tmp_path / "tiny.gguf", tiny_llama())


def test_folder_has_the_weights_that_were_written(file: Path, tmp_path: Path) -> None:
    convert_gguf(file, tmp_path / "folder")
    network, own = load_network(tmp_path / "folder", "causal"), tiny_llama()
    found = network.state_dict()
    assert all(torch.equal(found[name], weight) for name, weight in own.state_dict().items())
    ids = torch.randint(256, (1, CONTEXT))
    torch.testing.assert_close(network(ids).logits, own(ids).logits)
    tokenizer = load_tokenizer(tmp_path / "folder")
    assert tokenizer("é ab", add_special_tokens=False)["input_ids"] == [*"é ".encode(), 256]
    assert len(tokenizer) == VOCABULARY


def test_quantised_weights_are_those_of_their_blocks(tmp_path: Path) -> None:
    own, name = tiny_llama(), "blk.1.ffn_down.weight"
    file = write_gguf(tmp_path / "tiny.gguf", own, quantised=name)
    convert_gguf(file, tmp_path / "folder")
    found = load_network(tmp_path / "folder", "causal").model.layers[1].mlp.down_proj.weight
    written = tensors_of(own)[name]
    blocks = gguf.quants.quantize(written, QUANTISED)
    np.testing.assert_array_equal(found.detach(), gguf.quants.dequantize(blocks, QUANTISED))
    assert 0 < np.abs(found.detach().numpy() - written).max() < 1e-3


def test_same_file_gives_the_same_bytes(file: Path, tmp_path: Path) -> None:
    for name in ("one", "other"):
        convert_gguf(file, tmp_path / name)
    for made in (tmp_path / "one").iterdir():
        assert made.read_bytes() == (tmp_path / "other" / made.name).read_bytes()


def test_header_and_layers_are_known_before_the_weights(file: Path) -> None:
    header = read_header(file)
    assert header.network["context_length"] == CONTEXT
    assert sum(header.tensors.values()) == tiny_llama().num_parameters()
    layers = describe_layers({"gguf_file": str(file)}, "causal")
    inner = [layer["shape"] for layer in layers if layer["name"].endswith("mlp.act_fn")]
    assert inner == [(96,), (96,)]


DAMAGE = {
    "another version": (lambda whole: whole[:4] + struct.pack("<I", 9) + whole[8:], "version 9"),
    "cut in its header": (lambda whole: whole[:300], "ends at byte 300, within its header"),
    "cut in its tensors": (lambda whole: whole[: len(whole) // 2], "before its last tensor does"),
    "cut at its end": (lambda whole: whole[:-1000], "no language model that transformers reads"),
    "countless keys": (
        lambda whole: whole[:16] + struct.pack("<Q", 1 << 60) + whole[24:],
        "keys, at most 10,000 are read",
    ),
    "an endless array": (
        lambda whole: whole[:24] + struct.pack("<Q1sIIQ", 1, b"k", 9, 0, 1 << 60) + whole[24:],
        "values of arrays, at most",
    ),
}


@pytest.mark.parametrize("damage, told", DAMAGE.values(), ids=DAMAGE)
def test_what_is_no_whole_file_is_told_in_one_line(file: Path, damage, told: str) -> None:
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(UserError, match=f"^{file}: ") as refusal:
        convert_gguf(file, file.parent / "folder")
    assert told in str(refusal.value) and "\n" not in str(refusal.value)
    assert not (file.parent / "folder").exists()


def test_unknown_architecture_is_refused(tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "tiny.gguf", tiny_llama(), architecture="mamba9")
    with pytest.raises(UserError, match=r"tiny\.gguf: no language model that transformers reads"):
        convert_gguf(file, tmp_path / "folder")


def test_tensor_that_the_network_doesnt_read_is_refused(tmp_path: Path) -> None:
    extra = {"rope_freqs.weight": np.ones(16, np.float32)}
    file = write_gguf(tmp_path / "tiny.gguf", tiny_llama(), extra=extra)
    with pytest.raises(UserError, match=r"its tensors hold .* numbers, but LlamaForCausalLM"):
        convert_gguf(file, tmp_path / "folder")


def test_network_larger_than_the_file_is_refused_before_it_is_made(file: Path) -> None:
    content, key = file.read_bytes(), b"llama.vocab_size"
    at = content.index(key) + len(key) + 4
    file.write_bytes(content[:at] + struct.pack("<I", 10**9) + content[at + 4 :])
    with pytest.raises(UserError, match=r"LlamaForCausalLM of transformers has 128,\d+,\d+,\d+ w"):
        convert_gguf(file, file.parent / "folder")


def test_without_its_reader_the_command_is_told(file: Path, monkeypatch) -> None:
    monkeypatch.setattr(gguf_header, "READERS", ("no_such_reader",))
    with pytest.raises(UserError, match=r"not installed here; run pip install no_such_reader"):
        convert_gguf(file, file.parent / "folder")
