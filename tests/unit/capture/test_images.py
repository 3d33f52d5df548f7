"""Activations of images against plain passes of the same network, its dropout off or left on."""

import math
import shutil
from collections import namedtuple

import h5py
import numpy as np
import pytest
import torch
from captures import (
    REDUCTIONS,
    SETTINGS,
    Watched,
    capture_images,
    capture_noisy,
    dropping,
    layers_of,
    pictures,
    read,
    reused,
)
from hypothesis import given
from hypothesis import strategies as st

from codespectra.capture.images import Twice
from codespectra.errors import UserError
from codespectra.files.hdf5_files import open_hdf5
from codespectra.models.reductions import stride_of


def test_values_of_every_call_and_reduction_by_hand(tmp_path):
    """All layers by plain functions of a network that writes nothing in place."""
    capture_images(tmp_path / "a.h5")
    found, plain = read(tmp_path / "a.h5"), reused(inplace=False)
    pixels = torch.from_numpy(pictures()).permute(0, 3, 1, 2).double() / 255
    mean, std = (torch.tensor(SETTINGS[key]).view(3, 1, 1).double() for key in ("mean", "std"))
    with torch.no_grad():
        conv1 = plain.double().conv1((pixels - mean) / std)
        conv2 = plain.conv2(conv1.relu())
        expected = {
            "conv1": conv1,
            "relu:0": conv1.relu(),
            "conv2": conv2,
            "relu:1": conv2.relu(),
            "fc": plain.fc(conv2.relu().mean(dim=(2, 3))),
        }
    assert set(found) == {f"{how}/{name}" for how in REDUCTIONS for name in expected}
    for name, outputs in expected.items():
        flat = outputs.flatten(1).numpy()
        close = {"rtol": 0, "atol": 1e-6 * np.abs(flat).max()}
        stride = {"conv1": 2, "relu:0": 2}.get(name, 1)
        np.testing.assert_allclose(found[f"none/{name}"], flat, **close)
        np.testing.assert_allclose(found[f"stride/{name}"], flat[:, ::stride], **close)
        pooled = outputs.mean(dim=(2, 3)).numpy() if outputs.dim() == 4 else flat
        np.testing.assert_allclose(found[f"spatial_mean/{name}"], pooled, **close)
    assert found["none/conv1"].min() < 0


def test_attributes_say_what_each_dataset_is(tmp_path):
    capture_images(tmp_path / "a.h5")
    with open_hdf5(tmp_path / "a.h5") as file:
        assert (file.attrs["model"], file.attrs["seed"]) == ("small", "3")
        attributes = dict(file["stride/relu:0"].attrs)
        assert list(attributes.pop("shape")) == [40, 16, 16]
        assert len(attributes.pop("DIMENSION_LIST")) == 2
        assert attributes == {
            "module": "relu",
            "call": 0,
            "type": "ReLU",
            "depth": 1,
            "reduction": "stride",
            "stride": 2,
        }
        assert file["stride/relu:1"].attrs["call"] == 1
        assert file["none/relu:0"].attrs["stride"] == 1


def test_one_pass_is_bit_equal_to_a_lone_hook_on_each_layer(tmp_path):
    capture_images(tmp_path / "a.h5")
    found = read(tmp_path / "a.h5")
    model, prepare = reused().to(memory_format=torch.channels_last), Watched()
    for item in layers_of(reused(), *REDUCTIONS):
        outputs = []
        handle = model.get_submodule(item.layer["module"]).register_forward_hook(
            lambda _, __, output, outputs=outputs: outputs.append(output.clone())
        )
        with torch.inference_mode():
            for start in range(0, 90, 16):
                model(prepare(pictures()[start : start + 16]))
        handle.remove()
        calls = 2 if item.layer["module"] == "relu" else 1
        output = torch.cat(outputs[item.layer["call"] :: calls])
        if item.reduction == "spatial_mean":
            expected = output.mean(dim=(2, 3)) if output.dim() == 4 else output
        else:
            stride = stride_of(item.layer["shape"], item.reduction)
            expected = output.reshape(90, -1)[:, ::stride]
        np.testing.assert_array_equal(found[item.key], expected)


