"""Which format a file or folder is of, told by its content; its name decides only between those
that look alike.
"""

import zipfile
from pathlib import Path
from typing import NamedTuple

from codespectra.errors import UserError, nearest
from codespectra.files.regular_files import open_regular, refusing, shown
from codespectra.sources.formats.hdf5 import open_users_hdf5
from codespectra.sources.source import FORMATS

HDF5, ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"
USERBLOCKS = (0, 512, 1024, 2048)  # where HDF5 may begin
MATLAB = b"MATLAB "
CDF = b"CDF"
ZARR = ("zarr.json", ".zarray", ".zgroup")
ARROW = ("state.json", "dataset_dict.json")
FEATURES = "features"  # what thingsvision calls its files
NAMES = "file_names.txt"  # what it writes beside them


class Kind(NamedTuple):
    """What something is, in words, and the formats that it can be in, the likeliest first."""

    words: str
    formats: tuple[str, ...]


def told_format(path: Path, format: str | None) -> str:
    """One of `FORMATS`, as a file's content tells it.

    Args:
        path: of the file or folder.
        format: what its user says.

    Raises:
        UserError: the file is missing or in no known format, or not in the one that was said.
    """
    if format is not None and format not in FORMATS:
        raise UserError(f"format {format!r}: {nearest(format, FORMATS)}")
    with refusing(path, "not readable", "check that it is there, and whole"):
        kind = _of_folder(path) if path.is_dir() else _of_file(path)
    if not kind.formats or (format is not None and format not in kind.formats):
        expected = f"format {format}" if format else f"one of the formats {', '.join(FORMATS)}"
        fitting = ", ".join(kind.formats)
        remedy = f"leave format out, or say {fitting}" if fitting else "save it in one of those"
        raise UserError(f"{shown(path)}: {kind.words}, expected {expected}; {remedy}")
    return format or kind.formats[0]


def _of_folder(path: Path) -> Kind:
    names = sorted(found.name for found in path.iterdir())
    if any(name in names for name in ZARR):
        return Kind("a zarr folder", ("zarr",))
    if any(name in names for name in ARROW) or (path / "shard_0" / ARROW[0]).exists():
        return Kind("a folder of a Hugging Face dataset", ("sae_lens",))
    if NAMES in names or any(path.glob(f"{FEATURES}*")) or any(path.glob(f"*/{FEATURES}*")):
        return Kind("a folder of thingsvision's features", ("thingsvision",))
    found = ", ".join(map(shown, names[:5])) or "nothing"
    return Kind(f"a folder that holds {found}", ())


def _of_file(path: Path) -> Kind:
    with open_regular(path) as file:
        head = file.read(max(USERBLOCKS) + len(HDF5))
    suffix = path.suffix.lower()
    features = ("thingsvision",) if path.name.startswith(FEATURES) else ()
    beside = features if (path.parent / NAMES).exists() else ()
    # Beside thingsvision's list of names its files are its own; elsewhere that must be said.
    if head.startswith(b"\x93NUMPY"):
        return Kind("an .npy", (*beside, "npy", *features))
    if head.startswith(ZIP):
        return _of_zip(path)
    if any(head[start:].startswith(HDF5) for start in USERBLOCKS):
        return _of_hdf5(path, head, beside, features)
    if head.startswith(MATLAB) or suffix == ".mat":
        kinds = (*beside, *_of_recording(path), "mat", "stringer2019", *features)
        return Kind("a MATLAB file", tuple(dict.fromkeys(kinds)))
    if head.startswith(CDF) and head[3:4] in (b"\x01", b"\x02"):
        return Kind("NetCDF-3", ("netcdf",))
    if head[8:9] == b"{" and suffix == ".safetensors":
        return Kind("safetensors", ("safetensors",))
    if suffix == ".txt" and features:
        return Kind("text", ("thingsvision",))
    if suffix == ".arrow":
        return Kind("a file of a Hugging Face dataset: give its folder", ())
    return Kind("of no known content" if head else "empty", ())


def _of_zip(path: Path) -> Kind:
    with zipfile.ZipFile(path) as file:
        names = file.namelist()
    if any(name.endswith("/data.pkl") for name in names):
        return Kind("a file of torch.save", ("thingsvision",))
    return Kind("a zip", ("npz",))


def _of_recording(path: Path) -> tuple[str, ...]:
    return ("stringer2019",) if path.name.startswith("natimg2800") else ()


def _of_hdf5(path: Path, head: bytes, beside: tuple, features: tuple) -> Kind:
    """HDF5, whose kinds differ by attributes; every kind can be read as plain HDF5 too."""
    if head.startswith(MATLAB):
        kinds = (*beside, "mat", *features, "hdf5")
        return Kind("a MATLAB 7.3 file (HDF5)", tuple(dict.fromkeys(kinds)))
    with open_users_hdf5(path) as file:
        root = set(file.attrs)
        is_anndata = path.suffix == ".h5ad" or {"X", "obs", "var"} <= set(file)
    likely = (
        "nwb" if "nwb_version" in root or path.suffix == ".nwb" else
        "anndata" if is_anndata else
        "netcdf" if "_NCProperties" in root or path.suffix in (".nc", ".cdf", ".nc4") else
        "hdf5"
    )  # fmt: skip
    others = [f for f in ("hdf5", "netcdf", "anndata", "nwb", *features, "mat") if f != likely]
    return Kind("HDF5", tuple(dict.fromkeys((*beside, likely, *others))))
