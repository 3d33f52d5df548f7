"""The same numbers, whatever format they lie in."""

import subprocess
import sys
import zlib
from itertools import permutations
from pathlib import Path
from typing import Any

import activation_files as files
import h5py
import numpy as np
import pytest
import xarray
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from project import ROOT

from codespectra.errors import UserError
from codespectra.sources.open_source import open_source
from codespectra.sources.rows import Transposed, in_slabs
from codespectra.sources.source import FORMATS, Source
from codespectra.sources.source_files import source_files

LAYERS = {"conv": (13, 5), "fc": (13, 3)}
# What no format may change: signs of zero, subnormal numbers, infinity, NaN.
SPECIAL = np.array([-0.0, 1e-45, np.inf, -np.inf, np.nan, 3.4e38], np.float32)

BOUNDS = st.none() | st.integers(-20, 20)


def layers(*names: str) -> dict[str, np.ndarray]:
    found = {}
    for name in names:
        found[name] = np.random.default_rng(len(name)).standard_normal(LAYERS[name], np.float32)
        found[name].flat[: len(SPECIAL)] = SPECIAL
    return found


def same(found: np.ndarray, expected: np.ndarray) -> None:
    """Equal to the bit."""
    assert found.shape == expected.shape
    assert found.astype(np.float32).tobytes() == expected.tobytes()


def check(source: Source, expected: dict[str, np.ndarray], keys: dict[str, str]) -> None:
    assert source.format in FORMATS
    assert list(source.layers) == list(keys.values())
    for name, array in expected.items():
        rows = source.layers[keys[name]]
        assert rows.shape == array.shape
        assert rows[:].dtype == rows.dtype and rows.dtype.isnative
        same(rows[:], array)
        same(np.concatenate(list(in_slabs(rows, 12))), array)
        same(Transposed(rows)[1:4], np.ascontiguousarray(array[:, 1:4].T))


@pytest.mark.parametrize("kind", files.SEVERAL)
def test_several_layers_are_equal_to_the_bit(kind: str, tmp_path: Path) -> None:
    expected = layers("conv", "fc")
    path = files.SEVERAL[kind](tmp_path, expected)
    if kind == "anndata sparse":  # zeros aren't stored, nor their signs
        expected = {name: array + 0 for name, array in expected.items()}
    keys = {name: name for name in expected}
    if kind.startswith("anndata"):
        keys = {"conv": "X", "fc": "layers/fc"}
    if kind == "nwb":
        keys = {name: f"acquisition/{name}" for name in expected}
    with open_source(path) as source:
        assert source.format == kind.split()[0]
        check(source, expected, keys)
        if kind.split()[0] in ("anndata", "netcdf", "thingsvision"):
            assert source.ids == files.ids(13)
        if kind.split()[0] in ("anndata", "netcdf"):
            assert source.repeats == files.repeats(13)
    with open_source(path, layers={"mine/last": keys["fc"]}) as source:
        check(source, {"fc": expected["fc"]}, {"fc": "mine/last"})
    with open_source(path, layers=[f"*{keys['fc'][1:]}"]) as source:
        check(source, {"fc": expected["fc"]}, {"fc": keys["fc"]})


@pytest.mark.parametrize("kind", files.ONE)
def test_one_layer_is_equal_to_the_bit(kind: str, tmp_path: Path) -> None:
    expected = layers("conv")
    write, name = files.ONE[kind]
    with open_source(write(tmp_path, expected)) as source:
        assert source.format == kind.split()[0]
        check(source, expected, {"conv": name})
        assert (source.ids == files.ids(13)) == (source.format == "thingsvision")


@pytest.mark.parametrize("kind", ["npz", "npz packed", "hdf5", "zarr", "zarr 2", "safetensors",
                                  "mat", "mat 7.3", "nwb"])  # fmt: skip
@pytest.mark.parametrize("shape", [(6, 4, 3), (6, 4, 3, 2)])
def test_more_dimensions_keep_their_shape(kind: str, shape: tuple, tmp_path: Path) -> None:
    array = np.random.default_rng(0).standard_normal(shape, np.float32)
    with open_source(files.SEVERAL[kind](tmp_path, {"a": array})) as source:
        (rows,) = source.layers.values()
        same(rows[2:5], array[2:5])


