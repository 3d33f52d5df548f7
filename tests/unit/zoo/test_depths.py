"""Layers at shares of depth: which count, and which of them each share is."""

import pytest

from codespectra.errors import UserError
from codespectra.zoo.depths import layers_at, unit_reduction


def layer(depth: int, kind: str = "ReLU", shape: tuple = (8, 4, 4), axes: str = "NCHW") -> dict:
    name = f"{kind}{depth}"
    told = {"shape": shape, "axes": axes, "prefix": 1 if "T" in axes else None}
    return {"name": name, "module": name, "call": 0, "type": kind, "depth": depth} | told


@pytest.mark.parametrize(
    ("count", "depth", "place"),
    [(10, 0.1, 1), (10, 0.3, 3), (10, 0.31, 4), (10, 1.0, 10), (9, 0.25, 3), (1, 0.01, 1)],
)
def test_a_share_is_the_first_layer_at_or_after_it(count, depth, place):
    layers = [layer(at) for at in range(1, count + 1)]
    assert layers_at([depth], ["*"], layers)[depth]["depth"] == place


def test_squeeze_and_excitation_s_maps_of_one_place_are_left_out():
    squeezed, pooled = layer(1, shape=(8, 1, 1)), layer(3, shape=(8, 1, 1))
    vector = layer(4, shape=(10,), axes="NC")
    layers = [layer(0), squeezed, layer(2), pooled, vector]
    chosen = layers_at([0.25, 0.5, 0.75, 1.0], [{"type": "ReLU"}], layers)
    assert [one["depth"] for one in chosen.values()] == [0, 2, 3, 4]


def test_selectors_of_other_networks_are_passed_over_and_none_is_told():
    layers = [layer(0, "Conv2d"), layer(1, "GELU", (17, 8), "NTC"), layer(2, "GELU", (6, 6), "N??")]
    chosen = layers_at([1.0], [{"type": "ReLU"}, {"type": "GELU"}], layers)
    assert chosen[1.0]["depth"] == 1 and unit_reduction(chosen[1.0]) == "token_mean"
    with pytest.raises(UserError, match=r"has none of zoo.layers.*types are Conv2d, GELU"):
        layers_at([1.0], [{"type": "ReLU"}], layers)
