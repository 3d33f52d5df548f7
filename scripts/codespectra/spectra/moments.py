"""Count, mean and scatter of rows that come in order: of more rows at the end, they go on.

Rows are added slab by slab, and how many make a slab follows from their width. Sums that go on from
those of the first slabs are the same operations as those of all rows at once: the same bits.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from scipy import linalg

from codespectra.capture.rows import SLAB, Rows
from codespectra.spectra.on_gpu import products

if TYPE_CHECKING:
    import torch

log = logging.getLogger("codespectra")

SHIFTED = 1024  # first rows, whose mean is the shift


@dataclass
class Moments:
    """Sums over the first `count` rows, from which a shift is taken.

    Attributes:
        count: N.
        shift: (D,).
        drift: (D,) sum of the rows minus the shift.
        scatter: (D, D) lower triangle of the sum of their outer products.
        device: a GPU that computes these, slab by slab; None for NumPy.
    """

    count: int
    shift: np.ndarray
    drift: np.ndarray
    scatter: np.ndarray
    device: torch.device | None = None

    @classmethod
    def empty(cls, shift: np.ndarray) -> Moments:
        """The moments of no rows."""
        scatter = np.zeros((len(shift), len(shift)), shift.dtype, order="F")
        return cls(0, shift, np.zeros_like(shift), scatter)

    def add(self, slab: np.ndarray) -> None:
        """Add rows minus the shift."""
        self.drift += np.ones(len(slab), slab.dtype) @ slab
        self._add(1, slab)
        self.count += len(slab)

    def covariance(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower triangle (D, D) of the covariance, and the mean (D,); no rows can be added then."""
        self._add(-1 / self.count, self.drift[None])
        self.scatter /= self.count - 1
        return self.scatter, self.shift + self.drift / self.count

    def _add(self, factor: float, rows: np.ndarray) -> None:
        if self.device is not None:
            self.scatter += factor * products(rows, self.device)
            return
        syrk = linalg.get_blas_funcs("syrk", dtype=rows.dtype)
        self.scatter = syrk(factor, rows.T, beta=1, c=self.scatter, lower=1, overwrite_c=1)


class KeptMoments:
    """Moments of a layer's first rows as an earlier run has left them, and as this one leaves them.

    Those of whole slabs are kept. They are taken if their rows are still the first ones.
    """

    def __init__(self, layer: str, earlier: Path | None, new: h5py.File):
        """Take the layer's name, the HDF5 file of the earlier run, and that of this one."""
        self._layer, self._earlier, self._new = layer, earlier, new

    def take(self, rows: Rows, shift: np.ndarray) -> Moments | None:
        """The earlier run's, if there are any of these rows about this shift."""
        if self._earlier is None:
            return None
        with h5py.File(self._earlier, "r") as file:
            found = file.get(self._place(shift))
            if found is None or not np.array_equal(found["shift"][:], shift):
                return None
            count = int(found.attrs["count"])
            if count > len(rows) or count % _slab_rows(rows):
                return None
            if _digest(rows, count) != found.attrs["rows_sha256"]:
                return None
            unpack = linalg.get_lapack_funcs("tpttr", dtype=shift.dtype)
            log.info("%s: moments of %d of %d rows are taken", self._layer, count, len(rows))
            scatter, _ = unpack(len(shift), found["scatter"][:], uplo="L")
            return Moments(count, shift, found["drift"][:], np.asfortranarray(scatter))

    def keep(self, rows: Rows, moments: Moments) -> None:
        """Let the next run take them."""
        pack = linalg.get_lapack_funcs("trttp", dtype=moments.shift.dtype)
        scatter, _ = pack(moments.scatter, uplo="L")
        self._write(
            self._place(moments.shift),
            {"scatter": scatter, "shift": moments.shift, "drift": moments.drift},
            {"count": moments.count, "rows_sha256": _digest(rows, moments.count)},
        )

    def carry(self) -> None:
        """Let the next run take what the earlier one has left, of a layer that stays as it is."""
        with h5py.File(self._earlier, "r") as file:
            for place, group in file.get(self._layer, {}).items():
                arrays = {name: dataset[:] for name, dataset in group.items()}
                self._write(f"{self._layer}/{place}", arrays, dict(group.attrs))

    def _write(
        self, place: str, arrays: Mapping[str, np.ndarray], attributes: Mapping[str, Any]
    ) -> None:
        group = self._new.create_group(place)
        for name in ("scatter", "shift", "drift"):
            group[name] = arrays[name]
        for name in ("count", "rows_sha256"):
            group.attrs[name] = attributes[name]

    def _place(self, shift: np.ndarray) -> str:
        return f"{self._layer}/{shift.dtype}"


def covariance(
    rows: Rows,
    dtype: type,
    kept: KeptMoments | None = None,
    device: torch.device | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Lower triangle (D, D) of the covariance of rows (N, D), and their mean (D,).

    Args:
        rows: read slab by slab, shifted so that large means cost no digits.
        dtype: of the sums.
        kept: what may be taken of an earlier run, and where this run's go.
        device: a GPU that computes products; None for NumPy.
    """
    shift = rough_mean(rows, dtype)
    moments = (kept and kept.take(rows, shift)) or Moments.empty(shift)
    moments.device = device
    whole = len(rows) - len(rows) % _slab_rows(rows)
    for slab in slabs(rows, shift, range(moments.count, whole)):
        moments.add(slab)
    if kept and whole:
        kept.keep(rows, moments)
    for slab in slabs(rows, shift, range(whole, len(rows))):
        moments.add(slab)
    return moments.covariance()


def rough_mean(rows: Rows, dtype: type) -> np.ndarray:
    """Mean (D,) of the first 1,024 rows, near enough to all rows' to keep their digits."""
    return rows[:SHIFTED].mean(axis=0, dtype=np.float64).astype(dtype)


def slabs(rows: Rows, shift: np.ndarray, part: range | None = None) -> Iterator[np.ndarray]:
    """All rows, or a part of them, minus `shift` and in its type, a slab at a time."""
    part, step = range(len(rows)) if part is None else part, _slab_rows(rows)
    for start in part[::step]:
        slab = rows[start : min(start + step, part.stop)].astype(shift.dtype)
        slab -= shift
        yield slab


def _slab_rows(rows: Rows) -> int:
    """Rows of a slab: a whole number of HDF5 chunks, and about 32 MB."""
    grain = (getattr(rows, "chunks", None) or (1,))[0]
    return grain * max(1, SLAB // (rows.shape[1] * grain))


def _digest(rows: Rows, count: int) -> str:
    """Digest of the first rows as they are read."""
    digest, step = hashlib.sha256(), _slab_rows(rows)
    for start in range(0, count, step):
        digest.update(np.ascontiguousarray(rows[start : min(start + step, count)]).data)
    return digest.hexdigest()
