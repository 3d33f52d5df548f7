"""What networks compute with while they are captured, and how far from float32 that is."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from captures import (
    Watched,
    capture_images,
    capture_tokens,
    dropping,
    gpt,
    layers_of,
    pictures,
    read,
    reused,
    sequences,
)

from codespectra.capture import images
from codespectra.capture.images import Twice
from codespectra.capture.precision import SAMPLE, check_precision, computing
from codespectra.capture.shard import Shard
from codespectra.errors import UserError

CPU = torch.device("cpu")


def relative(off: np.ndarray, exact: np.ndarray) -> float:
    return float(np.linalg.norm(off.astype(float) - exact) / np.linalg.norm(exact.astype(float)))


def test_bfloat16_is_autocast_reduced_in_float32_and_compared_with_float32(tmp_path, caplog):
    caplog.set_level("INFO")
    capture_images(tmp_path / "exact.h5")
    written = capture_images(tmp_path / "a.h5", precision="bfloat16")
    exact, found = read(tmp_path / "exact.h5"), read(tmp_path / "a.h5")
    outputs = []
    network = reused().to(memory_format=torch.channels_last)
    network.conv1.register_forward_hook(lambda _, __, output: outputs.append(output.float()))
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for start in range(0, 90, 16):
            network(Watched()(pictures()[start : start + 16]))
    np.testing.assert_array_equal(
        found["spatial_mean/conv1"], torch.cat(outputs).mean(dim=(2, 3)).numpy()
    )
    sample = [90 * k // SAMPLE for k in range(SAMPLE)]
    assert set(written.differences) == set(found)
    for key, told in written.differences.items():
        assert 1e-4 < told < 0.03
        assert told == pytest.approx(relative(found[key][sample], exact[key][sample]), rel=0.2)
    worst = max(written.differences.values())
    assert f"bfloat16 differs from float32 by {sorted(written.differences.values())[7]:.2g}" in (
        caplog.text
    )
    assert f"by {worst:.2g} at most" in caplog.text and "in 32 stimuli" in caplog.text


def test_text_in_bfloat16(tmp_path):
    exact = capture_tokens(tmp_path / "exact.h5")
    found = capture_tokens(tmp_path / "a.h5", precision="bfloat16")
    for name, values in exact.items():
        assert 1e-4 < relative(found[name], values) < 0.03


def test_every_shard_takes_the_same_sample(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "GRAIN", 16)
    asked = [
        capture_images(tmp_path / f"{n}.h5", precision="bfloat16", shard=Shard(n, 2)).differences
        for n in (1, 2)
    ]
    assert asked[0] == asked[1]


def test_dropout_has_no_part_in_the_difference(tmp_path):
    capture = {"network": dropping(), "images": Twice(pictures()), "noisy": True}
    wanted = layers_of(dropping(), "none")
    written = capture_images(tmp_path / "a.h5", wanted=wanted, **capture, precision="bfloat16")
    assert 0 < max(written.differences.values()) < 0.03


def test_float32_is_ieee_s_and_nothing_else_is_changed():
    backends = torch.backends.cuda.matmul, torch.backends.cudnn.conv, torch.backends.cudnn.rnn
    before = [backend.fp32_precision for backend in backends]
    for precision, expected in (("float32", "ieee"), ("tf32", "tf32"), ("bfloat16", "ieee")):
        with pytest.raises(ZeroDivisionError), computing(precision, CPU):
            assert [backend.fp32_precision for backend in backends] == [expected] * 3
            assert torch.is_autocast_enabled("cpu") == (precision == "bfloat16")
            raise ZeroDivisionError
        assert [backend.fp32_precision for backend in backends] == before


def test_tf32_is_refused_where_there_is_none(tmp_path, monkeypatch):
    for capture in (capture_images, capture_tokens):
        with pytest.raises(UserError, match=r"^capture.precision: tf32 .* on the CPU; set float32"):
            capture(tmp_path / "a.h5", precision="tf32")
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Tesla V100")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (7, 0))
    with pytest.raises(UserError, match=r"computes on Tesla V100;"):
        check_precision("tf32", torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (9, 0))
    check_precision("tf32", torch.device("cuda"))


# Compiled ----------------------------------------------------------------------------------------


@pytest.fixture
def traced(monkeypatch):
    """torch.compile, but what it has traced runs as it is: no compiler, and the same numbers."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    yield
    torch._dynamo.reset()


def test_a_compiled_network_is_the_same_one(tmp_path, traced):
    """Every call of a reused module, batches of two sizes, right predictions."""
    labels = np.arange(90) % 5
    wanted = layers_of(reused(), "spatial_mean", "stride")
    given = {"labels": labels, "wanted": wanted}
    plain = capture_images(tmp_path / "a.h5", **given)
    assert capture_images(tmp_path / "b.h5", **given, compile=True) == plain
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_a_compiled_language_model_is_the_same_one(tmp_path, traced):
    given = {"parts": {"residual": [{"type": "GPT2Block"}]}, "cuts": sequences()[:5]}
    plain = capture_tokens(tmp_path / "a.h5", gpt(), **given)
    found = capture_tokens(tmp_path / "b.h5", gpt(), **given, compile=True)
    for name, values in plain.items():
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize("package", ["torch._inductor.exc", "torch._dynamo.exc", "elsewhere"])
def test_a_network_that_cannot_be_compiled_is_one_line(tmp_path: Path, monkeypatch, package):
    kind = type("InvalidCxxCompiler", (RuntimeError,), {"__module__": package})

    def program(*_):
        raise kind("No working C++ compiler found\nSet TORCHDYNAMO_VERBOSE=1")

    monkeypatch.setattr(torch, "compile", lambda whole, fullgraph: program)
    with pytest.raises(kind if package == "elsewhere" else UserError) as refused:
        capture_images(tmp_path / "a.h5", compile=True)
    if package != "elsewhere":
        assert "can't be compiled here (No working C++ compiler found); is" in str(refused.value)
        assert "\n" not in str(refused.value)
