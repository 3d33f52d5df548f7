"""Activations of tiny language models against plain passes and a GPT-2 written out by hand."""

import math
import shutil
import time
from collections import namedtuple

import numpy as np
import pytest
import torch
from captures import (
    CONTEXT,
    GPT_PARTS,
    LENGTH,
    bert,
    capture_tokens,
    gpt,
    parts_of,
    sequences,
)
from torch.nn import functional as F
from transformers import PreTrainedModel

from codespectra.capture.text import check_context
from codespectra.data.tokenization import Cut, Frame
from codespectra.data.tokens import read_tokens
from codespectra.errors import UserError
from codespectra.files.hdf5_files import open_hdf5
from codespectra.models.byte_gpt2 import byte_tokenizer

BERT_PARTS = {
    "attention": [{"type": "BertAttention"}],
    "mlp": [{"type": "BertIntermediate"}],
    "residual": [{"type": "BertLayer"}],
}


def hand_written_gpt(network: PreTrainedModel, ids: np.ndarray) -> dict[str, torch.Tensor]:
    """GPT-2 (Radford et al. 2019) over one sequence from its weights, in float64."""
    w = {name: value.double() for name, value in network.state_dict().items()}

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return F.layer_norm(x, (32,), w[f"{name}.weight"], w[f"{name}.bias"])

    def linear(x: torch.Tensor, name: str) -> torch.Tensor:
        return x @ w[f"{name}.weight"] + w[f"{name}.bias"]

    n, found = len(ids), {}
    x = w["transformer.wte.weight"][ids] + w["transformer.wpe.weight"][:n]
    later = torch.ones(n, n, dtype=torch.bool).triu(1)
    for block in (f"transformer.h.{i}" for i in range(3)):
        q, k, v = linear(norm(x, f"{block}.ln_1"), f"{block}.attn.c_attn").split(32, dim=1)
        q, k, v = (part.view(n, 4, 8).transpose(0, 1) for part in (q, k, v))
        weights = (q @ k.mT / math.sqrt(8)).masked_fill(later, -math.inf).softmax(dim=-1)
        mixed = (weights @ v).transpose(0, 1).reshape(n, 32)
        found[f"{block}.attn"] = linear(mixed, f"{block}.attn.c_proj")
        x = x + found[f"{block}.attn"]
        act = F.gelu(linear(norm(x, f"{block}.ln_2"), f"{block}.mlp.c_fc"), approximate="tanh")
        x = x + linear(act, f"{block}.mlp.c_proj")
        found |= {f"{block}.mlp.act": act, block: x}
    return found


def close(found: np.ndarray, expected: torch.Tensor) -> None:
    expected = expected.numpy()
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def plain_hidden_states(network: PreTrainedModel) -> list[torch.Tensor]:
    """Hidden states (R, D) from passes over each sequence alone, without padding or hooks."""
    with torch.no_grad():
        passes = [
            network(torch.from_numpy(cut.ids)[None], output_hidden_states=True).hidden_states
            for cut in sequences()
        ]
    return [torch.cat([state[0] for state in states]) for states in zip(*passes, strict=True)]


def test_every_layer_of_gpt2_as_written_by_hand(tmp_path):
    found = capture_tokens(tmp_path / "a.h5")
    by_hand = [hand_written_gpt(gpt(), cut.ids) for cut in sequences()]
    assert set(found) == set(by_hand[0]) and len(found) == 9
    for name, values in found.items():
        close(values, torch.cat([layers[name] for layers in by_hand]))


def test_every_layer_of_bert(tmp_path):
    """Residual stream as transformers shows it; the MLP between it and the attention's output."""
    found, network = capture_tokens(tmp_path / "a.h5", bert(), parts=BERT_PARTS), bert()
    for index, state in enumerate(plain_hidden_states(network)[1:]):
        name = f"bert.encoder.layer.{index}"
        layer = network.get_submodule(name)
        close(found[name], state)
        with torch.no_grad():
            attended = torch.from_numpy(found[f"{name}.attention"])
            hidden = F.gelu(layer.intermediate.dense(attended))
            close(found[f"{name}.intermediate"], hidden)
            close(layer.output(hidden, attended).numpy(), state)


