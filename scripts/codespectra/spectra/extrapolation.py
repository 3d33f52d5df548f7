"""Exponents of nested parts of the stimuli and units, carried on to infinitely many of both.

A fitted exponent is off by terms in 1 / N and 1 / N^2, and where the units are a sample of more, by
one in 1 / D. Halves and quarters of the stimuli, and halves of the units, tell how large they are.
"""

from dataclasses import dataclass

import numpy as np

from codespectra.capture.rows import SLAB, Rows
from codespectra.errors import ArgumentError
from codespectra.spectra import eigenspectrum
from codespectra.spectra.power_law import fit_power_law
from codespectra.statistics.arrays import rows_to_read
from codespectra.statistics.intervals import NORMAL_REACH

MOST = 8 * SLAB  # numbers held in memory; more stimuli are left out by chance
GROUPS = 8  # of stimuli, left out one at a time for the interval
ROOM = 1.5  # the smallest part has this many stimuli and units for each rank of the window
# Weights of all, halves and quarters that leave nothing of a / N + b / N^2, or of a / N.
QUADRATIC, LINEAR = (8 / 3, -2.0, 1 / 3), (2.0, -1.0)


@dataclass(frozen=True)
class Extrapolated:
    """An exponent with its 95 % interval, by leaving eighths of the stimuli out.

    `stimuli` is how many were used; `note` says how many terms were taken off where it isn't two.
    """

    alpha: float
    low: float
    high: float
    stimuli: int
    note: str


def extrapolate(
    rows: Rows, *, ranks: tuple[int, int] = (10, 50), seed: int = 0
) -> tuple[Extrapolated, Extrapolated]:
    """Exponents for N -> infinity at these D units, and for N and D -> infinity.

    The work is some twenty spectra of all rows.

    Args:
        rows: (N, D); at most as many stimuli as make 67 million numbers are used.
        ranks: of `power_law.fit_power_law`.
        seed: of the parts.

    Raises:
        ArgumentError: under 3 stimuli or units for each rank up to the last.
    """
    rows = rows_to_read(rows, "rows")
    rng = np.random.default_rng(seed)
    n, width = min(rows.shape[0], MOST // rows.shape[1]), rows.shape[1]
    least = ROOM * ranks[1]
    if min(n, width) // 2 < least:
        raise ArgumentError(
            f"rows: {n} stimuli and {width} units, "
            f"{2 * least:g} of both needed for ranks up to {ranks[1]}"
        )
    # The leave-out groups lose an eighth before they are quartered.
    weights = QUADRATIC if n * (1 - 1 / GROUPS) / 4 >= least else LINEAR
    drawn = np.sort(rng.permutation(rows.shape[0])[:n])
    step = max(1, SLAB // width)
    places = np.split(drawn, np.searchsorted(drawn, range(step, rows.shape[0], step)))
    slabs = [rows[i * step : (i + 1) * step][part - i * step] for i, part in enumerate(places)]
    held = np.concatenate(slabs)[rng.permutation(n)]
    halves = np.array_split(rng.permutation(width), 2)
    whole = np.array(_limits(held, halves, weights, ranks))
    group = np.arange(n) % GROUPS
    without = [_limits(held[group != one], halves, weights, ranks) for one in range(GROUPS)]
    away = np.array(without) - np.mean(without, axis=0)
    reach = NORMAL_REACH * np.sqrt((GROUPS - 1) / GROUPS * (away**2).sum(axis=0))
    note = "" if weights is QUADRATIC else "only a term in 1 / N taken off: few stimuli"
    stimuli, both = (
        Extrapolated(float(a), float(a - r), float(a + r), n, note)
        for a, r in zip(whole, reach, strict=True)
    )
    return stimuli, both


def _limits(
    rows: np.ndarray, halves: list[np.ndarray], weights: tuple[float, ...], ranks: tuple[int, int]
) -> tuple[float, float]:
    """Exponents for infinite N, at all units and for infinite D."""

    def at_all_stimuli(units: np.ndarray | slice) -> float:
        parts = [
            np.mean([_exponent(rows[start::step][:, units], ranks) for start in range(step)])
            for step in 2 ** np.arange(len(weights))
        ]
        return float(np.dot(weights, parts))

    alone = at_all_stimuli(slice(None))
    return alone, 2 * alone - float(np.mean([at_all_stimuli(half) for half in halves]))


def _exponent(rows: np.ndarray, ranks: tuple[int, int]) -> float:
    found = eigenspectrum.spectrum(rows, components=ranks[1], scores=0)
    return fit_power_law(found.eigenvalues, ranks=ranks).alpha
