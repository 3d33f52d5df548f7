"""From documents to the sequences that are analysed: tokenized, cut, and some of them drawn."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from codespectra.data.tokens import Tokens
from codespectra.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Cut:
    """A sequence as the network takes it: consecutive tokens of a document.

    Attributes:
        document: index of the document.
        ids: (length,) int64, the tokenizer's; at least half of the full length.
    """

    document: int
    ids: np.ndarray


def tokenize(tokenizer: "PreTrainedTokenizerBase", texts: list[str]) -> list[list[int]]:
    """Ids of each text's tokens, without the special tokens that a model may frame a text with."""
    # verbose warns of texts longer than the context; they are cut later.
    return tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]


@dataclass(frozen=True)
class Frame:
    """Ids of the special tokens that a network sees around each sequence."""

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()

    @classmethod
    def of(cls, tokenizer: "PreTrainedTokenizerBase") -> "Frame":
        """The tokens that a tokenizer itself frames a text with.

        Raises:
            UserError: it puts them elsewhere.
        """
        text = "Is it one?"
        plain = tokenize(tokenizer, [text])[0]
        framed = tokenizer(text, return_special_tokens_mask=True)
        ids, first = framed["input_ids"], framed["special_tokens_mask"].index(0)
        last = first + len(plain)
        if ids[first:last] == plain and all(framed["special_tokens_mask"][last:]):
            return cls(tuple(ids[:first]), tuple(ids[last:]))
        raise UserError(
            "language.special_tokens: the tokenizer puts others into a text than special ones "
            "around it; set it to false"
        )

    def around(self, ids: np.ndarray) -> np.ndarray:
        """A sequence's ids with those around them."""
        return np.concatenate([self.before, ids, self.after]).astype(np.int64)

    def __len__(self) -> int:
        return len(self.before) + len(self.after)


def cut_sequences(documents: Iterable[list[int]], length: int) -> list[Cut]:
    """Cut each document's ids into consecutive sequences of `length` tokens.

    The rest of a document is kept if it has at least `length` / 2 tokens.
    """
    return [
        Cut(document, np.array(ids[start : start + length]))
        for document, ids in enumerate(documents)
        for start in range(0, len(ids), length)
        if 2 * (len(ids) - start) >= length
    ]


def choose_sequences(cuts: list[Cut], *, sequences: int, length: int, seed: int) -> list[Cut]:
    """Draw `sequences` of the cuts without replacement; they stay in their order.

    Raises:
        UserError: there are fewer.
    """
    if len(cuts) < sequences:
        raise UserError(
            f"language.sequences: {sequences}, but the held-out text gives only {len(cuts)} of "
            f"length {length}; lower one of them or give more text"
        )
    drawn = np.random.default_rng(seed).choice(len(cuts), sequences, replace=False)
    return [cuts[index] for index in np.sort(drawn)]


def tokens_of(cuts: list[Cut], tokenizer: "PreTrainedTokenizerBase") -> Tokens:
    """All tokens of the sequences; the vocabulary is in ascending order of the ids."""
    ids, token = np.unique(np.concatenate([cut.ids for cut in cuts]), return_inverse=True)
    lengths = [len(cut.ids) for cut in cuts]
    return Tokens(
        token=token.astype(np.int32),
        sequence=np.repeat(np.arange(len(cuts), dtype=np.int32), lengths),
        position=np.concatenate([np.arange(length, dtype=np.int32) for length in lengths]),
        # Cleaning would move the spaces that a token brings.
        vocabulary=[
            tokenizer.decode([id_], clean_up_tokenization_spaces=False) for id_ in ids.tolist()
        ],
    )
