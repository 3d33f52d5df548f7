"""Activations as a study's config describes them: opened with its options, or told of alone."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from codespectra.data.stimulus_table import read_stimulus_table
from codespectra.errors import UserError
from codespectra.files.regular_files import shown
from codespectra.sources.formats.stringer2019 import prepare, read_recording
from codespectra.sources.held import Held
from codespectra.sources.open_source import open_source
from codespectra.sources.rows import Transposed, place
from codespectra.sources.selection import select_layers
from codespectra.sources.source import Rows, Source
from codespectra.sources.told_format import told_format

PREPARED = "stringer2019"


@contextmanager
def open_recorded(
    path: Path, options: Mapping[str, Any], table: Path | None = None
) -> Iterator[Source]:
    """Activations in a file or folder.

    Args:
        path: of the file or folder.
        options: format, layers, transposed and preparation of a section of `activations`.
        table: CSV of the rows, which then says their ids and repeats.

    Raises:
        UserError: the file or the table can't be read, or their numbers of rows differ.
    """
    if told_format(path, options["format"]) == PREPARED:
        yield _with_table(_prepared(path, options), table)
        return
    with open_source(path, format=options["format"], layers=options["layers"]) as source:
        if options["transposed"]:
            source = replace(source, layers=_transposed(path, source))
        yield _with_table(source, table)


def _prepared(path: Path, options: Mapping[str, Any]) -> Source:
    found = prepare(read_recording(path), **(options["preparation"] or {}))
    held = Held(found.layers, ids=found.ids, repeats=found.repeats, remarks=found.remarks)
    return select_layers(path, PREPARED, held, options["layers"])


def _transposed(path: Path, source: Source) -> dict[str, Rows]:
    for name, rows in source.layers.items():
        if len(rows.shape) != 2:
            found = f"has shape {rows.shape}, and only a matrix can be transposed"
            raise UserError(f"{place(path, name)}: {found}; leave transposed out, and say its axes")
    counts = {rows.shape[1] for rows in source.layers.values()}
    if len(counts) > 1:
        raise UserError(
            f"{shown(path)}: transposed, and layers have {min(counts)} to {max(counts)} columns, "
            "which would be stimuli; name layers that belong together, or leave transposed out"
        )
    return {name: Transposed(rows) for name, rows in source.layers.items()}


def _with_table(source: Source, table: Path | None) -> Source:
    """The source, whose rows a table tells of instead of the file, if there is one."""
    if table is None:
        return source
    columns = read_stimulus_table(table)
    ids, count = columns["stimulus_id"], next(iter(source.layers.values())).shape[0]
    if len(ids) != count:
        raise UserError(
            f"{shown(table)}: lists {len(ids)} rows, and the file of activations has {count}; "
            "list each of its rows once, in its order"
        )
    return replace(source, ids=ids, repeats=[int(text) for text in columns["repeat"]] or None)


def describe_recorded(path: Path, options: Mapping[str, Any], table: Path | None) -> dict[str, Any]:
    """What a plan must know: shapes of the layers in order, ids and repeats of rows.

    Raises:
        UserError: as of `open_recorded`.
    """
    with open_recorded(path, options, table) as source:
        return {
            "layers": [[name, list(rows.shape)] for name, rows in source.layers.items()],
            "ids": source.ids,
            "repeats": source.repeats,
        }
