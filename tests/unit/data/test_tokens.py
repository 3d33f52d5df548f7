"""Cutting text into sequences, and tokens through the activations file and back."""

from itertools import chain

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from codespectra.data.tokenization import (
    Frame,
    choose_sequences,
    cut_sequences,
    tokenize,
    tokens_of,
)
from codespectra.data.tokens import read_tokens, write_tokens
from codespectra.errors import UserError
from codespectra.models.byte_gpt2 import byte_tokenizer

DOCUMENTS = st.lists(st.lists(st.integers(0, 255), max_size=60), max_size=6)
TEXTS = ["def f(x):\n    return x + 1\n", "naïve – 日本\n", "a b" * 30]


@given(DOCUMENTS, st.integers(1, 13))
def test_cuts_are_each_document_from_its_start(documents, length):
    cuts = cut_sequences(documents, length)
    assert [cut.document for cut in cuts] == sorted(cut.document for cut in cuts)
    for index, ids in enumerate(documents):
        own = [cut.ids.tolist() for cut in cuts if cut.document == index]
        joined = list(chain.from_iterable(own))
        assert joined == ids[: len(joined)]
        assert all(len(piece) == length for piece in own[:-1])
        assert all(length / 2 <= len(piece) <= length for piece in own[-1:])
        assert len(ids) - len(joined) < length / 2


@given(st.integers(1, 40), st.integers(0, 5))
def test_drawn_sequences_are_distinct_and_in_order(count, seed):
    cuts = cut_sequences([list(range(4 * index, 4 * index + 4)) for index in range(40)], 4)
    drawn = choose_sequences(cuts, sequences=count, length=4, seed=seed)
    documents = [cut.document for cut in drawn]
    assert documents == sorted(set(documents)) and len(documents) == count
    assert [cut.ids[0] for cut in drawn] == [4 * document for document in documents]


def test_another_seed_draws_others_and_each_equally_often():
    cuts = cut_sequences([[index] for index in range(10)], 1)
    drawn = [choose_sequences(cuts, sequences=3, length=1, seed=seed) for seed in range(1000)]
    counts = np.bincount([cut.document for draw in drawn for cut in draw])
    # 300 of 1000 each; standard deviation 14.5.
    assert np.abs(counts - 300).max() < 60


def test_too_little_text_says_how_much_there_is():
    cuts = cut_sequences([[1] * 64] * 200, 64)
    with pytest.raises(UserError) as refusal:
        choose_sequences(cuts, sequences=320, length=64, seed=0)
    assert str(refusal.value) == (
        "language.sequences: 320, but the held-out text gives only 200 of length 64; "
        "lower one of them or give more text"
    )


def test_tokens_rejoin_to_the_text():
    tokenizer = byte_tokenizer(8)
    cuts = cut_sequences(tokenize(tokenizer, TEXTS), 8)
    tokens = tokens_of(cuts, tokenizer)
    ids = np.unique(np.concatenate([cut.ids for cut in cuts]))
    for document, text in enumerate(TEXTS):
        own = [index for index, cut in enumerate(cuts) if cut.document == document]
        rows = np.isin(tokens.sequence, own)
        joined = bytes(ids[tokens.token[rows]].tolist())
        assert text.encode().startswith(joined) and len(text.encode()) - len(joined) < 4
        if text.isascii():
            assert "".join("".join(tokens.strings(index)) for index in own) == joined.decode()
    for index, cut in enumerate(cuts):
        positions = tokens.position[tokens.sequence == index]
        np.testing.assert_array_equal(positions, np.arange(len(cut.ids)))
    assert (np.diff(tokens.sequence) >= 0).all()


def test_vocabulary_is_of_the_occurring_tokens_by_id():
    tokenizer = byte_tokenizer(8)
    tokens = tokens_of(cut_sequences(tokenize(tokenizer, ["cab\ncab"]), 8), tokenizer)
    assert tokens.vocabulary == ["\n", "a", "b", "c"]
    np.testing.assert_array_equal(tokens.token, [3, 1, 2, 0, 3, 1, 2])


def spaced_tokenizer(frame: str = "<s> $A") -> PreTrainedTokenizerFast:
    """Tokens `hi` and ` .`, framed by <s>; decoding cleans the space away unless told not to."""
    backend = Tokenizer(models.WordLevel({"hi": 0, "Ġ.": 1, "<s>": 2}, unk_token="<s>"))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.TemplateProcessing(
        single=frame, special_tokens=[("<s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", clean_up_tokenization_spaces=True
    )


def test_no_token_is_added_and_no_space_is_lost():
    tokenizer = spaced_tokenizer()
    assert tokenizer("hi .")["input_ids"] == [2, 0, 1]
    ids = tokenize(tokenizer, ["hi ."])
    assert ids == [[0, 1]]
    assert tokens_of(cut_sequences(ids, 2), tokenizer).vocabulary == ["hi", " ."]


def test_frame_is_what_the_tokenizer_puts_around_a_text():
    assert Frame.of(spaced_tokenizer()) == Frame((2,), ())
    assert Frame.of(spaced_tokenizer("$A <s> <s>")) == Frame((), (2, 2))
    assert len(Frame.of(byte_tokenizer(8))) == 0
    np.testing.assert_array_equal(Frame((2,), (3, 4)).around(np.array([0, 1])), [2, 0, 1, 3, 4])
    with pytest.raises(UserError, match=r"language.special_tokens: .* set it to false"):
        Frame.of(spaced_tokenizer("$A <s> $A"))


def test_tokens_come_back_from_the_file(tmp_path):
    tokenizer = byte_tokenizer(8)
    tokens = tokens_of(cut_sequences(tokenize(tokenizer, TEXTS), 8), tokenizer)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write_tokens(file, tokens)
    with h5py.File(tmp_path / "a.h5") as file:
        found = read_tokens(file)
    assert found.vocabulary == tokens.vocabulary
    for name in ("token", "sequence", "position"):
        np.testing.assert_array_equal(getattr(found, name), getattr(tokens, name))
        assert getattr(found, name).dtype == np.int32