def test_batch_size_does_not_matter(tmp_path):
    found = {}
    for batch in (1, 7, 64):
        capture_images(tmp_path / f"{batch}.h5", batch=batch)
        found[batch] = read(tmp_path / f"{batch}.h5")
    for key, values in found[64].items():
        for batch in (1, 7):
            error = np.abs(found[batch][key] - values).max()
            assert error <= 1e-6 * np.abs(values).max(), (key, batch)


def test_same_inputs_same_bytes(tmp_path):
    for name in ("a.h5", "b.h5"):
        capture_images(tmp_path / name)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    capture_images(tmp_path / "c.h5", attributes={"model": "other", "seed": 3})
    assert (tmp_path / "a.h5").read_bytes() != (tmp_path / "c.h5").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.h5", "b.h5", "c.h5"]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_activation_that_is_not_finite_is_named(tmp_path, bad, dtype):
    class Poisoned(Watched):
        def __call__(self, images):
            pixels = super().__call__(images)
            rows = (images == pictures()[37]).all(axis=(1, 2, 3))
            pixels[torch.from_numpy(rows), 0, 0, 0] = bad
            return pixels

    broken = Poisoned()
    with pytest.raises(UserError, match=r"layer conv1: NaN or infinite .* first at stimulus 37;"):
        capture_images(tmp_path / "a.h5", preprocess=broken, dtype=dtype)
    assert not (tmp_path / "a.h5").exists()


def test_too_large_for_float16_says_store_float32(tmp_path):
    large = reused()
    with torch.no_grad():
        large.fc.bias[2] = 1e5
    with pytest.raises(UserError, match=r"layer fc: .* stimulus 0; .* store float32"):
        capture_images(tmp_path / "a.h5", network=large, dtype="float16")
    assert capture_images(tmp_path / "a.h5", network=large).correct is None


def test_large_activations_whose_sum_overflows_are_fine(tmp_path):
    large = reused()
    with torch.no_grad():
        large.fc.bias.fill_(3e38)
    capture_images(tmp_path / "a.h5", network=large)
    np.testing.assert_allclose(read(tmp_path / "a.h5")["none/fc"], 3e38, rtol=1e-6)


def test_too_little_disk_is_refused_with_the_bytes(tmp_path, monkeypatch):
    """Nothing of a million images is made, neither file nor array; 90 of them just fit."""
    usage = namedtuple("usage", "total used free")
    numbers = 2 * (40 + 5120 + 10240) + 2 * (6 + 294 + 294) + 3 * 5
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 10**11))
    million = np.broadcast_to(np.uint8(0), (10**6, 16, 16, 3))
    gigabytes = f"{numbers * 4 / 1e3:.1f}"
    with pytest.raises(UserError, match=f"{gigabytes} GB of activations don't fit the free disk"):
        capture_images(tmp_path / "a.h5", images=million)
    assert list(tmp_path.iterdir()) == []
    needed = numbers * 90 * 4
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, needed))
    capture_images(tmp_path / "a.h5")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, needed - 1))
    capture_images(tmp_path / "b.h5", dtype="float16")
    with pytest.raises(UserError, match="which lacks 1 B"):
        capture_images(tmp_path / "c.h5")


def test_right_predictions_are_counted(tmp_path):
    with torch.inference_mode():
        predicted = reused()(Watched()(pictures())).argmax(dim=1).numpy()
    wrong = np.arange(90) % 3 == 0
    labels = np.where(wrong, (predicted + 1) % 5, predicted)
    assert capture_images(tmp_path / "a.h5", labels=labels).correct == 60


def test_float16_is_float32_rounded(tmp_path):
    for dtype in ("float32", "float16"):
        capture_images(tmp_path / dtype, dtype=dtype)
    full, half = read(tmp_path / "float32"), read(tmp_path / "float16")
    for key, values in full.items():
        assert half[key].dtype == np.float16
        np.testing.assert_array_equal(half[key], values.astype(np.float16))


