"""GGUF files as llama.cpp's converter writes them, of a tiny Llama with random weights."""

from pathlib import Path

import gguf
import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from codespectra.models.byte_gpt2 import byte_tokenizer

WIDTH, HEADS, INNER, CONTEXT, VOCABULARY = 64, 2, 96, 32, 257
# Names of a block's weights in either form; those of queries and keys are permuted in the file.
BLOCK = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
QUANTISED = gguf.GGMLQuantizationType.Q8_0


def tiny_llama() -> LlamaForCausalLM:
    """Two blocks over bytes and one pair of them, untied."""
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=WIDTH,
            intermediate_size=INNER,
            num_hidden_layers=2,
            num_attention_heads=HEADS,
            num_key_value_heads=HEADS,
            max_position_embeddings=CONTEXT,
            rms_norm_eps=1e-5,
        )
    ).eval()


def tensors_of(network: LlamaForCausalLM) -> dict[str, np.ndarray]:
    """Its weights under llama.cpp's names."""
    names = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    for block in range(2):
        names |= {f"model.layers.{block}.{own}": f"blk.{block}.{b}" for own, b in BLOCK.items()}
    weights = {k.removesuffix(".weight"): w.numpy() for k, w in network.state_dict().items()}
    return {
        f"{names[name]}.weight": _interleaved(w) if ".q_proj" in name or ".k_proj" in name else w
        for name, w in weights.items()
    }


def _interleaved(weight: np.ndarray) -> np.ndarray:
    """Rows of each head's two halves by turns, as llama.cpp rotates them."""
    halves = weight.reshape(HEADS, 2, -1, weight.shape[1])
    return halves.swapaxes(1, 2).reshape(weight.shape)


def write_gguf(
    path: Path,
    network: LlamaForCausalLM,
    *,
    architecture: str = "llama",
    quantised: str = "",
    extra: dict[str, np.ndarray] | None = None,
) -> Path:
    """Write a network with the byte tokenizer, and one merge.

    Args:
        path: of the file.
        network: what is written.
        architecture: what it is called.
        quantised: a tensor that is stored in 8 bits.
        extra: tensors beside the network's.
    """
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("tiny")
    writer.add_block_count(2)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)
    writer.add_vocab_size(VOCABULARY)
    vocabulary = byte_tokenizer(CONTEXT).get_vocab()
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([*sorted(vocabulary, key=vocabulary.get), "ab"])
    writer.add_token_merges(["a b"])
    writer.add_token_types([1] * VOCABULARY)
    for name, values in (tensors_of(network) | (extra or {})).items():
        if name == quantised:
            blocks = gguf.quants.quantize(values, QUANTISED)
            writer.add_tensor(name, blocks, raw_dtype=QUANTISED)
        else:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
