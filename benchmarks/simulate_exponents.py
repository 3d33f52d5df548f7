"""Bias and coverage of the estimators of exponents on planted laws: tables of docs/exponents.md.

Run as `python benchmarks/simulate_exponents.py docs/exponents.md [planted ...]`; it takes minutes.
Each table, or those named, replaces what stands between its markers. An estimator's target is what
it gives for the population's own eigenvalues or moments: the planted exponent, where they are a
power law. Of Gaussian laws with a break, MEME's are the planted ones.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
from page_tables import write_tables
from threadpoolctl import threadpool_limits

from codespectra.spectra import cvpca, eigenspectrum, meme, power_law
from codespectra.spectra.eigenmoments import Moments, eigenmoments
from codespectra.spectra.extrapolation import extrapolate
from codespectra.statistics.intervals import normal_interval

ALPHAS = (-0.5, -0.8, -1.0, -1.2, -1.5)
BREAK, STEEPER = 20, 0.6  # of the laws with a break: rank, and by how much the exponent falls there
# Law and code -> (stimuli, units) and how many samples of each exponent.
SIZES = {
    ("law", "Gaussian"): {
        (200, 200): 10,
        (200, 4000): 5,
        (1000, 1000): 5,
        (4000, 200): 4,
        (4000, 4000): 1,
    },
    ("break", "Gaussian"): {(200, 200): 10, (1000, 1000): 5, (4000, 1000): 1},
    ("law", "rectified"): {(200, 200): 10, (1000, 1000): 4, (4000, 1000): 1},
    ("break", "rectified"): {(200, 200): 10, (1000, 1000): 4, (4000, 1000): 1},
}
EXTRAPOLATED = {(1000, 1000): 1, (1000, 400): 2}
# Pospisil & Pillow (2025), repository meme_v1_bpl: fig. 2 c, d, one draw each of 500 stimuli and
# 1,000 units (noise -> MEME); 20 runs matched to three recordings (exponent -> MEME, cvPCA); and
# the means over seven recordings of Stringer et al. (2019).
DRAWS = {0.25: 0.997, 5.0: 1.021}
MATCHED = {1.094: (1.095, 0.810), 1.016: (1.016, 0.634), 0.963: (0.961, 0.662)}
SEVEN = {
    "cvPCA, ranks 11–500": "1.014 (.963 to 1.094)",
    "MEME, one slope": ".937 (.898 to 1.009)",
    "MEME, before the break": ".518 (.439 to .628)",
    "MEME, break at rank": "15 (10 to 24)",
    "MEME, after the break": "1.204 (1.119 to 1.282)",
}
SIGNAL_SHARE = 0.165  # of the variance, in the one recording that Stringer et al.'s example shows

Found = tuple[float, float, float, float]  # value, low, high, target


def eigenvalues(shape: str, alpha: float, width: int) -> np.ndarray:
    """A planted law, with or without a break."""
    rank = np.log(np.arange(1, width + 1))
    beyond = np.maximum(0, rank - np.log(BREAK)) if shape == "break" else 0
    return np.exp(alpha * rank - STEEPER * beyond)


@cache
def rotation(width: int) -> np.ndarray:
    """One random basis for each number of units."""
    return np.linalg.qr(np.random.default_rng(width).standard_normal((width, width)))[0]


@cache
def population(shape: str, code: str, alpha: float, width: int) -> np.ndarray:
    """The code's true eigenvalues; of rectified Gaussians by their arc-cosine covariance."""
    planted = eigenvalues(shape, alpha, width)
    if code == "Gaussian":
        return planted
    covariance = (rotation(width) * planted) @ rotation(width).T
    spread = np.sqrt(np.diag(covariance))
    between = np.clip(covariance / np.outer(spread, spread), -1, 1)
    lifted = np.sqrt(1 - between**2) + between * (np.pi - np.arccos(between)) - 1
    return np.linalg.eigvalsh(np.outer(spread, spread) * lifted / (2 * np.pi))[::-1]


