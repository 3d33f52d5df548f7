"""The same numbers, whatever format they lie in."""

from pathlib import Path

import activation_files as files
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codespectra.sources.open_source import open_source
from codespectra.sources.rows import Transposed, in_slabs
from codespectra.sources.source import FORMATS, Source

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
