"""Language models: bytes as tokens, layers by name, and folders that are whole or refused."""

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from fake_hub import COMMIT, empty_cache, hub_with, use_hub
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    BertForPreTraining,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    LlamaConfig,
    PreTrainedConfig,
    T5Config,
)

from codespectra.errors import UserError
from codespectra.files.manifests import file_digest, write_manifest
from codespectra.models import hub
from codespectra.models.byte_gpt2 import byte_gpt2, byte_tokenizer
from codespectra.models.hub import folder_of_hub
from codespectra.models.language_models import (
    describe_layers,
    initialise,
    inspect_layers,
    load_network,
    load_tokenizer,
    open_language_model,
    save_language_model,
)
from codespectra.models.model_folders import (
    byte_gpt2_config,
    check_folder,
    describe_folder,
    weight_files,
)

ARCHITECTURE = {"width": 8, "layers": 2, "heads": 2, "context": 16}
SIZES = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 20}
GPT2 = GPT2Config(**SIZES, bos_token_id=0, eos_token_id=0)
BERT = BertConfig(**SIZES, intermediate_size=12)
LLAMA = LlamaConfig(**SIZES, intermediate_size=12)
NEOX = GPTNeoXConfig(**SIZES, intermediate_size=12)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A byte-level GPT-2 as the workflow saves it."""
    torch.manual_seed(0)
    save_language_model(tmp_path / "gpt", byte_gpt2(ARCHITECTURE), byte_tokenizer(16))
    return tmp_path / "gpt"


def manifest_of(folder: Path, objective: str = "causal") -> Path:
    manifest = folder.with_suffix(".json")
    write_manifest(manifest, {"objective": objective} | describe_folder(folder, folder))
    return manifest


def edit_weights(folder: Path, edit: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    weights = load_file(folder / "model.safetensors")
    edit(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


# Bytes as tokens ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The byte tokenizer, saved and opened again."""
    folder = tmp_path_factory.mktemp("tokenizer")
    byte_tokenizer(16).save_pretrained(folder, save_jinja_files=False)
    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


# U+0100 and its neighbours stand for bytes inside the tokenizer.
@given(st.text() | st.text("\u0100\u0120a\0 \n", min_size=1))
def test_ids_are_the_bytes_and_come_back_as_the_text(tokenizer: Any, text: str) -> None:
    ids = tokenizer(text)["input_ids"]
    assert ids == list(text.encode())
    assert tokenizer.decode(ids) == text


def test_vocabulary_is_the_256_bytes(tokenizer: Any) -> None:
    assert len(tokenizer) == 256
    assert sorted(tokenizer.get_vocab().values()) == list(range(256))
    assert tokenizer.model_max_length == 16


def test_padding_is_told_by_the_mask(tokenizer: Any) -> None:
    batch = tokenizer(["ab\0", "a"], padding=True)
    assert batch["input_ids"] == [[97, 98, 0], [97, 0, 0]]
    assert batch["attention_mask"] == [[1, 1, 1], [1, 0, 0]]


def test_tokenizer_can_be_chatted_with(tokenizer: Any) -> None:
    messages = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]
    assert tokenizer.apply_chat_template(messages, tokenize=False) == "one\ntwo\n"


def test_byte_gpt2_has_the_weights_of_its_sizes() -> None:
    network = byte_gpt2({"width": 12, "layers": 3, "heads": 4, "context": 10})
    block = 12 * 12**2 + 13 * 12
    assert network.num_parameters() == (256 + 10) * 12 + 3 * block + 2 * 12


@pytest.mark.parametrize("width", [192, 768])
def test_fresh_outputs_spread_alike_at_any_width(width: int) -> None:
    torch.manual_seed(0)
    network = byte_gpt2(ARCHITECTURE | {"width": width, "layers": 1})
    weight = network.transformer.h[0].mlp.c_fc.weight
    # Each sum of `width` inputs of unit variance has the variance that it has in GPT-2.
    assert (width * weight.var()).item() == pytest.approx(768 * 0.02**2, rel=0.02)


def test_layers_are_known_before_there_is_a_network() -> None:
    known = describe_layers(byte_gpt2_config(ARCHITECTURE), "causal")
    assert known == [vars(layer) for layer in inspect_layers(byte_gpt2(ARCHITECTURE))]


def test_byte_gpt2_sees_no_later_byte_and_drops_none() -> None:
    torch.manual_seed(0)
    network = byte_gpt2(ARCHITECTURE).train()
    one = torch.randint(256, (1, 16))
    other = one.clone()
    other[0, 9:] = torch.randint(256, (7,))
    first, second = network(one).logits, network(other).logits
    torch.testing.assert_close(first[0, :9], second[0, :9])
    assert not torch.allclose(first[0, 9:], second[0, 9:])


