"""What each estimator says of a layer: rows of estimates.csv and windows.csv.

Each stands beside the others, and beside paper A's line through the ranks of its window, which is
the first. An estimator that a layer is too small or too noisy for gives a row without a value, and
says so in its note.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from codespectra.capture.rows import Rows
from codespectra.errors import ArgumentError
from codespectra.spectra import alternatives, extrapolation, meme, participation, windows
from codespectra.spectra.eigenmoments import Moments, eigenmoments
from codespectra.spectra.eigenspectrum import Spectrum
from codespectra.spectra.power_law import PowerLaw, weighted_power_law

ESTIMATE_COLUMNS = ["estimator", "quantity", "value", "low", "high", "ranks", "note"]
WINDOW_COLUMNS = ["kind", "first_rank", "last_rank", "alpha"]

Row = dict[str, Any]


@dataclass(frozen=True)
class Code:
    """A layer's activations, and what is known of them before any other estimator.

    Attributes:
        rows: (N, D), or the first repeat.
        spectrum: of `rows`.
        law: paper A's fit, of what the repeats share where there are two.
        interval: 95 % interval of `law.alpha`.
        ranks: the window that was asked for.
        seed: of all draws.
        repeat: the second repeat, if there is one.
        shared: cross-validated eigenvalues, if there are repeats, for Stringer et al.'s fit.
    """

    rows: Rows
    spectrum: Spectrum
    law: PowerLaw
    interval: tuple[float, float]
    ranks: tuple[int, int]
    seed: int = 0
    repeat: Rows | None = None
    shared: np.ndarray | None = None

    @cached_property
    def moments(self) -> Moments:
        """Eigenmoments, of what the repeats share where there are two."""
        return eigenmoments(self.rows, self.repeat, seed=self.seed)


def estimate(code: Code, estimators: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of estimates.csv and of windows.csv without what they begin with, by estimator's name.

    Of two repeats there are `meme`, `meme_broken`, `participation_ratio` and `stringer`; others
    know no noise and are left out.
    """
    rows = [_row("paper", "alpha", code.law.alpha, *code.interval, _span(code.law), code.law.note)]
    known = OF_CODES if code.repeat is None else OF_REPEATS
    for name in estimators:
        if name in known:
            quantities, find = known[name]
            try:
                rows += [{"estimator": name} | row for row in find(code)]
            except ArgumentError as error:  # what the estimator needs and the layer hasn't
                rows += [
                    _row(name, quantity, note=re.sub(r"^\w+: ", "", str(error)))
                    for quantity in quantities
                ]
    mapped = "windows" in estimators and code.repeat is None
    table = windows.window_map(code.spectrum) if mapped else pd.DataFrame(columns=WINDOW_COLUMNS)
    return pd.DataFrame(rows, columns=ESTIMATE_COLUMNS), table[WINDOW_COLUMNS]


def _row(
    estimator: str,
    quantity: str,
    value: float = np.nan,
    low: float = np.nan,
    high: float = np.nan,
    ranks: str = "",
    note: str = "",
) -> Row:
    return {
        "estimator": estimator,
        "quantity": quantity,
        "value": value,
        "low": low,
        "high": high,
        "ranks": ranks,
        "note": note,
    }


def _span(law: PowerLaw) -> str:
    return f"{law.first_rank}-{law.last_rank}"


def _used(code: Code) -> str:
    """A note where only some of the stimuli were used."""
    stimuli = code.moments.stimuli
    return "" if stimuli >= code.rows.shape[0] - 1 else f"of {stimuli} stimuli, drawn by chance"


def _meme(code: Code) -> Iterator[Row]:
    law = meme.fit_law(code.moments)
    every = f"1-{code.moments.width}"
    yield _row("meme", "alpha", law.alpha, law.alpha_low, law.alpha_high, every, _used(code))


def _meme_broken(code: Code) -> Iterator[Row]:
    law = meme.fit_broken_law(code.moments)
    at, width = int(law.break_rank), code.moments.width
    as_well = meme.fit_law(code.moments).cost <= law.cost + meme.TWO_MORE
    notes = ["a law without a break fits as well" if as_well else "", _used(code)]
    row = partial(_row, "meme_broken", note="; ".join(filter(None, notes)))
    yield row("alpha", law.alpha, law.alpha_low, law.alpha_high, f"1-{at}")
    yield row("alpha2", law.alpha2, law.alpha2_low, law.alpha2_high, f"{at}-{width}")
    yield row("break_rank", at, law.break_low, law.break_high, f"1-{width}")


def _extrapolation(code: Code) -> Iterator[Row]:
    stimuli, both = extrapolation.extrapolate(code.rows, ranks=code.ranks, seed=code.seed)
    for quantity, found in (("alpha", stimuli), ("alpha_of_more_units", both)):
        some = found.stimuli < code.rows.shape[0]
        notes = [found.note, f"of {found.stimuli} stimuli, drawn by chance" if some else ""]
        note = "; ".join(filter(None, notes))
        ranks = f"{code.ranks[0]}-{code.ranks[1]}"
        yield _row("extrapolation", quantity, found.alpha, found.low, found.high, ranks, note)


def _alternatives(code: Code) -> Iterator[Row]:
    first = code.ranks[0]
    gains, (_, last) = alternatives.held_out_gains(
        code.spectrum.scores, first=first, seed=code.seed
    )
    some = code.spectrum.n > alternatives.MOST
    used = f"of {alternatives.MOST} stimuli, drawn by chance" if some else ""
    for name, gain in gains.items():
        better = "nearer than a power law" if gain.low > 0 else ""
        note = "; ".join(filter(None, [better, used]))
        row = partial(_row, "alternatives", ranks=f"{first}-{last}", note=note)
        yield row(f"{name}_gain_nats", gain.mean, gain.low, gain.high)
        yield row(f"{name}_rank", gain.rank)


def _windows(code: Code) -> Iterator[Row]:
    yield _row("windows", "alpha", **windows.verdict(windows.window_map(code.spectrum)))


def _participation_ratio(code: Code) -> Iterator[Row]:
    if code.repeat is None:
        found = participation.corrected_ratios(code.rows, code.spectrum)
    else:
        found = participation.shared_ratios(code.rows, code.repeat)
    names = "participation_ratio_of_more_units", "participation_ratio"
    for quantity, ratio in zip(names, found, strict=True):
        endless = np.isinf(ratio.value)
        note = "units covary no more than chance has it" if endless else ""
        yield _row("participation_ratio", quantity, **vars(ratio), note=note)


def _stringer(code: Code) -> Iterator[Row]:
    law = weighted_power_law(code.spectrum.eigenvalues if code.shared is None else code.shared)
    yield _row("stringer", "alpha", law.alpha, ranks=_span(law), note=law.note)


Estimator = tuple[tuple[str, ...], Callable[[Code], Iterator[Row]]]

# What each tells, for a row without a value; and how it is found.
OF_REPEATS: dict[str, Estimator] = {
    "meme": (("alpha",), _meme),
    "meme_broken": (("alpha", "alpha2", "break_rank"), _meme_broken),
    "participation_ratio": (("participation_ratio",), _participation_ratio),
    "stringer": (("alpha",), _stringer),
}
OF_CODES: dict[str, Estimator] = OF_REPEATS | {
    "windows": (("alpha",), _windows),
    "alternatives": (("broken_gain_nats", "cut_off_gain_nats"), _alternatives),
    "extrapolation": (("alpha",), _extrapolation),
}
