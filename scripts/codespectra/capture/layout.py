"""What an activations file holds, or one shard of it, and what is known of a finished one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import h5py
import numpy as np

from codespectra.capture.shard import WHOLE, Shard
from codespectra.files.json_files import content_digest
from codespectra.models.hooks import Wanted


def _nothing(file: h5py.File) -> None:
    """What a file holds besides its rows, when that is nothing."""


@dataclass(frozen=True)
class Layout:
    """What an activations file holds, or one shard of it.

    Attributes:
        wanted: its datasets.
        offsets: (stimuli + 1,) the row at which each stimulus begins, and the number of rows R,
            of the whole.
        dtype: float32 or float16.
        attributes: of the file; a partial file is resumed only for the same ones.
        besides: writes what else the file holds, before its rows.
        grain: shards begin at multiples of so many stimuli.
        row: what a row is of, which names the first axis of the datasets.
        shard: the one whose rows the file holds.
        follows_from: what a partial file must have come from too, which the file doesn't say.
    """

    wanted: list[Wanted]
    offsets: Sequence[int]
    dtype: str
    attributes: dict[str, Any]
    besides: Callable[[h5py.File], None] = _nothing
    grain: int = 1
    row: str = "stimulus"
    shard: Shard = WHOLE
    follows_from: Sequence[Any] = ()

    def part(self, shard: Shard) -> "Layout":
        """The layout of one shard: its rows, without what the whole file holds besides."""
        if shard == WHOLE:
            return self
        attributes = self.attributes | {"shard": shard}
        return replace(self, shard=shard, attributes=attributes, besides=_nothing)

    @property
    def stimuli(self) -> range:
        """Indices of the stimuli whose rows the file holds."""
        return self.shard.share(len(self.offsets) - 1, self.grain)

    @property
    def rows(self) -> int:
        """Rows of every dataset."""
        return self.row_of(self.stimuli.stop)

    def row_of(self, stimulus: int) -> int:
        """The row of the file at which a stimulus of the whole begins."""
        return int(self.offsets[stimulus] - self.offsets[self.stimuli.start])

    @property
    def bytes(self) -> int:
        """Bytes of all rows."""
        return sum(item.width for item in self.wanted) * self.rows * np.dtype(self.dtype).itemsize

    @property
    def identity(self) -> str:
        """Digest that tells this capture from others."""
        keys = [item.key for item in self.wanted]
        attributes = {key: str(value) for key, value in self.attributes.items()}
        return content_digest([attributes, keys, self.dtype, self.rows, *self.follows_from])


@dataclass(frozen=True)
class Written:
    """What is known of a finished activations file.

    Attributes:
        correct: how many stimuli were predicted rightly; None where nothing is predicted.
        sha256: `hdf5_digest` of the file.
        rows: `rows_digest` of each dataset, by its key.
        whole: stimuli in whole grains of the layout, and how many of these were predicted rightly.
        differences: how far each dataset is from float32, on a sample; empty if it is float32.
    """

    correct: int | None
    sha256: str
    rows: dict[str, str]
    whole: tuple[int, int] = (0, 0)
    differences: dict[str, float] = field(default_factory=dict)
