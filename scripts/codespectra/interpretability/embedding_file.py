"""The file of a set's embeddings: a dataset a part, chunked by rows, of which scores read some."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from codespectra.data.stimulus_blocks import blocks
from codespectra.data.stimulus_file import open_stimuli
from codespectra.files.hdf5_files import create_hdf5
from codespectra.files.kept_results import KeptResults
from codespectra.files.manifests import read_manifest
from codespectra.files.second_names import forget_kept
from codespectra.jobs.progress import progress

log = logging.getLogger("codespectra")

# Embeddings (N, d) of the same images in each part of a metric.
Parts = dict[str, np.ndarray]


def embed_images(
    outputs: Mapping[str, str],
    params: Mapping[str, Any],
    stimuli: str | Path,
    embed: Callable[[np.ndarray], Parts],
    *,
    batch: int,
    weights: Any,
) -> KeptResults:
    """Write the embeddings of a set; blocks of images that a last run has seen are taken from it.

    Args:
        outputs, params: of the job, as `KeptResults` takes them; `data` is the HDF5 file.
        stimuli: file of the set.
        embed: gives the embeddings of uint8 images (N, H, W, 3).
        batch: images at a time.
        weights: digests of those that embed.

    Returns:
        What keeps the outputs for the next run, once the manifest is written too.
    """
    outputs = dict(outputs.items())  # Snakemake's own are a list too
    shown = read_manifest(Path(stimuli).with_suffix(".json"))
    named = {f"images {x.start}-{x.stop - 1}": (x, y) for x, y in blocks(shown, batch).items()}
    kept = KeptResults(outputs, params, [], {name: [y, weights] for name, (_, y) in named.items()})
    if not kept.taken:
        forget_kept(outputs.values())  # whose room the new file may need
    chosen = [
        (slice(start, min(start + batch, block.stop)), name in kept.taken)
        for name, (block, _) in named.items()
        for start in block[::batch]
    ]
    with (
        open_stimuli(stimuli) as file,
        h5py.File(kept.file("data")) if kept.taken else nullcontext() as last_run,
    ):
        write_embeddings(outputs["data"], shown["count"], _batches(chosen, file, embed, last_run))
    return kept


def _batches(
    chosen: list[tuple[slice, bool]],
    stimuli: h5py.File,
    embed: Callable[[np.ndarray], Parts],
    last_run: h5py.File | None,
) -> Iterator[Parts]:
    """Embeddings of the chosen images in their order, of some taken from the last run."""
    for images, is_taken in progress(chosen):
        if is_taken:
            yield {part: last_run[part][images] for part in last_run.attrs["parts"]}
        else:
            yield embed(stimuli["images"][images])


def write_embeddings(path: str | Path, count: int, batches: Iterable[Parts]) -> None:
    """Write the embeddings of `count` images, which come in their order, some at a time."""
    start = 0
    with create_hdf5(path) as file:
        for parts in batches:
            if start == 0:
                file.attrs["parts"] = list(parts)
                each = sum(rows[0].nbytes for rows in parts.values())
                log.info("%d bytes an image, %.3g GB in all", each, each * count / 1e9)
            for part, rows in parts.items():
                shape, chunk = (count, rows.shape[1]), (1, rows.shape[1])
                dataset = file.require_dataset(part, shape, rows.dtype, chunks=chunk)
                dataset[start : start + len(rows)] = rows
            start += len(next(iter(parts.values())))