def test_cached_activations_of_saelens_are_contexts_of_tokens(tmp_path: Path) -> None:
    array = np.random.default_rng(0).standard_normal((7, 4, 3), np.float32)
    with open_source(files.sae_lens(tmp_path, {"blocks.0.hook_mlp_out": array})) as source:
        assert source.format == "sae_lens"
        assert source.remarks == ["passed over: token_ids (token ids, which are no activations)"]
        same(source.layers["blocks.0.hook_mlp_out"][:], array)
        same(source.layers["blocks.0.hook_mlp_out"][2:6], array[2:6])


TYPES = ["?", "i1", "u2", ">i4", "i8", "f2", ">f4", "f8"]
WITHOUT = {"safetensors": {">i4", ">f4"}, "mat": {"f2"}}


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        (kind, dtype)
        for kind in ("npy", "npz", "hdf5", "zarr", "zarr 2", "safetensors", "mat")
        for dtype in TYPES
        if dtype not in WITHOUT.get(kind, ())
    ],
)
def test_other_types_keep_their_values(kind: str, dtype: str, tmp_path: Path) -> None:
    array = np.arange(-6, 6).reshape(6, 2).astype(dtype)
    write = files.npy if kind == "npy" else files.SEVERAL[kind]
    with open_source(write(tmp_path, {"acts": array})) as source:
        rows = source.layers["acts"]
        assert rows.dtype == (np.uint8 if dtype == "?" else array.dtype.newbyteorder("="))
        np.testing.assert_array_equal(rows[1:5], array[1:5])


