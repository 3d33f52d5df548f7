"""What can't be activations is refused in one line with the file, what was found and what to do."""

import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import activation_files as files
import h5py
import numpy as np
import pytest
from damage import PLACES, flipped
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat
from scipy.sparse import csc_matrix, csr_matrix

from codespectra.errors import UserError
from codespectra.sources.open_source import open_source

ROWS = np.random.default_rng(0).standard_normal((12, 4), np.float32)
Build = Callable[[Path], Path]


def refusal(path: Path, **options: Any) -> str:
    """The one line that refuses a file, of which all rows are read."""
    with pytest.raises(UserError) as error, open_source(path, **options) as source:
        for rows in source.layers.values():
            rows[:]
    said = str(error.value)
    assert "\n" not in said and said.isprintable()
    assert "delete" not in said
    assert "; " in said
    return said


# Arrays that are none, in every format that can hold them ----------------------------------------

ARRAYS: dict[str, tuple[np.ndarray, str]] = {
    "complex": (ROWS * 1j, "complex"),
    "text": (np.array([["a", "b"]] * 12), "text"),
    "one axis": (ROWS[0], "1-D, shape (4,)"),
    "no axis": (np.float32(3), "0-D, shape ()"),
    "no rows": (ROWS[:0], "empty, shape (0, 4)"),
    "no columns": (ROWS[:, :0], "empty, shape (12, 0)"),
    "objects": (np.array([[{}, None]] * 12), "objects"),
    "structured": (np.zeros((12, 2), [("a", "f4"), ("b", "i4")]), "structured (fields a, b)"),
    "dates": (np.zeros((12, 2), "datetime64[s]"), "of type datetime64[s]"),
    "long floats": (ROWS.astype(np.longdouble), "of type float128"),
}
HOLDERS: dict[str, tuple[Callable[[Path, files.Layers], Path], str]] = {
    "npy": (files.npy, ""),
    "npz": (files.npz, ""),
    "npz packed": (files.npz_packed, "no axis"),
    "hdf5": (files.hdf5, "text objects dates"),
    "zarr": (files.zarr, "no axis objects dates long floats structured"),
    "zarr 2": (files.zarr_2, "no axis objects long floats"),
    "safetensors": (files.safetensors, "no axis complex text objects structured dates long floats"),
    "mat": (files.mat, "one axis no axis objects structured dates long floats text"),
}


@pytest.mark.parametrize(
    ("holder", "case"),
    [(h, c) for h, (_, without) in HOLDERS.items() for c in ARRAYS if c not in without],
)
@pytest.mark.parametrize("named", [False, True])
def test_arrays_that_are_no_activations(
    holder: str, case: str, named: bool, tmp_path: Path
) -> None:
    array, words = ARRAYS[case]
    if holder == "hdf5":
        path = tmp_path / "acts.h5"
        with h5py.File(path, "w") as file:
            file["acts"] = array
    else:
        path = HOLDERS[holder][0](tmp_path, {"acts": np.asarray(array)})
    said = refusal(path, layers={"a": "acts"} if named else None)
    assert said.startswith(f"{path}: ")
    assert words in said.replace("<U1", ""), said
    assert "expected numbers in at least two dimensions" in said
    assert ("acts" in said) or not named


# Files ------------------------------------------------------------------------------------------


