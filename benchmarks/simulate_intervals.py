"""Coverage of intervals over networks, and control of false discoveries: tables of docs/methods.md.

Run as `python benchmarks/simulate_intervals.py docs/methods.md [coverage ...]`; it takes two
minutes. Each table, or those named, replaces what stands between its markers.
"""

import sys
from collections.abc import Iterator

import numpy as np
from page_tables import write_tables
from scipy import stats

from codespectra.statistics.false_discoveries import RATE, false_discoveries
from codespectra.statistics.hierarchy import Interval, over_networks
from codespectra.statistics.subsamples import image_deviations, subsamples

SAMPLES, DRAWS = 2000, 100
NETWORKS = (2, 3, 5, 10)
# Standard deviations of a network's statistic: by the network, by the photographs that all share,
# by what a photograph is to a network; and how many photographs there are.
WORLDS = {
    "networks alone": (1, 0, 0, 10),
    "networks, photographs a quarter of that": (1, 0.25, 0.25, 10),
    "networks and photographs alike": (1, 0.5, 0.5, 10),
    "the same, 100 photographs": (1, 0.5, 0.5, 100),
    "photographs three times that of networks": (0.3, 1, 0.3, 10),
    "networks alone, skewed (exponential)": (1, 0, 0, 10),
}
CLAIMS, SHARED = 49, 12  # of which so many share a chance, as those on K-Means do


def statistics_of(world: str, networks: int, rng: np.random.Generator) -> np.ndarray:
    """Of each network on each photograph, (networks, photographs); the mean of all is 0."""
    own, common, each, photographs = WORLDS[world]
    drawn = rng.exponential(size=networks) - 1 if "skewed" in world else rng.normal(size=networks)
    noise = common * rng.normal(size=photographs) + each * rng.normal(size=(networks, photographs))
    return own * drawn[:, None] + np.sqrt(photographs) * noise


def ours(found: np.ndarray, held: np.ndarray) -> tuple[float, float]:
    """`over_networks`, with the photographs resampled as the workflow does."""
    draws = image_deviations((held / held.sum(axis=1, keepdims=True)) @ found.T, found.shape[1]).T
    freedom = found.shape[1] - 1
    networks = [
        Interval(one.mean(), np.nan, np.nan, images=own, image_freedom=freedom)
        for one, own in zip(found, draws, strict=True)
    ]
    interval = over_networks([networks])
    return interval.low, interval.high


def student(found: np.ndarray, held: np.ndarray) -> tuple[float, float]:
    """Student's, over networks alone."""
    means = found.mean(axis=1)
    reach = stats.t.ppf(0.975, len(means) - 1) * stats.sem(means)
    return means.mean() - reach, means.mean() + reach


def resampled(found: np.ndarray, rng: np.random.Generator, photographs: bool) -> np.ndarray:
    """Percentiles of means over resampled networks, and over resampled photographs too."""
    networks, count = found.shape
    rows = rng.multinomial(networks, np.full(networks, 1 / networks), 1000) / networks
    columns = np.full((1000, count), 1 / count)
    if photographs:
        columns = rng.multinomial(count, columns[0], 1000) / count
    return np.quantile(np.einsum("dn,np,dp->d", rows, found, columns), [0.025, 0.975])


def coverage() -> Iterator[list[str]]:
    """Rows: how many of the intervals hold 0."""
    for world, (*_, photographs) in WORLDS.items():
        held = subsamples(photographs, DRAWS, seed=0).astype(float)
        for networks in NETWORKS:
            rng = np.random.default_rng(networks)
            hits = np.zeros(4)
            for _ in range(SAMPLES):
                found = statistics_of(world, networks, rng)
                intervals = (
                    ours(found, held),
                    student(found, held),
                    resampled(found, rng, photographs=False),
                    resampled(found, rng, photographs=True),
                )
                hits += [low <= 0 <= high for low, high in intervals]
            yield [world, str(networks), *(f"{100 * hit / SAMPLES:.1f}" for hit in hits)]
        print(world, flush=True)


def discoveries() -> Iterator[list[str]]:
    """Rows: what share of the verdicts is false, or of the wrong sign, and how many are found."""
    rng = np.random.default_rng(0)
    for true in (0, 5, 18, 30):
        for correlation in (0, 0.9):
            false, found = np.zeros(3), np.zeros(3)
            for _ in range(SAMPLES):
                effects = np.zeros(CLAIMS)
                effects[rng.permutation(CLAIMS)[:true]] = 3
                chance = rng.normal(size=CLAIMS)
                signs = rng.choice([-1, 1], SHARED)
                mixed = np.sqrt(1 - correlation) * chance[:SHARED]
                chance[:SHARED] = mixed + signs * np.sqrt(correlation) * rng.normal()
                z = effects + chance
                p = 2 * stats.norm.sf(np.abs(z))
                any_dependence = stats.false_discovery_control(p, method="by")
                adjusted = p, false_discoveries(p)[0], any_dependence
                for at, told in enumerate(one <= RATE for one in adjusted):
                    wrong = told & ((effects == 0) | (np.sign(z) != np.sign(effects)))
                    false[at] += wrong.sum() / max(told.sum(), 1)
                    found[at] += (told & ~wrong).sum() / max(true, 1)
            percent = 100 * np.array([*false, *found]) / SAMPLES
            power = [f"{one:.0f}" if true else "–" for one in percent[3:]]
            words = [f"{one:.1f}" for one in percent[:3]]
            yield [f"{true} of {CLAIMS}", f"{correlation:g}", *words, *power]


def main() -> None:
    methods = ["ours", "Student's, networks alone", "percentiles, networks"]
    ways = ["95 %", "ours", "any dependence"]
    controls = [f"{what}, {way}" for what in ("false", "found") for way in ways]
    tables = {
        "coverage": (
            ["spread by", "networks", *methods, "percentiles, networks and photographs"],
            coverage(),
        ),
        "discoveries": (["claims that hold", "correlation", *controls], discoveries()),
    }
    write_tables(sys.argv[1], tables, sys.argv[2:])


if __name__ == "__main__":
    main()
