"""The file of a set's embeddings: a dataset a part, chunked by rows, of which scores read some."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from codespectra.data.stimulus_file import open_stimuli
from codespectra.files.hdf5_files import create_hdf5
from codespectra.jobs.progress import progress

# Embeddings (N, d) of the same images in each part of a metric.
Parts = dict[str, np.ndarray]


def embed_images(
    stimuli: str | Path, embed: Callable[[np.ndarray], Parts], batch: int, path: str | Path
) -> None:
    """Write the embeddings of a set.

    Args:
        stimuli: file of the set.
        embed: gives those of uint8 images (N, H, W, 3).
        batch: images at a time.
        path: of the HDF5 file.
    """
    with open_stimuli(stimuli) as file:
        images = file["images"]
        starts = progress(range(0, len(images), batch))
        batches = (embed(images[start : start + batch]) for start in starts)
        write_embeddings(path, len(images), batches)


def write_embeddings(path: str | Path, count: int, batches: Iterable[Parts]) -> None:
    """Write the embeddings of `count` images, which come in their order, some at a time."""
    start = 0
    with create_hdf5(path) as file:
        for parts in batches:
            if start == 0:
                file.attrs["parts"] = list(parts)
            for part, rows in parts.items():
                shape, chunk = (count, rows.shape[1]), (1, rows.shape[1])
                dataset = file.require_dataset(part, shape, rows.dtype, chunks=chunk)
                dataset[start : start + len(rows)] = rows
            start += len(next(iter(parts.values())))