# Dropout left on ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Ninety pictures in an HDF5 file, open, as a job sees them."""
    with h5py.File(tmp_path_factory.mktemp("stored") / "images.h5", "w") as file:
        yield file.create_dataset("images", data=pictures())


@given(start=st.integers(0, 180), length=st.integers(0, 180))
def test_twice_is_the_images_after_themselves(stored, start, length):
    images, stop = Twice(stored), min(start + length, 180)
    expected = np.concatenate([pictures(), pictures()])
    assert len(images) == 180
    np.testing.assert_array_equal(images[start:stop], expected[start:stop])
    assert images[start:stop].dtype == np.uint8


def test_noisy_passes_differ_after_the_dropout_and_only_there(tmp_path):
    found = capture_noisy(tmp_path / "a.h5")
    for name in ("conv", "bn", "relu"):
        first, second = np.split(found[f"none/{name}"], 2)
        np.testing.assert_allclose(first, second, atol=1e-6)
    for name in ("dropout", "fc"):
        first, second = np.split(found[f"none/{name}"], 2)
        assert (first != second).any(axis=1).all()
    before, after = found["none/relu"], found["none/dropout"]
    kept = after != 0
    np.testing.assert_allclose(after[kept], before[kept] / 0.6, rtol=1e-6)
    assert abs(1 - kept.sum() / (before > 0).sum() - 0.4) < 0.02
    # Units kept twice: 0.36 of them when the passes are independent.
    first, second = np.split(kept, 2)
    positive = (before[:90] > 0) & (before[90:] > 0)
    assert abs((first & second & positive).sum() / positive.sum() - 0.36) < 0.02


def test_noise_is_another_for_every_stimulus(tmp_path):
    """No two rows share a mask: neither in a batch, nor in batches that start elsewhere."""
    same = np.repeat(pictures(1), 250, axis=0)
    found = capture_noisy(tmp_path / "a.h5", images=same)
    np.testing.assert_allclose(found["none/relu"], found["none/relu"][:1].repeat(250, 0), atol=1e-6)
    assert len(np.unique(found["none/dropout"] != 0, axis=0)) == 250


@pytest.mark.parametrize("batch", [1, 7, 64, 256])
def test_noise_does_not_depend_on_the_batch(tmp_path, batch):
    capture_noisy(tmp_path / "a.h5")
    capture_noisy(tmp_path / "b.h5", batch=batch)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_without_dropout_both_passes_are_equal(tmp_path):
    found = capture_noisy(tmp_path / "a.h5", network=reused(), wanted=layers_of(reused(), "none"))
    clean = capture_images(
        tmp_path / "b.h5", images=pictures(), batch=100, wanted=layers_of(reused(), "none")
    )
    assert clean.correct is None
    for key, values in read(tmp_path / "b.h5").items():
        first, second = np.split(found[key], 2)
        close = {"rtol": 0, "atol": 1e-6 * np.abs(values).max()}
        np.testing.assert_allclose(first, second, **close)
        np.testing.assert_allclose(first, values, **close)


def test_noisy_capture_leaves_batch_statistics_out(tmp_path):
    """BatchNorm stays evaluated: running statistics are used, and not followed."""
    dropped = dropping().train()
    with torch.no_grad():
        dropped(torch.randn(20, 3, 16, 16) + 2)
    before = {name: value.clone() for name, value in dropped.state_dict().items()}
    found = capture_noisy(tmp_path / "a.h5", network=dropped)
    after = dropped.state_dict()
    assert [name for name in before if not torch.equal(before[name], after[name])] == []
    mean, variance = (before[f"bn.running_{part}"].numpy() for part in ("mean", "var"))
    outputs = found["none/conv"].reshape(180, 8, -1)
    expected = (outputs - mean[:, None]) / np.sqrt(variance[:, None] + dropped.bn.eps)
    np.testing.assert_allclose(found["none/bn"].reshape(180, 8, -1), expected, atol=1e-5)


def test_capture_without_noise_turns_dropout_off(tmp_path):
    found = capture_noisy(tmp_path / "a.h5", network=dropping().train(), noisy=False)
    np.testing.assert_array_equal(found["none/dropout"], found["none/relu"])