def written(name: str, content: bytes) -> Build:
    def build(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return build


def npy_header(shape: str, content: bytes = b"", dtype: str = "<f4") -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content


def hdf5(build: Callable[[h5py.File, Path], Any], name: str = "a.h5") -> Build:
    def write(folder: Path) -> Path:
        with h5py.File(folder / name, "w") as file:
            build(file, folder)
        return folder / name

    return write


def virtual(source: str, shape: tuple[int, ...] = (12, 4)) -> Build:
    def build(file: h5py.File, folder: Path) -> None:
        with h5py.File(folder / "part.h5", "w") as part:
            part["rows"] = ROWS
        layout = h5py.VirtualLayout(shape, "f4")
        layout[:12, :4] = h5py.VirtualSource(source, "rows", (12, 4))
        file.create_virtual_dataset("rows", layout)

    return hdf5(build)


def npz_of(name: str, content: bytes, kind: int = zipfile.ZIP_DEFLATED) -> Build:
    def build(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "a.npz", "w", kind) as file:
            file.writestr(name, content)
        return folder / "a.npz"

    return build


def zip_bomb(folder: Path) -> Path:
    """A row of members that unpack to a thousand times their size, and the last one lies."""
    with zipfile.ZipFile(folder / "a.npz", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.npy", npy_header("(1024, 1024)", bytes(1 << 22)))
    content = bytearray((folder / "a.npz").read_bytes())
    central = content.index(b"PK\x01\x02")
    content[central + 24 : central + 28] = struct.pack("<I", (1 << 32) - 2)
    (folder / "a.npz").write_bytes(content)
    return folder / "a.npz"


def changed_zarr(version: int = 3, name: str = "", **values: Any) -> Build:
    def build(folder: Path) -> Path:
        path = files.zarr(folder, {"a": ROWS}, version)
        described = path / (name or ("a/zarr.json" if version == 3 else "a/.zarray"))
        described.write_text(json.dumps(json.loads(described.read_text()) | values))
        return path

    return build


def zarr_with(change: Callable[[Path], Any], version: int = 3) -> Build:
    def build(folder: Path) -> Path:
        path = files.zarr(folder, {"a": ROWS}, version)
        change(path)
        return path

    return build


def linked(path: Path) -> None:
    (path / "a/c/0/0").rename(path.parent / "elsewhere")
    (path / "a/c/0/0").symlink_to("../../../../elsewhere")


def piped(path: Path) -> None:
    (path / "a/c/0/0").unlink()
    os.mkfifo(path / "a/c/0/0")


def safetensors_of(header: dict[str, Any], content: bytes = b"") -> Build:
    text = json.dumps(header).encode()
    return written("a.safetensors", struct.pack("<Q", len(text)) + text + content)


def arrow_with(change: Callable[[Path], Any]) -> Build:
    def build(folder: Path) -> Path:
        path = files.sae_lens(folder, {"hook": np.zeros((6, 3, 2), np.float32)})
        change(path)
        return path

    return build


def json_with(name: str, **values: Any) -> Build:
    def change(path: Path) -> None:
        (path / name).write_text(json.dumps(json.loads((path / name).read_text()) | values))

    return arrow_with(change)


def features(folder: Path, *names: str) -> Path:
    for name in names:
        np.save(folder / name, ROWS[: 2 + len(name) % 3])
    return folder


def pickled(folder: Path) -> Path:
    import torch

    torch.save({"a": Path("x")}, folder / "features.pt")
    return folder / "features.pt"


def dictionary(folder: Path) -> Path:
    import torch

    torch.save({"a": torch.ones(3, 2)}, folder / "features.pt")
    return folder / "features.pt"


def sparse(kind: Callable, **values: Any) -> Build:
    def build(file: h5py.File, folder: Path) -> None:
        matrix = kind(ROWS)
        group = file.create_group("X")
        group.attrs.update({"encoding-type": kind.__name__, "shape": ROWS.shape})
        for part in ("data", "indices", "indptr"):
            group[part] = values.get(part, getattr(matrix, part))
        file.attrs["encoding-type"] = "anndata"
        file.create_group("obs")

    return hdf5(build, "a.h5ad")


def text_of(words: str) -> Build:
    return written("features.txt", words.encode())


def external(file: h5py.File, folder: Path) -> None:
    file["a"] = h5py.ExternalLink("/etc/other.h5", "x")


def raw(file: h5py.File, folder: Path) -> None:
    file.create_dataset("a", (4, 3), "u1", external=[("/etc/passwd", 0, 12)])


def itself(file: h5py.File, folder: Path) -> None:
    layout = h5py.VirtualLayout((12, 4), "f4")
    layout[:] = h5py.VirtualSource(".", "a", (12, 4))
    file.create_virtual_dataset("a", layout)


def unknown_filter(file: h5py.File, folder: Path) -> None:
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_chunk((4, 4))
    layout.set_filter(32001, h5py.h5z.FLAG_OPTIONAL)
    space = h5py.h5s.create_simple((12, 4))
    h5py.h5d.create(file.id, b"a", h5py.h5t.IEEE_F32LE, space, layout)


def of_lengths(file: h5py.File, folder: Path) -> None:
    file.create_dataset("a", (3, 2), h5py.vlen_dtype(np.float32))


BIG = "(10000000000, 1000)"
FILES: dict[str, tuple[Build, str]] = {
    # What there is
    "nothing": (lambda folder: folder / "none.npy", "No such file or directory"),
    "empty file": (written("a.npy", b""), "empty, expected one of the formats"),
    "page": (written("a.npz", b"<html>Not found</html>"), "of no known content"),
    "table": (written("a.csv", b"1,2\n3,4\n"), "of no known content"),
    "empty folder": (lambda folder: folder, "a folder that holds nothing"),
    "folder of images": (lambda f: written("a.png", b"x")(f).parent, "that holds a.png"),
    # NumPy
    "pickle": (written("a.npy", pickle.dumps(ROWS)), "of no known content"),
    "huge npy": (written("a.npy", npy_header(BIG)), "its header says (10000000000, 1000)"),
    "negative npy": (written("a.npy", npy_header("(-4, 4)", bytes(64))), "shape (-4, 4)"),
    "cut npy": (written("a.npy", npy_header("(4, 4)", bytes(63))), "and the file has"),
    "cut npy header": (written("a.npy", npy_header("(4, 4)")[:40]), "damaged, or no .npy"),
    "npy version 9": (written("a.npy", b"\x93NUMPY\x09\x00" + bytes(99)), "version (9, 0)"),
    "npy that calls": (written("a.npy", npy_header("print(1)")), "damaged, or no .npy"),
    "npy that is deep": (written("a.npy", npy_header("(" * 9000)), "damaged, or no .npy"),
    "cut npz": (lambda f: cut(files.npz(f, {"a": ROWS})), "not readable (File is not a zip"),
    "huge npz": (npz_of("a.npy", npy_header(BIG)), "its header says (10000000000, 1000)"),
    "zip bomb": (zip_bomb, "bytes stored"),
    "npz of text": (npz_of("a.txt", b"text"), "a.txt (no .npy)"),
    "npz of no npy": (npz_of("a.npy", b"text"), "a: damaged, or no .npy"),
    # HDF5
    "external link": (hdf5(external), "a (a link to /etc/other.h5 x)"),
    "raw storage": (hdf5(raw), "a (stored in another file, /etc/passwd)"),
    "virtual of none": (virtual("none.h5"), "its part none.h5 is missing"),
    "virtual of above": (virtual("../part.h5"), "part"),
    "virtual of elsewhere": (virtual("/etc/hostname"), "lies in another folder"),
    "virtual of itself": (hdf5(itself), "holds no numbers itself"),
    "half virtual": (virtual("part.h5", (24, 4)), "48 of its 96 numbers are in no part"),
    "virtual of less": (lambda f: less(virtual("part.h5")(f)), "is of shape (5, 4), too small"),
    "huge": (
        hdf5(lambda f, _: f.create_dataset("a", (1 << 40, 9), "f4", chunks=(1, 9))),
        "bytes stored",
    ),
    "coarse": (
        hdf5(
            lambda f, _: f.create_dataset("a", (1 << 15, 1 << 14), "f4", chunks=(1 << 15, 1 << 14))
        ),
        "in chunks of",
    ),
    "unknown filter": (hdf5(unknown_filter), "(filter 32001), which isn't installed"),
    "rows of lengths": (hdf5(of_lengths), "rows of different lengths"),
    "no datasets": (hdf5(lambda f, _: f.create_group("a")), "holds nothing"),
    "cut HDF5": (lambda f: cut(files.hdf5(f, {"a": ROWS})), "damaged, or no HDF5"),
    "counts": (
        hdf5(lambda f, _: f.update({"a": ROWS, "b": ROWS[:5]})),
        "layers of different numbers of rows: a (12, 4), b (5, 4)",
    ),
    # zarr
    "newer zarr": (changed_zarr(3, "zarr.json", zarr_format=4), "zarr format 4, read are 2 and 3"),
    "zarr that unpickles": (changed_zarr(2, filters=[{"id": "pickle"}]), "packed by pickle"),
    "zarr of own codecs": (changed_zarr(3, codecs=[{"name": "mine"}]), "packed by mine"),
    "huge zarr": (changed_zarr(3, shape=[10**13, 4]), "bytes stored"),
    "zarr of text": (changed_zarr(3, data_type="string"), "damaged, or of an unknown kind"),
    "zarr that isn't JSON": (zarr_with(lambda p: (p / "zarr.json").write_text("{")), "not a read"),
    "zarr that is cut": (zarr_with(lambda p: (p / "a/c/1/0").write_bytes(b"x")), "can't be read"),
    "zarr that leads out": (zarr_with(linked), "a/c/0/0 is a link to somewhere else"),
    "zarr of a pipe": (zarr_with(piped), "a/c/0/0 is neither a file nor a folder"),
    "coarse zarr": (
        changed_zarr(
            3, chunk_grid={"name": "regular", "configuration": {"chunk_shape": [1 << 30, 4]}}
        ),
        "in chunks of",
    ),
    # safetensors
    "huge header": (
        written("a.safetensors", struct.pack("<Q", 1 << 60) + b"{}" + bytes(9)),
        "damaged, or no .safetensors",
    ),
    "far offsets": (
        safetensors_of({"a": {"dtype": "F32", "shape": [9, 9], "data_offsets": [0, 324]}}),
        "damaged, or no .safetensors",
    ),
    "float8": (
        safetensors_of(
            {"a": {"dtype": "F8_E4M3", "shape": [2, 2], "data_offsets": [0, 4]}}, b"1234"
        ),
        "a (of type F8_E4M3)",
    ),
    # MATLAB
    "cut mat": (lambda f: cut(files.mat(f, {"a": ROWS})), "damaged, or no MATLAB file"),
    "cut mat 7.3": (lambda f: cut(files.mat_73(f, {"a": ROWS})), "damaged, or no"),
    "a struct": (lambda f: saved_mat(f, {"s": {"x": ROWS}}), "s (a struct)"),
    "a cell array": (lambda f: saved_mat(f, {"s": np.array([[1, "a"]], object)}), "a cell array"),
    "a sparse one": (lambda f: saved_mat(f, {"s": csc_matrix(ROWS)}), "s (sparse)"),
    # AnnData
    "CSC": (sparse(csc_matrix), "X (a sparse matrix by columns)"),
    "CSR beyond its columns": (
        sparse(csr_matrix, indices=np.full(48, 9, np.int32)),
        "can't be read",
    ),
    "CSR of few ends": (sparse(csr_matrix, indptr=np.zeros(3, np.int32)), "row ends (3,)"),
    # NetCDF
    "cut NetCDF": (lambda f: cut(files.netcdf(f, {"a": ROWS})), "damaged, or no"),
    "cut NetCDF-3": (lambda f: cut(files.netcdf_3(f, {"a": ROWS})), "damaged, or no NetCDF"),
    "NetCDF that leads out": (
        hdf5(external, "a.nc"),
        "a is a link to /etc/other.h5 x",
    ),
    # SAELens
    "splits": (
        lambda f: written("dataset_dict.json", b'{"splits": ["train"]}')(f).parent,
        "a folder of splits",
    ),
    "shuffled": (
        json_with("state.json", _indices_data_files=[{"filename": "x"}]),
        "save flatten_indices() of it",
    ),
    "Arrow elsewhere": (
        json_with("state.json", _data_files=[{"filename": "../x.arrow"}]),
        "../x.arrow isn't there",
    ),
    "no rows": (json_with("state.json", _data_files=[]), "it has no rows"),
    "cut Arrow": (
        arrow_with(lambda p: cut(p / "data-00000-of-00002.arrow")),
        "not a readable Hugging Face dataset",
    ),
    "Arrow of another shape": (
        json_with("dataset_info.json", features={"hook": {"_type": "Array2D", "shape": [9, 9]}}),
        "can't be read",
    ),
    # thingsvision
    "two features": (
        lambda f: features(f, "features.npy", "features_01.npy"),
        "lies in features.npy, features_01.npy",
    ),
    "names": (
        lambda f: (written("file_names.txt", b"a\nb\nc\n")(f), features(f, "features.npy"))[1],
        "tells the stimulus_id of 3 rows",
    ),
    "a pickle": (pickled, "no tensor that can be read without running code"),
    "a dictionary": (dictionary, "it holds a dict, expected one tensor"),
    "cut tensor": (lambda f: cut(files.thingsvision(f, {"a": ROWS}, "pt") / "features.pt"), "zip"),
    "words": (text_of("1 2\n3 four\n"), "rows 0 to 2 can't be read (could not convert string"),
    "ragged text": (text_of("1 2\n3\n"), "rows 0 to 2 can't be read"),
}


def less(path: Path) -> Path:
    with h5py.File(path.with_name("part.h5"), "w") as part:
        part["rows"] = ROWS[:5]
    return path


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    return path


def saved_mat(folder: Path, content: dict[str, Any]) -> Path:
    savemat(folder / "a.mat", content)
    return folder / "a.mat"


@pytest.mark.parametrize("case", FILES)
def test_files_that_are_no_activations(case: str, tmp_path: Path) -> None:
    build, words = FILES[case]
    folder = tmp_path / "folder"
    folder.mkdir()
    said = refusal(build(folder))
    assert str(folder) in said
    assert words in said, said


# Damage -----------------------------------------------------------------------------------------

# Not those with text in HDF5's heaps: its library reads some damaged heaps without end.
KINDS = [kind for kind in files.SEVERAL if kind.split()[0] not in ("anndata", "netcdf", "nwb")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {
        kind: files.SEVERAL[kind](tmp_path_factory.mktemp("whole"), {"a": ROWS, "b": ROWS[:, :2]})
        for kind in KINDS
    }


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, deadline=None, derandomize=True, database=None)
@given(place=PLACES, bit=st.integers(0, 7), is_cut=st.booleans())
def test_a_damaged_file_is_refused_or_read(
    whole: dict[str, Path], kind: str, place: float, bit: int, is_cut: bool
) -> None:
    """Whatever a library does at damage, its user gets one line."""
    path = whole[kind]
    inside = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    file = inside[int(place * 1000) % len(inside)]
    content = file.read_bytes()
    changed = flipped(content, place, bit)
    file.write_bytes(changed[: int(len(content) * place)] if is_cut else changed)
    try:
        with open_source(path) as source:
            for rows in source.layers.values():
                assert rows[2:9].shape[0] <= 7
    except UserError as error:
        assert str(error).isprintable()
    finally:
        file.write_bytes(content)
