"""Captured files as xarray opens them: their axes have names, and the numbers are the same."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray
from captures import (
    REDUCTIONS,
    capture_images,
    capture_noisy,
    capture_tokens,
    layers_of,
    read,
    reused,
    sequences,
)

from codespectra.capture import images
from codespectra.capture.gather_shards import gather
from codespectra.capture.shard import Shard

TOKENS = sum(len(cut.ids) for cut in sequences())


def gathered(path: Path) -> None:
    shards = [path.with_suffix(".shards") / f"{number}.h5" for number in (1, 2)]
    for number, shard in enumerate(shards, start=1):
        capture_images(shard, shard=Shard(number, 2))
    wanted = layers_of(reused(), *REDUCTIONS)
    attributes = {"model": "small", "seed": 3}
    layout = images.image_layout(wanted, 90, dtype="float32", attributes=attributes, noisy=False)
    gather(path, layout, shards, None)


def second_shard(path: Path) -> None:
    capture_images(path, shard=Shard(2, 2))


CAPTURES = {
    "images": (capture_images, "stimulus", range(90)),
    "a shard": (second_shard, "stimulus", range(48, 90)),
    "gathered": (gathered, "stimulus", range(90)),
    "two passes": (capture_noisy, "presentation", range(180)),
    "text": (capture_tokens, "token_row", range(TOKENS)),
}


@pytest.mark.parametrize("kind", CAPTURES)
def test_xarray_sees_named_axes_and_the_same_numbers(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(images, "GRAIN", 16)
    capture, row, numbers = CAPTURES[kind]
    path = tmp_path / "a.h5"
    capture(path)
    stored = read(path)
    with (
        warnings.catch_warnings(action="error"),  # such as that some axes have no names
        xarray.open_datatree(path, engine="h5netcdf") as tree,
    ):
        np.testing.assert_array_equal(tree[row], numbers)
        for key, values in stored.items():
            array = tree[key]
            names = (row, f"unit_{values.shape[1]}") if values.ndim == 2 else array.dims
            assert array.dims == names and not any("phony" in name for name in names)
            np.testing.assert_array_equal(array, values)
    group = next(iter(stored)).split("/")[0]
    with xarray.open_dataset(path, engine="h5netcdf", group=group) as layers:
        assert set(layers) == {key.split("/")[1] for key in stored if key.startswith(f"{group}/")}
        assert layers.sizes[row] == len(numbers)
        for name, array in layers.items():
            np.testing.assert_array_equal(array, stored[f"{group}/{name}"])
