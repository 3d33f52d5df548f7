"""Activations that SAELens caches: a Hugging Face dataset on disk, a column a hook."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from mmap import ACCESS_READ, MADV_DONTNEED, mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from codespectra.files.json_files import parse_json
from codespectra.files.regular_files import read_regular, refusing, shown
from codespectra.sources.folders import files_inside
from codespectra.sources.held import Held, Passed, why_not
from codespectra.sources.rows import WHOLE, Concatenated, FileRows, place
from codespectra.sources.source import Rows

if TYPE_CHECKING:
    import pyarrow as pa

    Batch = tuple[pa.RecordBatch, mmap]

STATE, INFO, SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"
MOST_DESCRIPTION = 1 << 24  # bytes
TOKENS = "token_ids"


@contextmanager
def open_sae_lens(path: Path) -> Iterator[Held]:
    """Columns of a dataset (N, context, d_in), a row a context of tokens, by hook names.

    Its files are mapped into memory, and let go of after each slab.

    Raises:
        UserError: the folder is damaged, or its rows are in another order than stored.
    """
    with refusing(path, "not a readable Hugging Face dataset", WHOLE):
        batches, features = [], {}
        for folder in _folders(path):
            batches += _batches(folder)
            features = parse_json(read_regular(folder / INFO, MOST_DESCRIPTION))["features"]
        if not batches:
            raise ValueError("it has no rows")
        held = Held()
        for name, told in features.items():
            held.add(name, _column(place(path, name), name, told, batches))
    yield held


def _folders(path: Path) -> list[Path]:
    """The dataset, or the shards that a cache is left in while it is made."""
    files = files_inside(path)
    if SPLITS in files:
        raise ValueError("a folder of splits, such as train; give the folder of one")
    if STATE in files:
        return [path]
    found = {Path(name).parent for name in files if re.fullmatch(rf"shard_\d+/{STATE}", name)}
    return [path / folder for folder in sorted(found, key=lambda f: int(f.name.split("_")[1]))]


def _batches(folder: Path) -> list["Batch"]:
    """All records of a dataset's files, in order; mapped, not read."""
    import pyarrow as pa

    state = parse_json(read_regular(folder / STATE, MOST_DESCRIPTION))
    if state.get("_indices_data_files"):
        raise ValueError("its rows are in another order than stored; save flatten_indices() of it")
    files = files_inside(folder)
    batches: list[Batch] = []
    for told in state["_data_files"]:
        if told["filename"] not in files:
            raise FileNotFoundError(f"{shown(told['filename'])} isn't there")
        with (folder / told["filename"]).open("rb") as file:
            mapped = mmap(file.fileno(), 0, access=ACCESS_READ)
        records = pa.ipc.open_stream(pa.BufferReader(pa.py_buffer(mapped)))
        batches += [(record, mapped) for record in records if record.num_rows]
    return batches


def _column(where: str, name: str, told: dict[str, Any], batches: list["Batch"]) -> Rows | Passed:
    if name == TOKENS:
        return Passed("token ids, which are no activations")
    shape = _shape(told)
    if shape is None:
        return Passed(f"of kind {shown(str(told.get('_type', told)))}", "save an Array2D")
    parts = [(record.column(name), mapped) for record, mapped in batches]
    kind = parts[0][0].type
    try:
        dtype = np.dtype(_number(kind).to_pandas_dtype())
    except (TypeError, NotImplementedError, ValueError):
        return Passed(f"of type {shown(str(kind))}", "save it as float32")
    if refused := why_not((sum(len(part) for part, _ in parts), *shape), dtype):
        return refused
    return Concatenated([_part(where, *part, shape, dtype) for part in parts])


def _shape(told: dict[str, Any]) -> tuple[int, ...] | None:
    """Shape of each row of a column; None if it is no array."""
    if re.fullmatch(r"Array\dD", str(told.get("_type"))) and all(told["shape"]):
        return tuple(int(size) for size in told["shape"])
    length = told.get("length", -1)
    is_list = told.get("_type") in ("List", "Sequence") and isinstance(length, int) and length > 0
    return (length,) if is_list and told["feature"].get("_type") == "Value" else None


def _part(
    where: str, part: "pa.Array", mapped: mmap, shape: tuple[int, ...], dtype: np.dtype
) -> FileRows:
    def read(start: int, stop: int) -> np.ndarray:
        rows = part[start:stop]
        rows.validate(full=True)
        values = _values(rows)
        if rows.null_count or values.null_count:
            raise ValueError("holds nulls")
        found = values.to_numpy(zero_copy_only=False).reshape(stop - start, *shape).copy()
        mapped.madvise(MADV_DONTNEED)
        return found

    return FileRows(where, (len(part), *shape), dtype, read)


def _number(kind: "pa.DataType") -> "pa.DataType":
    """Type of the numbers in lists of lists."""
    while hasattr(kind, "storage_type") or hasattr(kind, "value_type"):
        kind = getattr(kind, "storage_type", None) or kind.value_type
    return kind


def _values(rows: "pa.Array") -> "pa.Array":
    """The numbers in lists of lists."""
    import pyarrow as pa
    import pyarrow.compute

    rows = rows.storage if isinstance(rows, pa.ExtensionArray) else rows
    while pa.types.is_nested(rows.type):
        if rows.null_count:
            raise ValueError("holds nulls")
        lengths = set(pa.compute.list_value_length(rows).unique().to_pylist())
        if len(lengths) > 1:
            raise ValueError(f"holds rows of different lengths ({min(lengths)} to {max(lengths)})")
        rows = rows.flatten()
    return rows
