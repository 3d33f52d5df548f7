"""Tokens of analysed text as the activations file holds them: a row each, beside the activations.

The group `text` of the file has `token` (R,), an index into the vocabulary of the tokens that
occur, `sequence` (R,) and `position` (R,), counted from 0, and the vocabulary as JSON.
"""

import hashlib
import json
from dataclasses import dataclass

import h5py
import numpy as np

from codespectra.files.json_files import parse_json
from codespectra.files.named_axes import name_axes

GROUP = "text"
ROW = "token_row"  # the axis that rows of activations and these tokens share


@dataclass(frozen=True)
class Tokens:
    """R tokens in running order, sequence by sequence; padding isn't among them.

    Attributes:
        token: (R,) int32, index into `vocabulary`.
        sequence: (R,) int32, ascending.
        position: (R,) int32, of the token in its sequence.
        vocabulary: strings of the tokens that occur; several may look alike.
    """

    token: np.ndarray
    sequence: np.ndarray
    position: np.ndarray
    vocabulary: list[str]

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of which token stands where."""
        rows = np.stack([self.token, self.sequence, self.position]).astype(np.int64)
        return hashlib.sha256(rows.tobytes() + json.dumps(self.vocabulary).encode()).hexdigest()

    def strings(self, sequence: int) -> list[str]:
        """Tokens of one sequence as text."""
        return [self.vocabulary[code] for code in self.token[self.sequence == sequence]]


def write_tokens(file: h5py.File, tokens: Tokens) -> None:
    """Add the tokens to an open HDF5 file."""
    group = file.create_group(GROUP)
    for name in ("token", "sequence", "position"):
        group[name] = getattr(tokens, name).astype(np.int32)
        name_axes(group[name], (ROW,), file)
    text = json.dumps(tokens.vocabulary).encode()
    group["vocabulary"] = np.frombuffer(text, np.uint8)
    name_axes(group["vocabulary"], ("vocabulary_byte",), file)


def read_tokens(file: h5py.File) -> Tokens:
    """The tokens of an open activations file."""
    group = file[GROUP]
    vocabulary = parse_json(group["vocabulary"][:].tobytes())
    token, sequence, position = (group[name][:] for name in ("token", "sequence", "position"))
    return Tokens(token, sequence, position, vocabulary)
