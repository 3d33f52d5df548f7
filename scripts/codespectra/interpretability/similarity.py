"""How alike images are: by mean colour, by label, by perceptual embedding (B §2.2).

Higher is more alike everywhere. A metric may have parts (the layers of a backbone) that add up:
every answer is a dict from part to numbers, and has the key `all`. Images are given by their
indices in the stimulus set.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from codespectra.data.stimulus_file import open_stimuli
from codespectra.errors import UserError
from codespectra.files.hdf5_files import open_hdf5
from codespectra.files.manifests import read_manifest
from codespectra.interpretability import embedding_table
from codespectra.interpretability.embedding_table import (
    Measure,
    StoredTable,
    Table,
    read_rows,
    summed,
)
from codespectra.interpretability.parts import ALL
from codespectra.statistics.arrays import entries, numbers

# Numbers that are gathered at once: few enough to stay in the cache.
BLOCK_NUMBERS = 1 << 16
# Numbers of the images whose mean colour is taken at once: 4 MB, of 32 x 32 pixels 1,365 images.
BLOCK_PIXELS = 1 << 22
# Rows that are nearer than this share of their squared lengths are subtracted: a float32 product
# errs by up to 8e-7 of the lengths (256 to 16,000 numbers a row), 1e-4 of such a distance.
NEAR = 1e-2
# Gathering a row costs about as much as so many entries of the matrix of all pairs: 20 to 55 to
# compare it with one other, 120 to 250 in a small matrix of its own (300 to 3,000 rows of 1,000 to
# 16,000 numbers, one core of an EPYC).
MATRIX_ENTRIES_A_ROW = 80

# Pairs of images in lists that are compared at once: 32 MB.
BLOCK_PAIRS = 1 << 22

Parts = dict[str, np.ndarray]
Lists = tuple[np.ndarray, np.ndarray]


class Similarity(ABC):
    """A metric on the images of one stimulus set."""

    metric: str
    # Of an image with itself, summed over parts.
    self_similarity: float

    @abstractmethod
    def within(self, sets: np.ndarray) -> Parts:
        """Mean similarity (S,) over the pairs of images in each set (S, M)."""

    @abstractmethod
    def among(self, sets: np.ndarray) -> Parts:
        """Similarity (S, M, M) of all pairs of images in each set (S, M)."""

    @abstractmethod
    def between(self, images: np.ndarray, others: np.ndarray) -> Parts:
        """Similarity (T, R) of each image (T,) and every image in its own row of others (T, R)."""

    @abstractmethod
    def matrix(self, images: np.ndarray) -> Parts:
        """Similarity (U, U) of all pairs of images (U,)."""

    def of_lists(self, asked: Sequence[Lists]) -> Iterator[tuple[Parts, Parts]]:
        """Means over pairs of the first M images of lists, (S,), and of those at places, (S, R).

        For each of those asked, whose numbers don't depend on the others.

        Args:
            asked: images (S, L), and places of M in each list, R times over: (R, S, M).
        """
        for lists, places in asked:
            drawn = []
            step = max(1, BLOCK_PAIRS // max(1, lists.shape[1]) ** 2)
            for start in range(0, max(1, len(lists)), step):
                own = slice(start, start + step)
                pairs = self.among(lists[own])
                drawn.append({x: _pair_means(y, places[:, own]) for x, y in pairs.items()})
            yield (
                self.within(lists[:, : places.shape[-1]]),
                {part: np.concatenate([one[part] for one in drawn]) for part in drawn[0]},
            )


class _Plain(Similarity):
    """A metric of one part that is a function of two broadcast rows of a small table."""

    def __init__(self, table: Any):
        self.table = self._checked(table)

    @staticmethod
    @abstractmethod
    def _checked(table: Any) -> np.ndarray:
        """The table as an array, or an ArgumentError."""

    @abstractmethod
    def _alike(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Similarity of rows, over the last axes that the table adds."""

    def within(self, sets: np.ndarray) -> Parts:
        first, second = np.triu_indices(sets.shape[1], k=1)
        rows = self.table[sets]
        return {ALL: self._alike(rows[:, first], rows[:, second]).mean(axis=1)}

    def among(self, sets: np.ndarray) -> Parts:
        rows = self.table[sets]
        return {ALL: self._alike(rows[:, :, None], rows[:, None])}

    def between(self, images: np.ndarray, others: np.ndarray) -> Parts:
        return {ALL: self._alike(self.table[images][:, None], self.table[others])}

    def matrix(self, images: np.ndarray) -> Parts:
        return {ALL: self.among(images[None])[ALL][0]}


