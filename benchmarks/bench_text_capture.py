"""Capturing MLPs and residual stream of a language model against bare forward passes of it.

Two bare passes: the plain one, as a user would write it, with its logits; and one of the body
alone, which ends where ours ends. The goal for GPT-2's width is that for images. A network of
width 64 does only a few hundred operations for each number it stores, 157 MB in half a second, so
that the disk weighs more. A pass a layer ends at that layer, so that n of them cost about n / 2
whole passes: hence the goal of one pass over them is half of that for images.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import torch
from side_by_side import Row, compare, show

from codespectra.capture.text import capture_text, select_parts
from codespectra.data.tokenization import Cut
from codespectra.data.tokens import Tokens
from codespectra.models.hooks import Wanted
from codespectra.models.language_models import initialise, inspect_layers

BATCH, LENGTH = 8, 64
SEQUENCES, FEW_SEQUENCES = 320, 16
PARTS = {"mlp": ["*.mlp.act"], "residual": [{"type": "GPT2Block"}]}
BYTES = {"n_embd": 64, "n_layer": 6, "n_head": 4, "n_positions": 96, "vocab_size": 256}
# Width, heads and vocabulary of GPT-2; a third of its blocks.
MEDIUM = {"n_embd": 768, "n_layer": 4, "n_head": 12, "n_positions": 1024, "vocab_size": 50257}
SMALL = {
    "SEQUENCES": 10,
    "FEW_SEQUENCES": 2,
    "LENGTH": 8,
    "BYTES": {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 64, "vocab_size": 256},
    "MEDIUM": {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64, "vocab_size": 256},
}


@dataclass
class Bench:
    """One GPT-2 with sequences of tokens, and every way to pass them through it."""

    name: str
    config: dict[str, int]
    sequences: int
    folder: Path

    def __post_init__(self):
        torch.manual_seed(0)
        self.network = initialise({"model_type": "gpt2", **self.config}, "causal")
        ids = np.random.default_rng(0).integers(256, size=(self.sequences, LENGTH))
        self.cuts = [Cut(index, row) for index, row in enumerate(ids)]
        position, sequence = np.meshgrid(np.arange(LENGTH), np.arange(self.sequences))
        flat = (array.ravel().astype(np.int32) for array in (ids, sequence, position))
        self.tokens = Tokens(*flat, vocabulary=[chr(code) for code in range(256)])
        available = [vars(layer) for layer in inspect_layers(self.network)]
        chosen = select_parts(PARTS, available)
        self.wanted = chosen["mlp"] + chosen["residual"]

    def plain_pass(self, network: torch.nn.Module | None = None) -> None:
        with torch.inference_mode():
            for start in range(0, self.sequences, BATCH):
                ids = np.stack([cut.ids for cut in self.cuts[start : start + BATCH]])
                (network or self.network)(torch.from_numpy(ids))

    def body_pass(self) -> None:
        self.plain_pass(self.network.transformer)

    def capture(self, wanted: list[Wanted]) -> Path:
        path = self.folder / "text.h5"
        capture_text(
            path,
            self.network,
            self.cuts,
            self.tokens,
            wanted,
            dtype="float32",
            batch=BATCH,
            attributes={},
        )
        return path

    def one_pass_a_layer(self) -> None:
        for item in self.wanted:
            self.capture([item])


def assert_agrees(bench: Bench) -> None:
    """Every number of one pass is, bit for bit, that of a lone hook on its layer."""
    with h5py.File(bench.capture(bench.wanted)) as file:
        together = {item.layer["module"]: file[item.key][:] for item in bench.wanted}
    for name, rows in together.items():
        outputs: list[torch.Tensor] = []
        handle = bench.network.get_submodule(name).register_forward_hook(
            lambda _, __, output, outputs=outputs: outputs.append(output.flatten(0, 1))
        )
        bench.body_pass()
        handle.remove()
        np.testing.assert_array_equal(rows, torch.cat(outputs))


def rows_of(bench: Bench, at_most: float) -> Iterator[Row]:
    """Every row of one network; `at_most` is the goal over a bare pass."""
    assert_agrees(bench)
    count = len(bench.wanted)
    for kind, bare in (
        ("the plain pass", bench.plain_pass),
        ("a pass without logits", bench.body_pass),
    ):
        yield compare(
            f"text capture, {count} layers, {bench.name}",
            kind,
            bare,
            lambda: bench.capture(bench.wanted),
            at_most=at_most,
            repeats=7,
        )
    yield compare(
        f"text capture of {count} layers in one pass, {bench.name}",
        "a pass a layer",
        bench.one_pass_a_layer,
        lambda: bench.capture(bench.wanted),
        at_least=0.35 * count,
        repeats=3,
    )


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        yield from rows_of(Bench("byte GPT-2", BYTES, SEQUENCES, Path(folder)), at_most=1.5)
        yield from rows_of(
            Bench("GPT-2, 4 blocks", MEDIUM, FEW_SEQUENCES, Path(folder)), at_most=1.25
        )


if __name__ == "__main__":
    show(rows())