def sample(shape: str, code: str, alpha: float, size: tuple[int, int], seed: int) -> np.ndarray:
    """Activations (N, D) float32. Gaussian ones keep their axes: no estimator here sees a basis."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal(size, dtype=np.float32)
    rows *= np.sqrt(eigenvalues(shape, alpha, size[1])).astype(np.float32)
    if code == "Gaussian":
        return rows
    return np.maximum(rows @ rotation(size[1]).astype(np.float32).T, 0)


def estimates(
    rows: np.ndarray, truth: np.ndarray, slopes: tuple[float, float] | None
) -> Iterator[tuple[str, Found]]:
    """What each estimator finds in a sample and in the population; `slopes` are planted ones."""
    found = eigenspectrum.spectrum(rows)
    law = power_law.fit_power_law(found.eigenvalues)
    low, high = normal_interval(law.alpha, power_law.bootstrap_exponents(found.scores))
    yield "paper", (law.alpha, low, high, power_law.fit_power_law(truth).alpha)
    stringer = power_law.weighted_power_law(found.eigenvalues)
    target = power_law.weighted_power_law(truth[: stringer.last_rank]).alpha
    yield "stringer", (stringer.alpha, np.nan, np.nan, target)
    moments = eigenmoments(rows)
    one = meme.fit_law(moments)
    own = meme.fit_law(of_population(moments, truth)).alpha
    yield "meme", (one.alpha, one.alpha_low, one.alpha_high, own)
    two = meme.fit_broken_law(moments)
    if slopes is None:
        both = meme.fit_broken_law(of_population(moments, truth))
        slopes = both.alpha, both.alpha2
    yield "meme_broken α", (two.alpha, two.alpha_low, two.alpha_high, slopes[0])
    yield "meme_broken α₂", (two.alpha2, two.alpha2_low, two.alpha2_high, slopes[1])


def of_population(moments: Moments, truth: np.ndarray) -> Moments:
    """The population's moments, with a sample's weights."""
    scaled = truth / moments.scale
    values = np.array([(scaled**k).mean() for k in range(1, len(moments.values) + 1)])
    return replace(moments, values=values)


def planted_laws() -> Iterator[list[str]]:
    """Rows of the table of bias and coverage."""
    for (shape, code), sizes in SIZES.items():
        for size, samples in sizes.items():
            bias, held = defaultdict(list), defaultdict(list)
            for place, alpha in enumerate(ALPHAS):
                truth = population(shape, code, alpha, size[1])
                slopes = (alpha, alpha - STEEPER) if code == "Gaussian" else None
                missed = defaultdict(list)
                for seed in range(place * samples, (place + 1) * samples):
                    rows = sample(shape, code, alpha, size, seed)
                    for name, (value, low, high, target) in estimates(rows, truth, slopes):
                        missed[name].append(value - target)
                        held[name].append(low <= target <= high)
                for name, misses in missed.items():
                    bias[name].append(np.mean(misses))
            for name in bias:
                if shape == "break" or not name.startswith("meme_broken"):
                    yield _row([f"{code}, {shape}", _size(size), name], bias[name], held[name])
            print(code, shape, size, flush=True)


def extrapolated() -> Iterator[list[str]]:
    """Rows of the same table for the extrapolation, on Gaussian laws; units are half of all."""
    for size, samples in EXTRAPOLATED.items():
        bias, held = defaultdict(list), defaultdict(list)
        for alpha in ALPHAS:
            missed = defaultdict(list)
            for seed in range(samples):
                whole = sample("law", "Gaussian", alpha, (size[0], 2 * size[1]), seed)
                mixed = whole @ rotation(2 * size[1])[:, : size[1]].astype(np.float32)
                plain = power_law.fit_power_law(eigenspectrum.spectrum(mixed, scores=0).eigenvalues)
                missed["paper"].append(plain.alpha - alpha)
                names = "extrapolation in N", "extrapolation in N and D"
                for name, one in zip(names, extrapolate(mixed), strict=True):
                    missed[name].append(one.alpha - alpha)
                    held[name].append(one.low <= alpha <= one.high)
            for name, misses in missed.items():
                bias[name].append(np.mean(misses))
        for name in bias:
            yield _row(
                ["Gaussian, half of a law's units", _size(size), name], bias[name], held[name]
            )
        print("extrapolated", size, flush=True)


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]:,} × {size[1]:,}"


def _row(what: list[str], bias: list[float], held: list[bool]) -> list[str]:
    nothing = "stringer" in what[-1] or not held
    return [*what, *(f"{b:+.3f}" for b in bias), "–" if nothing else f"{100 * np.mean(held):.0f} %"]


def published() -> Iterator[list[str]]:
    """Rows of the table beside Pospisil & Pillow's simulations; exponents as they sign them."""
    for level, theirs in DRAWS.items():
        rows = [_repeats(1.0, 500, 1000, level, 1.0, seed) for seed in range(10)]
        yield [f"500 × 1,000, noise {level:g}", "1.000", f"{theirs:.3f}", *_means(rows), "–"]
    for alpha, (theirs, cross) in MATCHED.items():
        share = 1 / SIGNAL_SHARE - 1
        rows = [_repeats(alpha, 2800, 4000, share, 0.5, seed, total=True) for seed in range(2)]
        ours = _means(rows)
        yield ["2,800 × 4,000", f"{alpha:.3f}", f"{theirs:.3f}", *ours, f"{cross:.3f}"]
    print("published", flush=True)


def _means(found: list[tuple[float, float]]) -> list[str]:
    values = np.array(found)
    return [
        f"{m:.3f} ± {s:.3f}" for m, s in zip(values.mean(0), values.std(0, ddof=1), strict=True)
    ]


def _repeats(
    alpha: float,
    n: int,
    width: int,
    level: float,
    noise_alpha: float,
    seed: int,
    total: bool = False,
) -> tuple[float, float]:
    """Exponents by MEME and cvPCA of two repeats, whose noise has other axes than their signal.

    `level` is the noise's first variance over the signal's, or the ratio of the total ones.
    """
    rng = np.random.default_rng(seed)
    rank = np.arange(1, width + 1)
    signal, noise = rank**-alpha, rank**-noise_alpha
    level *= signal.sum() / noise.sum() if total else 1
    noise = level * noise[rng.permutation(width)]
    rows = rng.standard_normal((n, width), dtype=np.float32) * np.sqrt(signal).astype(np.float32)
    pair = [
        rows + rng.standard_normal((n, width), dtype=np.float32) * np.sqrt(noise).astype(np.float32)
        for _ in range(2)
    ]
    found = cvpca.cross_validated_spectrum(*pair, components=500)
    cross = power_law.weighted_power_law(found.eigenvalues)
    return -meme.fit_law(eigenmoments(*pair)).alpha, -cross.alpha


def main() -> None:
    law = ["code", "N × D", "estimator", *(f"{alpha:g}" for alpha in ALPHAS), "coverage"]
    beside = ["N × D", "planted", "MEME, theirs", "MEME, ours", "cvPCA, ours", "cvPCA, theirs"]
    tables = {
        "seven": (["seven recordings", "mean (least to largest)"], map(list, SEVEN.items())),
        "extrapolated": (law, extrapolated()),
        "published": (beside, published()),
        "planted": (law, planted_laws()),
    }
    with threadpool_limits(1):
        write_tables(sys.argv[1], tables, sys.argv[2:])


if __name__ == "__main__":
    main()