@pytest.mark.parametrize("name", ["a.safetensors", "features.pt"])
def test_bfloat16_becomes_float32(name: str, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    tensor = torch.randn(6, 3).bfloat16()
    tensor[0] = torch.tensor([-0.0, torch.inf, 1e-40])
    save = torch.save if name.endswith(".pt") else lambda t, path: save_file({"a": t}, path)
    save(tensor, tmp_path / name)
    with open_source(tmp_path / name) as source:
        (rows,) = source.layers.values()
        same(rows[:], tensor.float().numpy())
        assert "bfloat16, read as float32" in source.remarks[0]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("packed", [False, True])
def test_matlab_stores_whole_doubles_as_small_integers(
    order: str, packed: bool, tmp_path: Path
) -> None:
    """As MATLAB writes them, by columns, and SciPy doesn't: class double (6), stored as int16."""

    def element(kind: int, content: bytes) -> bytes:
        head = np.array([kind, len(content)], f"{order}u4").tobytes()
        return head + content.ljust(-(-len(content) // 8) * 8, b"\0")

    array = np.arange(-5, 5).reshape(5, 2)
    matrix = element(
        14,
        element(6, np.array([6, 0], f"{order}u4").tobytes())
        + element(5, np.array(array.shape, f"{order}i4").tobytes())
        + element(1, b"activations")
        + element(3, array.astype(f"{order}i2").tobytes("F")),
    )
    stream = zlib.compress(matrix)
    head = np.array([15, len(stream)], f"{order}u4").tobytes()
    mark = b"\x00\x01IM" if order == "<" else b"\x01\x00MI"
    content = b"MATLAB 5.0 MAT-file".ljust(124) + mark + (head + stream if packed else matrix)
    (tmp_path / "a.mat").write_bytes(content)
    with open_source(tmp_path / "a.mat") as source:
        rows = source.layers["activations"]
        assert rows.dtype == np.float64
        np.testing.assert_array_equal(rows[1:4], array[1:4])


@pytest.mark.parametrize("dims", list(permutations(("presentation", "neuroid", "time_bin"))))
def test_assemblies_are_presentations_by_neuroids_in_any_order(
    dims: tuple[str, ...], tmp_path: Path
) -> None:
    numbers = np.random.default_rng(0).standard_normal((4, 6, 2), np.float32)
    regions = {"layer": ("neuroid", list("abbaab")), "repetition": ("presentation", [1.0, 1, 2, 2])}
    variables = {
        name: xarray.DataArray(
            array, dims=("presentation", "neuroid", "time_bin"), coords=regions
        ).transpose(*dims)
        for name, array in (("data", numbers), ("more", -numbers))
    }
    xarray.Dataset(variables).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    variables["data"].to_dataset(name="x").to_netcdf(
        tmp_path / "a.nc", "a", group="g", engine="h5netcdf"
    )
    with open_source(tmp_path / "a.nc") as source:
        assert list(source.layers) == ["data/a", "data/b", "more/a", "more/b"]
        same(source.layers["data/a"][1:3], numbers[1:3, [0, 3, 4]])
        same(source.layers["more/b"][:], -numbers[:, [1, 2, 5]])
        assert (source.ids, source.repeats) == (None, [1, 1, 2, 2])
        assert "g/x (in a group)" in source.remarks[-1]


def test_parts_of_thingsvision_s_layers_follow_their_numbers(tmp_path: Path) -> None:
    """As its `extract_features` leaves them: a folder a module, a file some batches."""
    expected = layers("conv", "fc")
    for name, array in expected.items():
        (tmp_path / name).mkdir()
        for first, stop in ((0, 2), (2, 10), (10, 13)):
            np.save(tmp_path / name / f"features_{first}-{stop}.npy", array[first:stop])
    with open_source(tmp_path) as source:
        check(source, expected, {"conv": "conv", "fc": "fc"})
        assert source.ids is None


def test_neuroids_are_columns_though_the_other_dimension_has_no_known_name(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).standard_normal((6, 4), np.float32)
    xarray.DataArray(numbers, dims=("neuroid", "picture"), name="v4").to_netcdf(tmp_path / "a.nc")
    with open_source(tmp_path / "a.nc") as source:
        same(source.layers["v4"][1:3], np.ascontiguousarray(numbers.T[1:3]))
        assert source.remarks == ["v4: dimensions neuroid, picture, read picture first"]


def test_files_that_a_virtual_dataset_is_gathered_from_are_told(tmp_path: Path) -> None:
    path = files.hdf5_virtual(tmp_path, layers("conv", "fc"))
    assert source_files(path) == [path, tmp_path / "conv.h5", tmp_path / "fc.h5"]
    assert source_files(tmp_path / "conv.h5") == [tmp_path / "conv.h5"]


def test_chunks_that_were_never_written_are_said(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("a", (8, 3), "f4", chunks=(2, 3))[:5] = 1
        file.create_dataset("b", (8, 3), "f4")
    zarr.open_array(tmp_path / "a.zarr", mode="w", shape=(8, 3), chunks=(2, 3), dtype="f4")[:5] = 1
    with open_source(tmp_path / "a.h5") as source:
        assert source.remarks == [
            "a: 1 of its 4 chunks were never written, and read as 0.0",
            "b: its numbers were never written, and read as 0.0",
        ]
    with open_source(tmp_path / "a.zarr") as source:
        assert source.remarks == ["a: 1 of 4 chunks aren't stored, and read as 0.0"]


@pytest.mark.parametrize("kind", ["npz", "hdf5", "zarr", "zarr 2"])
def test_columns_beside_the_layers_tell_of_rows(kind: str, tmp_path: Path) -> None:
    """As our own scripts would write them."""
    path = files.SEVERAL[kind](tmp_path, layers("conv"))
    if kind == "npz":
        np.savez(path, **layers("conv"), stimulus_id=files.ids(13), repeat=files.repeats(13))
    elif kind == "hdf5":
        with h5py.File(path, "a") as file:
            file["stimulus_id"], file["repeat"] = files.ids(13), files.repeats(13)
    else:
        group = zarr.open_group(path, mode="a")
        group.create_array("stimulus_id", data=np.array(files.ids(13)))
        group.create_array("repeat", data=np.array(files.repeats(13)))
    with open_source(path) as source:
        assert (source.ids, source.repeats) == (files.ids(13), files.repeats(13))
        assert list(source.layers) == ["conv"] and not source.remarks


NAMES = {
    "": "a layer's name with an empty part",
    "a//b": "a layer's name with an empty part",
    "/a": "a layer's name with an empty part",
    "a/../b": "a layer's name with an empty part",
    "a\nb": "unprintable characters",
    "a\0": "unprintable characters",
    "a" * 201: "a layer's name of 201 letters, expected at most 200",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_that_no_dataset_can_have_are_refused(name: str, tmp_path: Path) -> None:
    path = files.npz(tmp_path, layers("conv"))
    with (
        pytest.raises(UserError, match=NAMES[name]) as error,
        open_source(path, layers={name: "conv"}),
    ):
        pass
    assert str(error.value).endswith("give it another name: layers: {NAME: KEY}")
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (["con"], "con: not there; did you mean 'conv'\\? allowed: block/a, block/b, conv, short"),
        ({"x": "fd"}, "fd: not there"),
        (["block"], "block: a group, which holds block/a, block/b; expected an array; name those"),
        (["lab*"], "labels: 1-D"),
        ({"block": "conv", "block/a": "block/a"}, "the folder of another, block/a"),
        ([], "no layer is named"),
        ({}, "no layer is named"),
        (["c*", "short"], "layers of different numbers of rows: conv \\(13, 5\\), short"),
    ],
)
def test_layers_that_are_not_there_are_named(wanted: Any, words: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name in ("conv", "block/a", "block/b"):
            file[name] = layers("conv")["conv"]
        file["short"], file["labels"] = np.ones((3, 2)), np.arange(13)
    with pytest.raises(UserError, match=words), open_source(tmp_path / "a.h5", layers=wanted):
        pass


def test_layers_are_chosen_by_name_glob_and_key_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = files.npz(tmp_path, {name: layers("conv")["conv"] for name in ("b", "a1", "c", "a2")})
    for wanted, found in [
        (["a*", "b"], ["b", "a1", "a2"]),
        ("c", ["c"]),
        ({"x/y": "c", "x/z": "b"}, ["x/z", "x/y"]),
        (None, ["b", "a1", "c", "a2"]),
    ]:
        with open_source(path, layers=wanted) as source:
            assert list(source.layers) == found
            passed = (
                {"b", "a1", "c", "a2"} - set(found) if wanted != {"x/y": "c", "x/z": "b"} else {1}
            )
            assert len(source.remarks) == bool(passed)


@pytest.mark.parametrize(
    ("kind", "format", "found"),
    [
        ("anndata", "hdf5", "hdf5"),
        ("mat 7.3", "hdf5", "hdf5"),
        ("nwb", "hdf5", "hdf5"),
        ("npz", "hdf5", "a zip, expected format hdf5; leave format out, or say npz"),
        ("hdf5", "h5", "format 'h5': did you mean 'hdf5'"),
        ("zarr", "sae_lens", "a zarr folder, expected format sae_lens"),
    ],
)
def test_a_format_is_said_only_where_several_fit(
    kind: str, format: str, found: str, tmp_path: Path
) -> None:
    path = files.SEVERAL[kind](tmp_path, layers("conv"))
    if found in FORMATS:
        with open_source(path, format=format, layers=["*"]) as source:
            assert source.format == found
    else:
        with pytest.raises(UserError, match=found), open_source(path, format=format):
            pass


def test_content_tells_a_format_whatever_the_suffix(tmp_path: Path) -> None:
    path = files.hdf5(tmp_path, layers("conv")).rename(tmp_path / "acts.npy")
    with open_source(path) as source:
        assert source.format == "hdf5"


def test_arrow_is_read_without_the_library_that_wrote_it(tmp_path: Path) -> None:
    """A job doesn't import `datasets`, whose types Arrow then doesn't know."""
    array = np.random.default_rng(0).standard_normal((7, 4, 3), np.float32)
    path = files.sae_lens(tmp_path, {"hook": array})
    code = (
        "import sys\nfrom codespectra.sources.open_source import open_source\n"
        "with open_source(sys.argv[1]) as source:\n"
        "    sys.stdout.buffer.write(source.layers['hook'][:].tobytes())\n"
        "assert 'datasets' not in sys.modules and 'torch' not in sys.modules"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, path],
        env={"PYTHONPATH": str(ROOT / "scripts")},
        capture_output=True,
        check=True,
    )
    assert found.stdout == array.tobytes()


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    expected = {name: array + 0 for name, array in layers("conv", "fc").items()}
    return {
        kind: write(tmp_path_factory.mktemp(kind.replace(" ", "_")), expected)
        for kind, write in files.SEVERAL.items()
    }


@pytest.mark.parametrize("kind", files.SEVERAL)
@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(slices=st.lists(st.builds(slice, BOUNDS, BOUNDS), min_size=2, max_size=5))
def test_slices_are_those_of_an_array(opened, kind: str, slices: list[slice]) -> None:
    expected = {name: array + 0 for name, array in layers("conv", "fc").items()}
    with open_source(opened[kind]) as source:
        for taken in slices:
            for rows, array in zip(source.layers.values(), expected.values(), strict=True):
                same(rows[taken], array[taken])
