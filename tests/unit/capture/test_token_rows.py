"""A row a patch: what is captured of a transformer's tokens, and how spectra read it."""

from dataclasses import asdict

import numpy as np
import pytest
import timm
import torch
from hypothesis import given
from hypothesis import strategies as st

from codespectra.capture.rows import TokenRows
from codespectra.models.hooks import Wanted, capturing
from codespectra.models.layer_listing import inspect_layers
from codespectra.models.reductions import patch_count, reduced_width, refusal, unit_count
from codespectra.spectra.eigenspectrum import spectrum

RNG = np.random.default_rng(0)


def test_patches_of_every_image_follow_each_other_without_the_class_token() -> None:
    network, images = timm.create_model("test_vit").eval(), torch.randn(3, 3, 160, 160)
    (layer,) = [asdict(x) for x in inspect_layers(network, 160) if x.name == "blocks.1.mlp"]
    item, found = Wanted(layer, "tokens"), []
    assert refusal(layer, "tokens") is None
    assert (patch_count(layer), unit_count(layer, "tokens"), item.width) == (100, 64, 6400)
    outputs = []
    network.blocks[1].mlp.register_forward_hook(lambda m, i, output: outputs.append(output))
    with torch.no_grad(), capturing(network, [item], lambda _, rows: found.append(rows)):
        network(images)
    rows = TokenRows(found[0].numpy(), 100)
    np.testing.assert_array_equal(rows[:], outputs[0][:, 1:].flatten(0, 1))
    assert reduced_width(layer, "none") == 6464


@pytest.mark.parametrize("axes, shape, prefix", [
    ("NCHW", (4, 8, 8), None),
    ("NC", (4,), None),
    ("NTC", (5, 4), None),  # a class token, or none?
    ("NTC", (5, 4), 5),  # no patch
    ("NT?C", (5, 2, 4), 1),
])  # fmt: skip
def test_what_has_no_patches_that_are_known_is_refused(axes, shape, prefix) -> None:
    layer = {"name": "layer", "axes": axes, "shape": shape, "prefix": prefix}
    assert refusal(layer, "tokens").startswith("layer: tokens doesn't fit an output of shape ")


@given(start=st.integers(0, 30), stop=st.integers(0, 40), columns=st.slices(5))
def test_any_slab_is_that_of_the_rows_one_after_the_other(start, stop, columns) -> None:
    stored = np.arange(6 * 5 * 5, dtype=np.float32).reshape(6, 25)
    rows, whole = TokenRows(stored, 5), stored.reshape(30, 5)
    assert (rows.shape, len(rows)) == (whole.shape, 30)
    if start <= stop:
        np.testing.assert_array_equal(rows[start:stop], whole[start:stop])
        np.testing.assert_array_equal(rows[start:stop, columns], whole[start:stop, columns])


@pytest.mark.parametrize("count", [4, 400], ids=["wide", "long"])
def test_a_spectrum_of_tokens_is_that_of_their_rows(count) -> None:
    stored = RNG.standard_normal((count, 3 * 40)).astype(np.float32)
    found, plain = spectrum(TokenRows(stored, 3)), spectrum(stored.reshape(-1, 40))
    np.testing.assert_array_equal(found.eigenvalues, plain.eigenvalues)
    np.testing.assert_array_equal(found.scores, plain.scores)