# Layers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "objective", "block", "nonlinearity"),
    [
        (GPT2, "causal", ("GPT2Block", "transformer.h.{}"), ("mlp.act", 32)),
        (BERT, "masked", ("BertLayer", "bert.encoder.layer.{}"), ("intermediate_act_fn", 12)),
        (BERT, "encoder", ("BertLayer", "encoder.layer.{}"), ("intermediate_act_fn", 12)),
        (LLAMA, "causal", ("LlamaDecoderLayer", "model.layers.{}"), ("mlp.act_fn", 12)),
        (NEOX, "causal", ("GPTNeoXLayer", "gpt_neox.layers.{}"), ("mlp.act", 12)),
    ],
)
def test_layers_are_those_of_the_network(
    config: PreTrainedConfig, objective: str, block: tuple[str, str], nonlinearity: tuple[str, int]
) -> None:
    content = json.loads(config.to_json_string())
    layers = describe_layers(content, objective)
    kind, name = block
    blocks = [layer for layer in layers if layer["type"] == kind]
    assert [layer["name"] for layer in blocks] == [name.format(i) for i in range(2)]
    assert {layer["shape"] for layer in blocks} == {(8,)}
    inner = [layer for layer in layers if layer["name"].endswith(nonlinearity[0])]
    assert [layer["shape"] for layer in inner] == [(nonlinearity[1],)] * 2
    assert [layer["depth"] for layer in layers] == list(range(len(layers)))
    # The same as of a network with weights, and what a pass over 4 tokens gives.
    network = initialise(content, objective)
    assert [vars(layer) for layer in inspect_layers(network)] == layers
    outputs = {}
    network.get_submodule(blocks[0]["module"]).register_forward_hook(
        lambda module, inputs, output: outputs.setdefault("block", output)
    )
    network(torch.zeros(1, 4, dtype=torch.long))
    output = outputs["block"][0] if isinstance(outputs["block"], tuple) else outputs["block"]
    assert output.shape == (1, 4, 8)


def test_module_that_runs_twice_has_two_layers() -> None:
    network = byte_gpt2(ARCHITECTURE)
    network.transformer.h[1].mlp.act = network.transformer.h[0].mlp.act
    names = [layer.name for layer in inspect_layers(network)]
    assert [name for name in names if "act" in name] == [
        "transformer.h.0.mlp.act:0",
        "transformer.h.0.mlp.act:1",
    ]


@pytest.mark.parametrize(
    ("config", "objective", "told"),
    [
        ({"model_type": "no_such"}, "causal", "no model_type 'no_such'"),
        ({}, "causal", "no model_type None"),
        (T5Config().to_dict(), "causal", "'t5' has no causal language model"),
        (GPT2.to_dict(), "masked", "'gpt2' has no masked language model"),
        (GPT2.to_dict() | {"auto_map": {"AutoModel": "x.Y"}}, "causal", "'gpt2' has auto_map"),
    ],
)
def test_config_of_no_language_model_is_refused(
    config: dict[str, Any], objective: str, told: str
) -> None:
    with pytest.raises(UserError, match=told):
        describe_layers(config, objective)


def test_untrained_weights_are_those_of_the_seed() -> None:
    def weights(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return initialise(GPT2.to_dict(), "causal").transformer.h[0].mlp.c_fc.weight

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


# Folders -----------------------------------------------------------------------------------------


def test_saved_model_opens_with_the_same_weights(folder: Path) -> None:
    torch.manual_seed(0)
    saved = byte_gpt2(ARCHITECTURE).state_dict()
    model = open_language_model(manifest_of(folder))
    opened = model.network.state_dict()
    assert saved.keys() == opened.keys()
    assert all(torch.equal(saved[name], opened[name]) for name in saved)
    assert not model.network.training
    assert model.tokenizer("é")["input_ids"] == [0xC3, 0xA9]
    names = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert {file.name for file in folder.iterdir()} == names
    listed = model.description["files"].keys() | model.description["tokenizer_files"].keys()
    assert listed == names
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o644}


def test_saving_twice_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    save_language_model(tmp_path / "again", byte_gpt2(ARCHITECTURE), byte_tokenizer(16))
    for file in folder.iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()