@pytest.mark.parametrize(("build", "parts"), [(gpt, GPT_PARTS), (bert, BERT_PARTS)])
def test_sequences_of_a_batch_do_not_matter(tmp_path, build, parts):
    alone = capture_tokens(tmp_path / "1.h5", build(), parts=parts, batch=1)
    for batch in (7, 100):
        found = capture_tokens(tmp_path / f"{batch}.h5", build(), parts=parts, batch=batch)
        for name, values in alone.items():
            close(found[name], torch.from_numpy(values))


@pytest.mark.parametrize(("build", "parts"), [(gpt, GPT_PARTS), (bert, BERT_PARTS)])
def test_special_tokens_are_seen_and_have_no_rows(tmp_path, build, parts):
    network, frame = build(), Frame((3, 5), (7,))
    found = capture_tokens(tmp_path / "framed.h5", build(), parts=parts, frame=frame)
    cuts = [Cut(cut.document, frame.around(cut.ids)) for cut in sequences()]
    assert [list(cut.ids[[0, 1, -1]]) for cut in cuts] == [[3, 5, 7]] * len(cuts)
    framed = capture_tokens(tmp_path / "own.h5", network, parts=parts, cuts=cuts)
    ends = np.cumsum([len(cut.ids) for cut in cuts])
    special = np.concatenate([ends - 1, [0, 1], ends[:-1], ends[:-1] + 1])
    for name, values in found.items():
        close(values, torch.from_numpy(np.delete(framed[name], special, axis=0)))


def test_rows_are_the_real_tokens_which_stand_in_the_file(tmp_path):
    found, cuts = capture_tokens(tmp_path / "a.h5"), sequences()
    lengths = [len(cut.ids) for cut in cuts]
    assert len(cuts) == 26 and min(lengths) < LENGTH == max(lengths)
    assert {len(values) for values in found.values()} == {sum(lengths)}
    with open_hdf5(tmp_path / "a.h5") as file:
        tokens = read_tokens(file)
        assert dict(file["tokens/transformer.h.1.mlp.act"].attrs)["reduction"] == "tokens"
    ids = np.concatenate([cut.ids for cut in cuts])
    np.testing.assert_array_equal(np.unique(ids)[tokens.token], ids)
    np.testing.assert_array_equal(np.bincount(tokens.sequence), lengths)


def test_pass_ends_before_the_vocabulary(tmp_path):
    network = gpt()
    for after in (network.transformer.ln_f, network.lm_head):
        after.register_forward_pre_hook(lambda *_: pytest.fail("ran past the last wanted layer"))
    capture_tokens(tmp_path / "a.h5", network)
    network.transformer.h[1].mlp.c_proj.register_forward_pre_hook(lambda *_: pytest.fail("ran"))
    capture_tokens(tmp_path / "b.h5", network, parts={"mlp": ["transformer.h.[01].mlp.act"]})


def test_hidden_states_of_transformers_still_come_after_a_capture(tmp_path):
    """The pass that was ended early leaves neither a hook nor a state behind."""
    network = gpt()
    before = plain_hidden_states(network)
    capture_tokens(tmp_path / "a.h5", network)
    after = plain_hidden_states(network)
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))


def test_nan_names_the_layer_and_the_row(tmp_path):
    network, cuts = gpt(), sequences()
    ids = np.concatenate([cut.ids for cut in cuts])
    rare = int(ids[200])
    first = int(np.flatnonzero(ids == rare)[0])
    with torch.no_grad():
        network.transformer.wte.weight[rare, 3] = math.nan
    message = rf"layer transformer.h.0.ln_1: NaN or infinite .* first at token row {first};"
    with pytest.raises(UserError, match=message):
        capture_tokens(tmp_path / "a.h5", network, parts={"norm": ["*.0.ln_1"]})
    assert not (tmp_path / "a.h5").exists()


