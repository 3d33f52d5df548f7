"""Tokens of sequences, drawn at random."""

from collections.abc import Sequence

import numpy as np

from codespectra.data.tokens import Tokens


def random_tokens(lengths: Sequence[int], vocabulary: list[str], seed: int = 0) -> Tokens:
    rng = np.random.default_rng(seed)
    return Tokens(
        token=rng.integers(len(vocabulary), size=sum(lengths)).astype(np.int32),
        sequence=np.repeat(np.arange(len(lengths), dtype=np.int32), lengths),
        position=np.concatenate([np.arange(n, dtype=np.int32) for n in lengths]),
        vocabulary=vocabulary,
    )