def test_half_precision_weights_are_opened_in_single(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = byte_gpt2(ARCHITECTURE).half()
    save_language_model(tmp_path / "half", network, byte_tokenizer(16))
    opened = load_network(tmp_path / "half", "causal")
    assert opened.lm_head.weight.dtype == torch.float32
    assert torch.equal(opened.lm_head.weight, network.lm_head.weight.float())


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
)
def test_changed_or_lost_file_is_named(folder: Path, name: str) -> None:
    manifest = manifest_of(folder)
    with (folder / name).open("a") as file:
        file.write(" ")
    with pytest.raises(UserError, match=f"{name}: sha256 is .* put the old file back"):
        open_language_model(manifest)
    (folder / name).unlink()
    with pytest.raises(UserError, match=f"{name}: missing, but .*gpt.json lists it"):
        open_language_model(manifest)


def drop(weights: dict[str, torch.Tensor]) -> None:
    del weights["transformer.h.1.mlp.c_fc.bias"]


def add(weights: dict[str, torch.Tensor]) -> None:
    weights["transformer.h.2.mlp.c_fc.bias"] = torch.zeros(32)


def widen(weights: dict[str, torch.Tensor]) -> None:
    weights["transformer.ln_f.bias"] = torch.zeros(9)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (drop, r"1 missing weights for GPT2LMHeadModel: transformer\.h\.1\.mlp\.c_fc\.bias"),
        (add, r"1 unexpected weights for GPT2LMHeadModel: transformer\.h\.2\.mlp\.c_fc\.bias"),
        (widen, "weights can't be loaded"),
    ],
)
def test_weights_that_dont_fit_are_refused(
    folder: Path, edit: Callable[[dict[str, torch.Tensor]], None], told: str
) -> None:
    edit_weights(folder, edit)
    with pytest.raises(UserError, match=told):
        load_network(folder, "causal")


def test_damaged_files_are_refused(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(UserError, match=r"gpt/model\.safetensors: damaged or no checkpoint"):
        load_network(folder, "causal")
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(UserError, match=r"gpt/tokenizer\.json: the tokenizer can't be loaded"):
        load_tokenizer(folder)


def test_heads_of_pretraining_alone_are_let_be(tmp_path: Path) -> None:
    torch.manual_seed(0)
    whole = BertForPreTraining(BERT)
    whole.save_pretrained(tmp_path)
    opened = load_network(tmp_path, "masked")
    assert isinstance(opened, BertForMaskedLM)
    first = whole.bert.encoder.layer[0].output.dense.weight
    assert torch.equal(opened.bert.encoder.layer[0].output.dense.weight, first)


@pytest.mark.parametrize("whole", [BertModel, BertForMaskedLM, BertForPreTraining])
def test_encoder_is_what_lies_under_any_head(tmp_path: Path, whole: type) -> None:
    torch.manual_seed(0)
    saved = whole(BERT).eval()
    saved.save_pretrained(tmp_path)
    opened, under = load_network(tmp_path, "encoder"), getattr(saved, "bert", saved)
    assert type(opened) is BertModel
    ids = torch.randint(20, (1, 7))
    assert torch.equal(opened(ids).last_hidden_state, under(ids).last_hidden_state)


@pytest.mark.parametrize("whole", [BertModel, BertForMaskedLM])
@pytest.mark.parametrize(
    ("layers", "told"), [(1, "unexpected weights for BertModel: "), (3, "missing weights for")]
)
def test_encoder_of_other_depth_than_its_weights_is_refused(
    tmp_path: Path, whole: type, layers: int, told: str
) -> None:
    whole(BERT).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"num_hidden_layers": layers}))
    with pytest.raises(UserError, match=told):
        load_network(tmp_path, "encoder")


def test_weights_in_several_files_are_all_needed(folder: Path) -> None:
    GPT2LMHeadModel(GPT2).save_pretrained(folder, max_shard_size=2000)
    (folder / "model.safetensors").unlink()
    names = weight_files(folder)
    shards = sorted(file.name for file in folder.glob("model-*.safetensors"))
    assert len(shards) > 1
    assert names == ["config.json", "model.safetensors.index.json", *shards]
    assert load_network(folder, "causal").config.n_layer == 2
    (folder / shards[0]).unlink()
    with pytest.raises(UserError, match=f"{shards[0]} is missing"):
        check_folder(folder)


@pytest.mark.parametrize(
    ("lost", "told"),
    [
        ("config.json", r"config\.json is missing"),
        ("model.safetensors", r"model\.safetensors is missing"),
        ("tokenizer.json", "tokenizer's files are missing .*vocab.json with merges.txt"),
    ],
)
def test_incomplete_folder_names_what_it_lacks(folder: Path, lost: str, told: str) -> None:
    check_folder(folder)
    (folder / lost).unlink()
    with pytest.raises(UserError, match=told):
        check_folder(folder)