def test_padding_is_dropped_before_anything_looks_at_it(tmp_path):
    """Id 0 pads, and no sequence has it: what it gives is nobody's activation."""
    network = gpt()
    with torch.no_grad():
        network.transformer.wte.weight[0] = math.nan
    found = capture_tokens(tmp_path / "a.h5", network, parts={"norm": ["*.0.ln_1"]})
    expected = capture_tokens(tmp_path / "b.h5", parts={"norm": ["*.0.ln_1"]})
    np.testing.assert_array_equal(found["transformer.h.0.ln_1"], expected["transformer.h.0.ln_1"])


def test_float16_is_float32_rounded_and_refuses_what_is_too_large(tmp_path):
    full, half = (capture_tokens(tmp_path / dtype, dtype=dtype) for dtype in ("float32", "float16"))
    for name, values in full.items():
        assert half[name].dtype == np.float16
        np.testing.assert_array_equal(half[name], values.astype(np.float16))
    network = gpt()
    with torch.no_grad():  # the outlier at the first token that trained GPT-2s have, but larger
        network.transformer.wpe.weight[0, 7] = 7e4
    with pytest.raises(UserError, match=r"layer transformer.h.0: .* row 0; .* store float32"):
        capture_tokens(tmp_path / "a.h5", network, dtype="float16")
    with torch.no_grad():
        network.transformer.wpe.weight[0, 7] = 3e3
    assert (
        capture_tokens(tmp_path / "a.h5", network, dtype="float16")["transformer.h.2"].max() > 2.9e3
    )


def test_too_little_disk_is_refused_with_the_bytes(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    rows = sum(len(cut.ids) for cut in sequences())
    needed = 3 * (128 + 32 + 32) * rows * 4
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, needed))
    capture_tokens(tmp_path / "a.h5")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, needed - 1))
    with pytest.raises(UserError, match="which lacks 1 B"):
        capture_tokens(tmp_path / "b.h5")


def test_parts_count_their_layers_and_share_them():
    chosen = parts_of(gpt(), {"residual": [{"type": "GPT2Block"}], "all": ["*.h.?", "*.mlp.act"]})
    blocks = [f"tokens/transformer.h.{i}" for i in range(3)]
    assert [item.key for item in chosen["residual"]] == blocks
    order = [key for block in blocks for key in (f"{block}.mlp.act", block)]
    assert [item.key for item in chosen["all"]] == order
    assert [item.width for item in chosen["all"]] == [128, 32] * 3


@pytest.mark.parametrize(
    ("selector", "reason"),
    [("*.mlp.akt", "no layer matches '*.mlp.akt'; "), ({"type": "Block"}, "no layer of type")],
)
def test_unmatched_selector_names_its_part(selector, reason):
    with pytest.raises(UserError) as refusal:
        parts_of(gpt(), {"residual": [{"type": "GPT2Block"}], "mlp": [selector]})
    assert str(refusal.value).startswith(f"language.parts.mlp: {reason}")
    assert "\n" not in str(refusal.value)


def test_a_layer_without_a_row_a_token_is_refused(tmp_path):
    """Embeddings of positions have a row a position, for all sequences alike."""
    with pytest.raises(UserError, match=r"layer transformer\.wpe: 12 rows for \d+ tokens; "):
        capture_tokens(tmp_path / "text.h5", parts={"residual": ["transformer.wpe"]})


@pytest.mark.parametrize("build", [gpt, bert])
def test_length_beyond_the_context_is_refused(build):
    network, free = build(), byte_tokenizer(10**6)
    check_context(CONTEXT, "small", network, free)
    with pytest.raises(UserError, match=r"^language.length: 25 is more than the 24 .* small sees;"):
        check_context(CONTEXT + 1, "small", network, free)
    with pytest.raises(UserError, match=r"^language.length: 23 with 2 special tokens is more"):
        check_context(CONTEXT - 1, "small", network, free, 2)
    with pytest.raises(UserError, match="than the 16 tokens"):
        check_context(CONTEXT, "small", network, byte_tokenizer(16))


def test_same_bytes_at_another_time(tmp_path):
    """HDF5 can note the second at which a dataset was made."""
    capture_tokens(tmp_path / "a.h5")
    time.sleep(1.1)
    capture_tokens(tmp_path / "b.h5")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