class Color(_Plain):
    """-|mean RGB difference|, from mean colours (N, 3)."""

    metric, self_similarity = "color", 0.0

    @staticmethod
    def _checked(table: Any) -> np.ndarray:
        return numbers(table, "table", "N, 3")

    def _alike(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        # A channel at a time: a norm over an axis of three takes four times as long.
        squares = (np.square(first[..., x] - second[..., x]) for x in range(first.shape[-1]))
        return -np.sqrt(sum(squares))


class Label(_Plain):
    """1 if the labels (N,) are equal, else 0."""

    metric, self_similarity = "label", 1.0

    @staticmethod
    def _checked(table: Any) -> np.ndarray:
        return entries(table, "table")

    def _alike(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return (first == second).astype(np.float64)


class Embedding(Similarity):
    """-|e_i - e_j|^2 in each part of a backbone, and their sum: minus LPIPS for AlexNet's.

    Only the rows of the images that are asked about need to be held, or none: squared distances add
    up over columns, so that a table in a file is read some columns at a time.
    """

    self_similarity = 0.0

    def __init__(self, metric: str, tables: Mapping[str, Table], images: np.ndarray | None = None):
        """Take the rows (U, d) of each part for the sorted, distinct images (U,): None, for all."""
        self.tables = {
            part: table
            if isinstance(table, StoredTable)
            else numbers(table, f"tables[{part!r}]", "U, d")
            for part, table in tables.items()
        }
        count = next(iter(self.tables.values())).shape[0]
        self.metric, self.images = metric, np.arange(count) if images is None else images

    def _each(self, measure: Measure, *images: np.ndarray) -> Parts:
        rows = [self._rows(one) for one in images]
        found = {part: summed(table, [(measure, rows)])[0] for part, table in self.tables.items()}
        return _with_whole(found)

    def _rows(self, images: np.ndarray) -> np.ndarray:
        rows = np.searchsorted(self.images, images)
        if not np.array_equal(self.images[np.minimum(rows, len(self.images) - 1)], images):
            raise ValueError(f"{self.metric}: an image that isn't among the rows held")
        return rows

    def within(self, sets: np.ndarray) -> Parts:
        return self._each(_alike_within, sets)

    def among(self, sets: np.ndarray) -> Parts:
        return self._each(_alike_among, sets)

    def between(self, images: np.ndarray, others: np.ndarray) -> Parts:
        return self._each(_alike_between, images, others)

    def matrix(self, images: np.ndarray) -> Parts:
        return self._each(lambda table, rows: -all_squared_distances(table[rows]), images)

    def of_lists(self, asked: Sequence[Lists]) -> Iterator[tuple[Parts, Parts]]:
        for batch in _batches(asked):
            means: list[Parts] = [{} for _ in batch]
            drawn: list[Parts] = [{} for _ in batch]
            measures = []
            for lists, places in batch:
                rows = self._rows(lists)
                measures.append((_alike_within, [rows[:, : places.shape[-1]]]))
                measures.append((_alike_among, [rows]))
            for part, table in self.tables.items():
                found = summed(table, measures)
                for place, (_, places) in enumerate(batch):
                    means[place][part] = found[2 * place]
                    drawn[place][part] = _pair_means(found[2 * place + 1], places)
            for whole, parts in zip(means, drawn, strict=True):
                yield _with_whole(whole), _with_whole(parts)


def _with_whole(parts: Parts) -> Parts:
    """Distances of all parts, and those of all together: they add up."""
    return parts | {ALL: np.sum([*parts.values()], axis=0)}


def _batches(asked: Sequence[Lists]) -> Iterator[Sequence[Lists]]:
    """As many at a time as have few enough pairs, one at least."""
    sizes = [lists.size * lists.shape[1] for lists, _ in asked]
    groups = np.cumsum(sizes) // embedding_table.MOST_HELD
    for group in np.unique(groups):
        yield [one for one, own in zip(asked, groups, strict=True) if own == group]


def _pair_means(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Mean (S, R) over the pairs of chosen places (R, S, M) in values (S, L, L)."""
    first, second = np.triu_indices(places.shape[-1], k=1)
    found, sets = np.empty(places.shape[1::-1]), np.arange(len(values))[:, None]
    for draw, own in enumerate(places):
        pairs = values[sets, own[:, first], own[:, second]]
        found[:, draw] = pairs.mean(axis=-1, dtype=np.float64)  # in whichever order they come
    return found


def _alike_within(table: np.ndarray, rows: np.ndarray) -> np.ndarray:
    if _matrix_is_cheaper(rows.size, rows):
        first, second = np.triu_indices(rows.shape[1], k=1)
        return _looked_up(table, rows[:, first], rows[:, second]).mean(axis=1, dtype=float)
    return -_mean_squared_distance(table, rows)


def _alike_among(table: np.ndarray, rows: np.ndarray) -> np.ndarray:
    if _matrix_is_cheaper(rows.size, rows):
        return _looked_up(table, rows[:, :, None], rows[:, None])
    return -_squared_distances_inside(table, rows)


def _alike_between(table: np.ndarray, images: np.ndarray, others: np.ndarray) -> np.ndarray:
    if _matrix_is_cheaper(others.size, images, others):
        return _looked_up(table, images[:, None], others)
    return -_squared_distances(table, images, others)


def _matrix_is_cheaper(gathered: int, *rows: np.ndarray) -> bool:
    """Whether all pairs of the distinct rows cost less than gathering that many rows."""
    distinct = len(np.unique(np.concatenate([one.ravel() for one in rows])))
    return 0 < distinct**2 <= MATRIX_ENTRIES_A_ROW * gathered


def _looked_up(table: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    used, places = np.unique(np.concatenate([first.ravel(), second.ravel()]), return_inverse=True)
    alike = -all_squared_distances(table[used])
    one, other = np.split(places, [first.size])
    return alike[one.reshape(first.shape), other.reshape(second.shape)]


def all_squared_distances(rows: np.ndarray) -> np.ndarray:
    """|x_i - x_j|^2 (U, U) float32 of rows (U, d), by one matrix product of centred rows.

    Pairs of nearly equal rows, of which that leaves rounding, are subtracted: every distance is
    right to 1e-4 of itself, and equal rows are at distance zero.
    """
    centred = rows.astype(np.float32) - rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    distances = centred @ centred.T
    lengths = np.einsum("ud,ud->u", centred, centred, dtype=np.float64)
    near = [np.empty((2, 0), np.int64)]
    step = max(1, BLOCK_PAIRS // max(1, len(rows)))
    for start in range(0, len(rows), step):
        own = slice(start, start + step)
        both = lengths[own, None] + lengths
        distances[own] = both - 2 * distances[own]
        # Of rows that both are the mean of all nothing is left to err.
        first, second = np.nonzero(np.triu(distances[own] < NEAR * both, k=1 + start))
        near.append(np.stack([first + start, second]))
    first, second = np.concatenate(near, axis=1)
    exact = _squared_distances(rows, first, second[:, None])[:, 0]
    distances[first, second] = distances[second, first] = exact
    np.fill_diagonal(distances, 0)
    return distances


def _blocks(sets: np.ndarray, width: int) -> range:
    return range(0, len(sets), max(1, BLOCK_NUMBERS // (sets.shape[1] * width)))


def _mean_squared_distance(table: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """Mean over the pairs of each set: 2 / (M - 1) times the summed squares about its mean."""
    scores, blocks = np.empty(len(sets)), _blocks(sets, table.shape[1])
    for start in blocks:
        chosen = slice(start, start + blocks.step)
        rows = table[sets[chosen]].astype(np.float32, copy=False)
        rows -= rows.sum(axis=1, keepdims=True) / np.float32(sets.shape[1])
        scores[chosen] = np.einsum("smd,smd->sm", rows, rows).sum(axis=1, dtype=np.float64)
    return 2 / (sets.shape[1] - 1) * scores


def _squared_distances_inside(table: np.ndarray, sets: np.ndarray) -> np.ndarray:
    found = np.empty((*sets.shape, sets.shape[1]), dtype=np.float32)
    for index, rows in enumerate(sets):
        found[index] = all_squared_distances(table[rows])
    return found


def _squared_distances(table: np.ndarray, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    found, blocks = np.empty(others.shape, dtype=np.float32), _blocks(others, table.shape[1])
    for start in blocks:
        chosen = slice(start, start + blocks.step)
        differences = table[others[chosen]] - table[rows[chosen], None]
        found[chosen] = np.einsum("trd,trd->tr", differences, differences)
    return found


def mean_color(images: np.ndarray | h5py.Dataset) -> np.ndarray:
    """Mean RGB in [0, 1] of uint8 images (N, H, W, 3): (N, 3) float64."""
    colors = np.empty((len(images), 3))
    step = max(1, BLOCK_PIXELS // math.prod(images.shape[1:]))
    for start in range(0, len(images), step):
        block = images[start : start + step]
        colors[start : start + len(block)] = block.mean(axis=(1, 2), dtype=np.float64) / 255
    return colors


# Keys of cfg that say which metrics there are.
METRICS = ("color", "label", "backbones")


def metric_digests(
    cfg: Mapping[str, Any], stimuli_manifest: str, embeddings_manifests: Iterable[str]
) -> dict[str, str]:
    """Digest of what each wanted metric reads: colour, label, then the backbones.

    Args:
        cfg: as of `read_similarities`.
        stimuli_manifest: of the stimulus set.
        embeddings_manifests: of its embeddings, one a backbone.
    """
    files = zip(cfg["backbones"], embeddings_manifests, strict=True)
    read = dict.fromkeys(_plain_metrics(cfg), stimuli_manifest) | dict(files)
    return {metric: read_manifest(file)["sha256"] for metric, file in read.items()}


def _plain_metrics(cfg: Mapping[str, Any]) -> list[str]:
    return [metric for metric in (Color.metric, Label.metric) if cfg[metric]]


def read_similarities(
    stimuli: str | Path,
    embeddings: Iterable[str],
    cfg: Mapping[str, Any],
    images: Iterable[np.ndarray] | None = None,
    metrics: Collection[str] | None = None,
) -> list[Similarity]:
    """The wanted metrics on a stimulus set: colour, label, then the backbones.

    Args:
        stimuli: file of the stimulus set.
        embeddings: files of its embeddings, one a backbone.
        cfg: of the stage: color and label, whether these are wanted; backbones, by name.
        images: indices of all images that will be asked about, arrays of any shape; embeddings of
            others aren't held. None holds all.
        metrics: which of the wanted ones; None for all.

    Raises:
        UserError: labels are wanted of a set without labels; a file can't be read.
    """
    files = dict(zip(cfg["backbones"], embeddings, strict=True))
    chosen = [m for m in (*_plain_metrics(cfg), *files) if metrics is None or m in metrics]
    found: list[Similarity] = []
    with open_stimuli(stimuli) as file:
        if Color.metric in chosen:
            found.append(Color(mean_color(file["images"])))
        if Label.metric in chosen:
            if "labels" not in file:
                raise UserError(f"{stimuli}: holds no labels; set index.label: false")
            found.append(Label(file["labels"][:]))
        asked = [np.arange(len(file["images"]))] if images is None else map(np.ravel, images)
    needed = np.unique(np.concatenate([*asked, np.arange(0)]))
    # Where no direction is live no image is asked about; a table has a row still.
    needed = needed if len(needed) else np.arange(1)
    for name in (metric for metric in chosen if metric in files):
        found.append(_embedding(name, Path(files[name]), needed))
    return found


def _embedding(metric: str, path: Path, images: np.ndarray) -> Embedding:
    """A backbone's embeddings: those of the images, or, where all are too many, none is held."""
    with open_hdf5(path) as file:
        parts = {part: file[part] for part in file.attrs["parts"]}
        if sum(dataset.size for dataset in parts.values()) <= embedding_table.MOST_HELD:
            tables = {part: read_rows(dataset, images) for part, dataset in parts.items()}
            return Embedding(metric, tables, images)
        return Embedding(metric, {x: StoredTable(path, x, y.shape) for x, y in parts.items()})
