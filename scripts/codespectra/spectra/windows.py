"""Exponents over every window of ranks: does the window decide whether a code is smooth?

A code is smooth where its variances fall faster than rank ** -1. A window of ranks can't show that
for all ranks (Hendrick 2026), so the exponents of many windows are told, and where they lie on both
sides of -1 the verdict is that the code's is not identified.
"""

import math
from typing import Any

import numpy as np
import pandas as pd

from codespectra.spectra.eigenspectrum import Spectrum
from codespectra.spectra.power_law import FEWEST_RANKS, above_floor

FEWEST = 30  # ranks of a window that has a say in the verdict
STIMULI_A_RANK = 5  # fewer, and the sample's last ranks fall off whatever the code is
UNITS_A_RANK = 2  # likewise


def window_map(found: Spectrum) -> pd.DataFrame:
    """Least-squares exponent of log variance on log rank over windows of at least 5 ranks.

    Both ends go up in steps of half an octave. The windows end at the last rank above the noise
    floor, a fifth of the stimuli, or half of the units, whichever comes first.

    Returns:
        first_rank, last_rank, alpha, kind: `map` for windows of the map; `local` for those of one
        octave from every step on, which are the spectrum's local slope.
    """
    usable = above_floor(found.eigenvalues)
    last = min(usable, found.n // STIMULI_A_RANK, found.width // UNITS_A_RANK)
    steps = np.unique(np.round(2 ** np.arange(0, 2 * math.log2(max(last, 1)) + 0.1, 0.5)))
    steps = steps[steps <= last].astype(int)
    ends = np.unique([*steps, last])
    windows = [(a, b, "map") for a in steps for b in ends] + [(a, 2 * a, "local") for a in steps]
    kept = [(a, b, kind) for a, b, kind in windows if a + FEWEST_RANKS - 1 <= b <= last]
    table = pd.DataFrame(kept, columns=["first_rank", "last_rank", "kind"])
    table.insert(2, "alpha", _slopes(found.eigenvalues[:last], table.first_rank, table.last_rank))
    return table


def _slopes(eigenvalues: np.ndarray, first: pd.Series, last: pd.Series) -> np.ndarray:
    """Least-squares slopes over ranks first to last, from sums up to each rank."""
    x, y = np.log(np.arange(1, len(eigenvalues) + 1)), np.log(eigenvalues)
    start, stop = first.to_numpy(int) - 1, last.to_numpy(int)
    count = stop - start

    def sums(values: np.ndarray) -> np.ndarray:
        upto = np.concatenate([[0], np.cumsum(values)])
        return upto[stop] - upto[start]

    spread = sums(x * x) - sums(x) ** 2 / count
    return (sums(x * y) - sums(x) * sums(y) / count) / spread


def verdict(windows: pd.DataFrame) -> dict[str, Any]:
    """Median, least and largest exponent of the map's windows of at least 30 ranks, and a note.

    The note begins with `not identified` where some lie above -1 and others below.
    """
    long = windows[(windows.kind == "map") & (windows.last_rank - windows.first_rank >= FEWEST - 1)]
    if long.empty:
        note = f"no window of {FEWEST} ranks within a fifth of the stimuli and half of the units"
        return {"value": math.nan, "low": math.nan, "high": math.nan, "ranks": "", "note": note}
    low, high = float(long.alpha.min()), float(long.alpha.max())
    note = f"not identified: the window decides the sign of alpha + 1 ({len(long)} windows)"
    return {
        "value": float(long.alpha.median()),
        "low": low,
        "high": high,
        "ranks": f"{long.first_rank.min()}-{long.last_rank.max()}",
        "note": note if low < -1 < high else "",
    }
