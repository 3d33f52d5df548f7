"""Zarr arrays and groups, versions 2 and 3, in a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from codespectra.files.json_files import parse_json
from codespectra.files.regular_files import read_regular, reason, refusing, shown
from codespectra.sources.folders import files_inside
from codespectra.sources.held import Held, Passed, too_coarse, too_large, why_not
from codespectra.sources.labels import COLUMNS, KINDS, as_text, enter
from codespectra.sources.rows import WHOLE, FileRows, place
from codespectra.sources.source import Rows

if TYPE_CHECKING:
    import zarr

DESCRIPTIONS = (".zarray", ".zgroup", "zarr.json")
BESIDE = (*DESCRIPTIONS, ".zattrs", ".zmetadata")  # files that are no chunks
MOST_DESCRIPTION = 1 << 26  # bytes
NEWEST = 3
# What unpacks numbers, and nothing but numbers: others of the same register unpickle.
CODECS = {
    *("blosc", "bytes", "bz2", "crc32", "crc32c", "delta", "fixedscaleoffset", "gzip", "lz4"),
    *("lzma", "sharding_indexed", "shuffle", "transpose", "vlen-utf8", "zlib", "zstd"),
}


@contextmanager
def open_zarr(path: Path) -> Iterator[Held]:
    """The arrays of a zarr folder by their paths in it; a lone array by the folder's name.

    `stimulus_id` and `repeat` beside them tell of rows.

    Raises:
        UserError: the folder is damaged, of a newer version, or leads elsewhere.
    """
    with refusing(path, "not a readable zarr folder", WHOLE):
        files = files_inside(path)
        held = Held()
        for name in files:
            if PurePosixPath(name).name in DESCRIPTIONS:
                described = parse_json(read_regular(path / name, MOST_DESCRIPTION))
                _add(path, str(PurePosixPath(name).parent), described, files, held)
    yield held


def _add(path: Path, inside: str, described: dict, files: dict[str, int], held: Held) -> None:
    """Enter an array, of which a group holds several."""
    version = described["zarr_format"]
    if version not in (2, NEWEST):
        raise ValueError(f"zarr format {version}, read are 2 and {NEWEST}; write it as version 3")
    is_array = described["node_type"] == "array" if version == NEWEST else "shape" in described
    if is_array:
        key = path.stem if inside == "." else inside
        begin = "" if inside == "." else f"{inside}/"
        sizes = [
            size
            for name, size in files.items()
            if name.startswith(begin) and PurePosixPath(name).name not in BESIDE
        ]
        array = _opened(path, "" if inside == "." else inside, described)
        held.add(key, _rows(path, key, array, sizes, held))
        if key in COLUMNS and not isinstance(array, Passed) and array.ndim == 1:
            labels = as_text(array[:]) if array.dtype.kind in f"{KINDS}TO" else None
            enter(held, key, labels)


def _opened(path: Path, inside: str, described: dict) -> "zarr.Array | Passed":
    """An array of which nothing was read yet but its description."""
    import zarr

    if unknown := sorted(_codecs(described) - CODECS):
        return Passed(f"packed by {', '.join(map(shown, unknown))}", "write it again with zstd")
    try:
        return zarr.open_array(path, path=inside, mode="r")
    except Exception as error:  # A damaged description may raise nearly anything.
        return Passed(f"damaged, or of an unknown kind ({reason(error)})", "write it again")


def _rows(
    path: Path,
    key: str,
    array: "zarr.Array | Passed",
    sizes: list[int],
    held: Held,
) -> Rows | Passed:
    if isinstance(array, Passed):
        return array
    shape, dtype, chunks = array.shape, array.dtype, array.chunks
    refused = why_not(shape, dtype) or too_coarse(chunks, dtype)
    if refused := refused or too_large(shape, dtype, sum(sizes)):
        return refused
    # A chunk of zeros needn't have a file, and one that was lost has none.
    missing = array.nchunks - len(sizes) if array.shards is None else 0
    if missing > 0:
        held.remarks.append(
            f"{shown(key)}: {missing} of {array.nchunks} chunks aren't stored, and read as "
            f"{array.fill_value}"
        )
    return FileRows(
        place(path, key),
        shape,
        dtype,
        lambda start, stop: array[start:stop],
        columns=(lambda start, stop: array[:, start:stop]) if len(shape) == 2 else None,
        grain=(array.shards or chunks)[0],
    )


def _codecs(described: dict[str, Any]) -> set[str]:
    """Names of all that unpacks an array's chunks."""
    if described["zarr_format"] == NEWEST:
        return set(_nested_codecs(described["codecs"]))
    packed = [*(described.get("filters") or []), described.get("compressor")]
    return {str(codec["id"]) for codec in packed if codec}


def _nested_codecs(codecs: list[dict[str, Any]]) -> Iterator[str]:
    for codec in codecs:
        yield str(codec["name"]).removeprefix("numcodecs.")
        for name, value in (codec.get("configuration") or {}).items():
            if name.endswith("codecs"):
                yield from _nested_codecs(value)
