"""A layer's output becomes a row a stimulus, or is refused in words."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from codespectra.models.axes import Axes
from codespectra.models.hooks import reduce_output
from codespectra.models.reductions import reduced_width, refusal, stride_of

MAPS = Axes("NCHW")
REDUCTIONS = ("spatial_mean", "spatial_max", "center", "cls", "token_mean", "stride", "none")


def layer_of(shape: tuple[int, ...], letters: str, prefix: int | None = None) -> dict:
    return {"name": "block", "shape": shape, "axes": letters, "prefix": prefix}


@given(st.lists(st.integers(1, 300), min_size=1, max_size=3))
def test_stride_is_the_smallest_that_keeps_under_8000(shape):
    size = math.prod(shape)
    smallest = next(s for s in range(1, size + 1) if math.ceil(size / s) < 8000)
    assert stride_of(shape, "stride") == smallest
    kept = reduced_width(layer_of(shape, "N" + "?" * len(shape)), "stride")
    assert kept == len(range(0, size, smallest)) < 8000


@pytest.mark.parametrize("size", [7999, 8000, 15998, 15999])
def test_stride_at_the_limits(size):
    assert stride_of((size,), "stride") == {7999: 1, 8000: 2, 15998: 2, 15999: 3}[size]


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(
    "shape", [(32, 20, 20), (64, 13, 11), (8, 4, 4), (9000, 1, 1), (1, 95, 95)]
)
def test_maps_of_both_memory_layouts(shape, layout):
    torch.manual_seed(0)
    output = torch.randn(3, *shape).to(memory_format=layout)
    plain = output.contiguous().numpy()
    flat = plain.reshape(3, -1)
    kept = {
        "stride": flat[:, :: stride_of(shape, "stride")],
        "none": flat,
        "spatial_max": plain.max(axis=(2, 3)),
        "center": plain[:, :, shape[1] // 2, shape[2] // 2],
    }
    for reduction, expected in kept.items():
        np.testing.assert_array_equal(reduce_output(output, reduction, MAPS), expected)
        assert expected.shape[1] == reduced_width(layer_of(shape, "NCHW"), reduction)
    pooled = plain.astype(np.float64).mean(axis=(2, 3))
    np.testing.assert_allclose(reduce_output(output, "spatial_mean", MAPS), pooled, atol=1e-6)


@pytest.mark.parametrize("letters", ["NHWC", "NWHC", "CNHW", "HWNC"])
@pytest.mark.parametrize("reduction", ["spatial_mean", "spatial_max", "stride"])
def test_any_order_of_axes_gives_the_same_channels(letters, reduction):
    """A row holds the numbers of one stimulus, whatever axis is which."""
    torch.manual_seed(0)
    maps = torch.randn(3, 6, 5, 4)
    output = maps.permute(["NCHW".index(letter) for letter in letters])
    found = reduce_output(output, reduction, Axes(letters))
    expected = reduce_output(maps, reduction, MAPS)
    if reduction == "stride":  # whole rows, in the order of the output
        found, expected = found.sort().values, expected.sort().values
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("letters", ["NTC", "TNC", "NCT"])
def test_tokens_before_the_patches_are_no_patches(letters):
    tokens = torch.arange(2 * 7 * 3.0).reshape(2, 7, 3)
    output = tokens.permute(["NTC".index(letter) for letter in letters])
    axes = Axes(letters, prefix=2)
    assert torch.equal(reduce_output(output, "cls", axes), tokens[:, 0])
    torch.testing.assert_close(reduce_output(output, "token_mean", axes), tokens[:, 2:].mean(1))


OUTPUTS = [
    *(((12,), "NC"), ((9000,), "NC"), ((9000, 1, 1), "NCHW"), ((4, 3, 3), "NCHW")),
    *(((40, 20, 20), "NCHW"), ((20, 20, 40), "NHWC"), ((7, 6), "NTC"), ((4, 6), "N??")),
]
FITTING = [
    (shape, letters, reduction)
    for shape, letters in OUTPUTS
    for reduction in REDUCTIONS
    if not refusal(layer_of(shape, letters, prefix=1), reduction)
]


def test_most_reductions_fit_some_output():
    assert {reduction for _, _, reduction in FITTING} == {*REDUCTIONS} and len(FITTING) == 42


@pytest.mark.parametrize(("shape", "letters", "reduction"), FITTING)
def test_what_fits_is_a_copy_of_the_width_that_was_said(shape, letters, reduction):
    layer = layer_of(shape, letters, prefix=1)
    for layout in (torch.contiguous_format, torch.channels_last):
        output = torch.ones(2, *shape)
        if len(shape) == 3:
            output = output.to(memory_format=layout)
        kept = reduce_output(output, reduction, Axes(letters, 1))
        output.zero_()
        assert (kept == 1).all() and kept.shape == (2, reduced_width(layer, reduction))


@pytest.mark.parametrize("transposed", [False, True])
def test_a_row_a_token_is_a_copy_sequence_by_sequence(transposed):
    values = torch.arange(2 * 3 * 5).reshape(2, 3, 5)
    output = values.mT.contiguous().mT if transposed else values.clone()
    rows = reduce_output(output, "tokens", Axes("NTC"))
    output.zero_()
    assert rows.is_contiguous() and rows.shape == (
        6,
        reduced_width(layer_of((5,), "NTC"), "tokens"),
    )
    assert all(torch.equal(rows[3 * i + j], values[i, j]) for i in range(2) for j in range(3))


@pytest.mark.parametrize(
    ("layer", "reduction", "words"),
    [
        (
            layer_of((197, 768), "NTC", 1),
            "spatial_mean",
            "take cls or token_mean or stride or none",
        ),
        (
            layer_of((196, 768), "NTC", 0),
            "cls",
            "tokens, 0 of them before the patches; take token_",
        ),
        (layer_of((197, 768), "NTC"), "token_mean", "an unknown number of them before the patches"),
        (
            layer_of((49, 96), "N?C"),
            "token_mean",
            r"shape \(49, 96\) with unknown axes; take stride",
        ),
        (layer_of((7, 7, 96), "N??C"), "spatial_mean", "unknown axes; take stride or none"),
        (layer_of((6, 197, 64), "N?T?", 1), "cls", "an unknown axis of channels; take stride"),
        (layer_of((96, 7, 7), "NCHW"), "cls", "height and width; take spatial_mean or spatial_max"),
        (layer_of((49, 96), "??C"), "none", "no axis of stimuli; leave it out"),
        (
            layer_of((3, 8, 8, 8), "N????"),
            "spatial_max",
            "an unknown axis of channels; take stride",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(layer, reduction, words):
    assert refusal(layer, reduction) is not None
    with pytest.raises(ValueError, match=f"^block: {reduction} doesn't fit .*{words}"):
        raise ValueError(refusal(layer, reduction))
