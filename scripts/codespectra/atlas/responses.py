"""What a page shows of a direction's responses: its images, their quantiles, its histogram."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from codespectra.directions.directions import Directions
from codespectra.statistics.ranking import strongest

# Most exciting images that are shown, and least exciting ones; the index may count fewer.
SHOWN = 9
# Strips of images between quantiles of the response, and images of each.
STRIPS, OF_STRIP = 10, 4
BINS = 40
# Images that stand for a direction in tables.
FIRST = 3
# Classes that are named: those whose images a direction responds to most.
CLASSES = 5
# Directions that are ranked at once, in a copy: 26 MB for 50,000 stimuli.
BLOCK = 64


@dataclass(frozen=True)
class Labels:
    """The class of each stimulus (N,), and how many classes there are."""

    of_stimulus: np.ndarray
    count: int


def describe_responses(found: Directions, labels: Labels | None) -> dict[str, Any]:
    """Arrays with a row a direction, K in all.

    Returns:
        top, bottom: the most and least exciting images (K, 9), the most extreme first, ties to the
            lowest index; top_response, bottom_response: their responses.
        strips: images evenly spaced over each tenth of the ranking, weakest first, (K, 10, 4).
        quantiles: of the responses, 0, .1, ... 1, (K, 11).
        histogram: counts in 40 equal bins from the lowest to the highest response, (K, 40).
        active: share of stimuli that respond above the lowest response, (K,).
        classes, class_means: the classes with the highest mean response, (K, 5), and that mean in
            standard deviations of all responses above the mean of all. Only with labels.
    """
    blocks = [
        _describe_rows(np.ascontiguousarray(found.responses[:, start : start + BLOCK].T))
        for start in range(0, found.responses.shape[1], BLOCK)
    ]
    described = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    return described | (_favourite_classes(found.responses, labels) if labels else {})


def summary_of(described: dict[str, Any]) -> dict[str, Any]:
    """What tables of all directions need of `describe_responses`; it is taken from there."""
    summary = {
        "count": len(described["top"]),
        "active": described.pop("active"),
        "highest": described["quantiles"][:, -1],
        "first": described["top"][:, :FIRST],
    }
    if "classes" in described:
        summary["favourite"] = described["classes"][:, 0]
        summary["selectivity"] = described["class_means"][:, 0]
    return summary


def _describe_rows(rows: np.ndarray) -> dict[str, np.ndarray]:
    """The same of some directions, responses (K, N)."""
    count = rows.shape[1]
    shown = min(SHOWN, count)
    top, bottom = strongest(rows, shown), strongest(-rows, shown)
    order = np.argsort(rows, axis=1, kind="stable")
    places = (np.arange(STRIPS * OF_STRIP) + 0.5) / (STRIPS * OF_STRIP) * count
    return {
        "top": top,
        "top_response": np.take_along_axis(rows, top, axis=1),
        "bottom": bottom,
        "bottom_response": np.take_along_axis(rows, bottom, axis=1),
        "strips": order[:, places.astype(int)].reshape(len(rows), STRIPS, OF_STRIP),
        "quantiles": np.quantile(rows, np.linspace(0, 1, STRIPS + 1), axis=1).T,
        "histogram": _histograms(rows),
        "active": (rows > rows.min(axis=1, keepdims=True)).mean(axis=1),
    }


def _histograms(rows: np.ndarray) -> np.ndarray:
    low = rows.min(axis=1, keepdims=True).astype(np.float64)
    width = np.maximum(rows.max(axis=1, keepdims=True) - low, np.finfo(np.float32).tiny)
    bins = np.minimum((rows - low) / width * BINS, BINS - 1).astype(int)
    bins += BINS * np.arange(len(rows))[:, None]
    return np.bincount(bins.ravel(), minlength=BINS * len(rows)).reshape(len(rows), BINS)


def _favourite_classes(responses: np.ndarray, labels: Labels) -> dict[str, np.ndarray]:
    held = [c for c in range(labels.count) if (labels.of_stimulus == c).any()]
    means = np.stack([responses[labels.of_stimulus == c].mean(axis=0) for c in held])
    spread = responses.std(axis=0)
    spread = np.where(spread > 0, spread, np.nan)
    scaled = ((means - responses.mean(axis=0)) / spread).T
    best = np.argsort(-scaled, axis=1, kind="stable")[:, :CLASSES]
    return {
        "classes": np.array(held)[best],
        "class_means": np.take_along_axis(scaled, best, axis=1),
    }