def test_vocabulary_may_come_in_any_of_its_forms(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").touch()
    with pytest.raises(UserError, match="tokenizer"):
        check_folder(folder)
    (folder / "merges.txt").touch()
    check_folder(folder)


def test_pickled_weights_are_refused(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"pytorch_model\.bin is refused.*as safetensors"):
        check_folder(folder)


def test_folder_that_isnt_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none: no such folder"):
        check_folder(tmp_path / "none")


def test_folders_are_checked_without_torch() -> None:
    heavy = "{'torch', 'transformers', 'h5py', 'pandas'} & set(sys.modules)"
    code = f"import sys, codespectra.models.model_folders; sys.exit(str({heavy} or '') or 0)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": "scripts"})


# The hub -----------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return empty_cache(tmp_path, monkeypatch)


def lay_out(cache: Path, folder: Path) -> Path:
    """The model of a folder in the cache, as the hub's client lays it out; its snapshot."""
    store_ = cache / "models--org--tiny"
    snapshot = store_ / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (store_ / "blobs").mkdir()
    (store_ / "refs").mkdir()
    (store_ / "refs" / "main").write_text(COMMIT)
    for file in folder.iterdir():
        blob = store_ / "blobs" / file_digest(file)
        shutil.copy(file, blob)
        (snapshot / file.name).symlink_to(Path("../../blobs") / blob.name)
    return snapshot


@pytest.mark.parametrize("offline", [False, True])
@pytest.mark.parametrize("revision", ["main", COMMIT])
def test_cached_model_is_found_without_the_hub(
    cache: Path, folder: Path, revision: str, offline: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", offline)
    snapshot = lay_out(cache, folder)
    found = folder_of_hub("org/tiny", revision)
    assert found == snapshot
    assert found.name == COMMIT
    assert load_network(found, "causal").config.n_layer == 2


@pytest.mark.parametrize("offline", [False, True])
@pytest.mark.parametrize("name", ["org/tiny", "tiny"])
def test_model_out_of_reach_says_how_to_get_it(
    cache: Path, name: str, offline: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", offline)
    with pytest.raises(UserError) as caught:
        folder_of_hub(name, "v1")
    assert "\n" not in str(caught.value)
    for told in (
        f"{name!r}, revision 'v1': config.json",
        f"hf download {name} --revision v1",
        "weights: path",
    ):
        assert told in str(caught.value)


def test_name_that_no_model_can_have_is_told_at_once(cache: Path) -> None:
    with pytest.raises(UserError, match=r"hub model 'no/such/name': .*; correct its name"):
        folder_of_hub("no/such/name", "main")


@pytest.mark.parametrize("lost", ["config.json", "model.safetensors", "tokenizer.json"])
def test_file_that_the_cache_lacks_is_named(cache: Path, folder: Path, lost: str) -> None:
    (folder / lost).unlink()
    lay_out(cache, folder)
    with pytest.raises(UserError, match=f"{lost}.*hf download org/tiny"):
        folder_of_hub("org/tiny", "main")


def test_silent_hub_is_given_up(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use_hub(monkeypatch, silent.getsockname()[1])
        with pytest.raises(UserError, match="hf download org/tiny"):
            folder_of_hub("org/tiny", "main")


def test_download_takes_what_counts_and_nothing_that_may_run(
    cache: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {file.name: file.read_bytes() for file in folder.iterdir()}
    others = ["pytorch_model.bin", "modeling.py", "onnx/model.safetensors", "onnx/config.json"]
    asked: list[str] = []
    with hub_with(wanted | dict.fromkeys(others, b"x"), asked) as port:
        use_hub(monkeypatch, port)
        found = folder_of_hub("org/tiny", "v1")
    assert set(asked) == wanted.keys()
    assert {file.name: file.read_bytes() for file in found.iterdir()} == wanted
    assert found.name == COMMIT


def test_download_that_lost_a_file_is_completed_or_names_it(
    cache: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    whole = {file.name: file.read_bytes() for file in folder.iterdir()}
    with hub_with(whole, asked) as port, monkeypatch.context() as patched:
        use_hub(patched, port)
        found = folder_of_hub("org/tiny", "v1")
        assert folder_of_hub("org/tiny", "v1") == found
        assert set(asked) == whole.keys()
        (found / "model.safetensors").unlink()
        asked.clear()
        assert folder_of_hub("org/tiny", "v1") == found
        assert set(asked) <= {"model.safetensors"}
    check_folder(found)
    (found / "tokenizer.json").unlink()
    with pytest.raises(UserError, match=r"tokenizer\.json.*hf download org/tiny"):
        folder_of_hub("org/tiny", "v1")
