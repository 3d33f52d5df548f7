"""Is it a power law? Held-out likelihood of a broken law and of one with an exponential cut-off.

The stimuli are cut in three: the first part gives principal components, the second the shape of the
variances along them, and the third is scored, each part in turn. Components and shape know nothing
of what is scored, so that a shape with more numbers wins only where it is nearer.
"""

from dataclasses import dataclass

import numpy as np

from codespectra.capture.rows import Rows
from codespectra.errors import ArgumentError
from codespectra.statistics.arrays import rows_to_read
from codespectra.statistics.intervals import mean_interval
from codespectra.statistics.row_blocks import rows_at

MOST = 1 << 17  # stimuli: 157 MB of 150 scores
PARTS = 3
FEWEST_RANKS = 10
LAST_RANK = 100
STIMULI_A_RANK = 2  # of a part
BREAKS = 16  # ranks at which one is looked for
TURNS = 50  # of the fit, which converges in under ten


@dataclass(frozen=True)
class Gain:
    """Log-likelihood of held-out stimuli beyond a power law's, in nats a stimulus.

    Attributes:
        mean: above zero where the alternative is nearer.
        low: 95 % interval over stimuli.
        high: its upper end.
        rank: where the law breaks, or falls to 1 / e of the power law; mean over the parts, inf
            where nothing is cut off.
    """

    mean: float
    low: float
    high: float
    rank: float


def held_out_gains(
    scores: Rows, *, first: int = 10, seed: int = 0
) -> tuple[dict[str, Gain], tuple[int, int]]:
    """Gains of `broken` and `cut_off`, and the first and last rank that they are of.

    Args:
        scores: (N, p) of `Spectrum`, of which at most 131,072 are used, drawn by chance.
        first: the first rank; the last is 100, two thirds of p, or a sixth of the stimuli.
        seed: of the parts.

    Raises:
        ArgumentError: fewer than 10 ranks.
    """
    scores = rows_to_read(scores, "scores", "N, p")
    n, held = min(MOST, scores.shape[0]), scores.shape[1]
    last = min(LAST_RANK, held * 2 // 3, n // (PARTS * STIMULI_A_RANK))
    if last - first + 1 < FEWEST_RANKS:
        raise ArgumentError(
            f"scores: ranks {first}-{last} of {n} stimuli and {held} components, "
            f"{FEWEST_RANKS} ranks needed to compare shapes"
        )
    drawn = np.random.default_rng(seed).permutation(scores.shape[0])[:n]
    rows = [_centred(part) for part in np.array_split(rows_at(scores, drawn), PARTS)]
    ranks = np.arange(first, last + 1)
    scored = {name: [] for name in ("power", "broken", "cut_off")}
    places = {"broken": [], "cut_off": []}
    for turn in range(PARTS):
        components, shape, test = (rows[(turn + k) % PARTS] for k in range(PARTS))
        basis = np.linalg.eigh(components.T @ components)[1][:, ::-1][:, first - 1 : last]
        seen, unseen = (shape @ basis) ** 2, (test @ basis) ** 2
        for name, (variances, place) in _shapes(ranks, seen.mean(axis=0)).items():
            scored[name].append(-0.5 * (np.log(variances) + unseen / variances).sum(axis=1))
            if name in places:
                places[name].append(place)
    power = np.concatenate(scored["power"])
    return {
        name: Gain(*mean_interval(np.concatenate(scored[name]) - power), float(np.mean(found)))
        for name, found in places.items()
    }, (first, last)


def _centred(scores: np.ndarray) -> np.ndarray:
    scores = scores.astype(np.float64)
    return scores - scores.mean(axis=0)


def _shapes(ranks: np.ndarray, variances: np.ndarray) -> dict[str, tuple[np.ndarray, float]]:
    """The most likely variances of each shape, and where they break or are cut off."""
    line = np.stack([np.ones(len(ranks)), np.log(ranks)], axis=1)
    power = _most_likely(line, variances)
    broken = []
    for at in np.unique(np.geomspace(ranks[2], ranks[-3], BREAKS).round()):
        bend = np.maximum(0, np.log(ranks / at))
        broken.append((_most_likely(np.column_stack([line, bend]), variances), float(at)))
    cut = np.column_stack([line, ranks / ranks[-1]])
    fit = _most_likely(cut, variances)
    rate = np.linalg.lstsq(cut, np.log(fit), rcond=None)[0][2] / ranks[-1]
    return {
        "power": (power, np.nan),
        "broken": min(broken, key=lambda one: _deviance(one[0], variances)),
        "cut_off": (fit, -1 / rate) if rate < 0 else (power, np.inf),
    }


def _deviance(fit: np.ndarray, variances: np.ndarray) -> float:
    return float((np.log(fit) + variances / fit).sum())


def _most_likely(columns: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """Variances exp(columns @ b) of Gaussian coordinates with these mean squares: Fisher scoring.

    Its weights are all one, so that each turn is a line through logs and relative residuals.
    """
    solve = np.linalg.pinv(columns)
    logs = columns @ (solve @ np.log(variances))
    for _ in range(TURNS):
        after = columns @ (solve @ (logs + np.exp(np.log(variances) - logs) - 1))
        if np.abs(after - logs).max() < 1e-10:
            break
        logs = after
    return np.exp(logs)
