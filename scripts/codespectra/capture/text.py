"""Activations of a language model on text, a row a token (methods §9).

The layers of all parts come out of one forward pass, which ends with the last of them: no logits
over the vocabulary. Sequences of a batch are padded on the right; rows of padding are dropped, and
so are those of the special tokens that frame a sequence.
"""

from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.nn.utils.rnn import pad_sequence

from codespectra.capture.activation_file import write_rows
from codespectra.capture.layout import Layout, Written
from codespectra.capture.passes import Pass, compiled
from codespectra.capture.precision import EXACT, check_precision, computing, differences
from codespectra.capture.shard import WHOLE, Shard
from codespectra.data.tokenization import Cut, Frame
from codespectra.data.tokens import ROW, Tokens, write_tokens
from codespectra.errors import UserError
from codespectra.models.hooks import Sink, Wanted, run_to_layers
from codespectra.models.layer_selection import select_layers

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# Sequences: shards begin where a batch of so many does.
GRAIN = 32


def select_parts(
    parts: dict[str, list[str | dict[str, str]]], available: list[dict[str, Any]]
) -> dict[str, list[Wanted]]:
    """Layers of each part in the order they run, to be captured a row a token.

    Args:
        parts: selectors of each part, as `layer_selection.select_layers` takes them.
        available: layers of the network whose output is (batch, length, D).

    Raises:
        UserError: a selector matches nothing.
    """
    chosen = {}
    for part, selectors in parts.items():
        try:
            layers = select_layers(selectors, available)
        except UserError as error:
            raise UserError(f"language.parts.{part}: {error}") from None
        chosen[part] = [Wanted(layer, "tokens") for layer in layers]
    return chosen


def check_context(
    length: int,
    name: str,
    network: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    special: int = 0,
) -> None:
    """Refuse sequences of `length` and `special` tokens where the model `name` takes fewer.

    Raises:
        UserError: `length` is beyond its table of positions, or beyond its tokenizer's limit.
    """
    # Models without a table of positions have no limit; RoBERTa's true one is its tokenizer's.
    positions = getattr(network.config, "max_position_embeddings", length)
    context = min(positions, tokenizer.model_max_length)
    if length + special > context:
        framed = f" with {special} special tokens" if special else ""
        raise UserError(
            f"language.length: {length}{framed} is more than the {context} tokens that {name} "
            "sees; lower it"
        )


def text_layout(
    wanted: list[Wanted], cuts: list[Cut], tokens: Tokens, *, dtype: str, attributes: dict[str, Any]
) -> Layout:
    """The activations file of sequences, a row a token, with the tokens beside the rows."""
    offsets = list(accumulate((len(cut.ids) for cut in cuts), initial=0))
    besides = partial(write_tokens, tokens=tokens)
    return Layout(wanted, offsets, dtype, attributes, besides, GRAIN, row=ROW)


def capture_text(
    path: str | Path,
    network: "PreTrainedModel",
    cuts: list[Cut],
    tokens: Tokens,
    wanted: list[Wanted],
    frame: Frame = Frame(),  # noqa: B008 — frozen
    *,
    dtype: str,
    batch: int,
    attributes: dict[str, Any],
    precision: str = EXACT,
    compile: bool = False,
    shard: Shard = WHOLE,
) -> Written:
    """Write each wanted layer's output at every token of the sequences, and the tokens, to `path`.

    A killed job's file is resumed as `activation_file.write_rows` says.

    Args:
        path: the activations file; a dataset is (R, D), R tokens sequence by sequence.
        network: causal or masked; is set to evaluation, without a cache of keys and values.
        cuts: the sequences.
        tokens: theirs.
        wanted: distinct layers under the reduction `tokens`.
        frame: special tokens that the network sees too.
        dtype: float32 or float16.
        batch: sequences in a forward pass.
        attributes: of the file.
        precision: that the network computes with (`precision.computing`).
        compile: let torch compile the network (`passes.compiled`); the logits are computed then.
        shard: the one that is written, without the tokens.

    Returns:
        Its digest; nothing is predicted.

    Raises:
        UserError: too little disk or memory, an activation that is NaN or infinite, a precision
            that the device hasn't, or a network that can't be compiled.
    """
    check_precision(precision, network.device)
    network.eval()
    network.config.use_cache = False

    def load(sequences: slice) -> Padded:
        return pad(cuts[sequences], frame, network.device)

    def show(forward: Pass, seen: Padded, _: slice, sink: Sink) -> int:
        show_sequences(forward, seen, sink)
        return 0

    def plain(sink: Sink, ids: torch.Tensor, **options: Any) -> None:
        run_to_layers(network, ids, wanted, sink, **options)

    layout = text_layout(wanted, cuts, tokens, dtype=dtype, attributes=attributes)
    far = differences(load, partial(show, plain), len(cuts), wanted, precision, network.device)
    with (
        compiled(network, wanted) if compile else nullcontext(plain) as forward,
        computing(precision, network.device),
    ):
        written = write_rows(path, layout.part(shard), load, partial(show, forward), batch=batch)
    return replace(written, correct=None, differences=far)


class Padded(NamedTuple):
    """Sequences of a batch, padded on the right."""

    ids: torch.Tensor  # (batch, length), with special tokens
    mask: torch.Tensor  # the same shape: 1 where there is a token, 0 for padding
    own: torch.Tensor  # flat indices of the sequences' own tokens


def pad(cuts: list[Cut], frame: Frame, device: torch.device) -> Padded:
    """Sequences in their frame as one batch on a device."""
    seen = [torch.from_numpy(frame.around(cut.ids)) for cut in cuts]
    ids = pad_sequence(seen, batch_first=True)
    place, first = torch.arange(ids.shape[1]), len(frame.before)
    lengths = torch.tensor([len(cut.ids) for cut in cuts])[:, None]
    mask = (place < lengths + len(frame)).long()
    own = ((place >= first) & (place < first + lengths)).flatten().nonzero().squeeze(1)
    return Padded(ids.to(device), mask.to(device), own.to(device))


def show_sequences(forward: Pass, seen: Padded, sink: Sink) -> None:
    """Hand each wanted layer's outputs (tokens, D) at the sequences' own tokens to `sink`."""
    ids, mask, own = seen

    def keep(item: Wanted, values: torch.Tensor) -> None:
        if len(values) != ids.numel():
            raise UserError(
                f"layer {item.layer['name']}: {len(values)} rows for {ids.numel()} tokens; it "
                "doesn't see each sequence for itself (an embedding of positions?), leave it out "
                "of language.parts"
            )
        sink(item, values if len(own) == len(values) else values[own])

    forward(keep, ids, attention_mask=mask)
