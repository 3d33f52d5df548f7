"""What a file of activations gives: rows of each layer, and what it says of its rows."""

from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import numpy as np

Format = Literal[
    "npy",
    "npz",
    "hdf5",
    "zarr",
    "safetensors",
    "mat",
    "anndata",
    "netcdf",
    "thingsvision",
    "sae_lens",
    "nwb",
    "stringer2019",
]
FORMATS: tuple[Format, ...] = get_args(Format)


class Rows(Protocol):
    """An array (N, ...) of which some rows at a time are read, in the file's order."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, ...)."""

    @property
    def dtype(self) -> np.dtype:
        """Of the numbers."""

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Rows start to stop, (stop - start, ...), as an array of its own."""


@dataclass(frozen=True)
class Source:
    """Activations as a file holds them.

    Attributes:
        format: one of `FORMATS`.
        layers: rows (N, ...) by layer name, in the file's own order; N is the same for all. Units
            are the columns.
        ids: stimulus_id of each row, where the file tells.
        repeats: which presentation of its stimulus each row is, where the file tells.
        remarks: what was passed over, guessed or converted, in words.
    """

    format: str
    layers: dict[str, Rows]
    ids: list[str] | None
    repeats: list[int] | None
    remarks: list[str]
