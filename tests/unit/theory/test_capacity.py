import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from codespectra.spectra import code_entropy
from codespectra.theory import capacity

RATES = (0.01, 0.2, 0.5, 0.9)
rates = st.floats(0, 1)


def entropy(p: float) -> float:
    return -p * math.log2(p) - (1 - p) * math.log2(1 - p)


def lumped_capacity(symbols: int, dropout: float) -> float:
    """Capacity with the symbols other than 0 alike, by a search over how often 0 is sent."""

    def information(zero: float) -> float:
        others = (1 - zero) * (1 - dropout)
        received = entropy(1 - others) + others * math.log2(symbols - 1)
        return received - (1 - zero) * entropy(dropout)

    found = minimize_scalar(
        lambda zero: -information(zero),
        bounds=(0, 1 - 1e-12),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return -found.fun


@pytest.mark.parametrize("bits", [8, 16, math.inf])
def test_dense_features_take_a_dimension_each_and_absent_ones_none(bits):
    np.testing.assert_array_equal(capacity.compression_rate([0, 1], bits), [1, 0])


def test_compression_rate_by_hand():
    assert capacity.compression_rate(0.5, 8) == 0.5 + 1 / 8
    assert capacity.compression_rate(0.75, 16) == pytest.approx(
        0.25 + (2 - 0.75 * math.log2(3)) / 16
    )
    np.testing.assert_allclose(capacity.compression_rate([[0.1], [0.9]], math.inf), [[0.9], [0.1]])


@given(st.floats(0.001, 0.999), st.floats(1, 64))
def test_more_entropy_leaves_less_overhead(sparsity, bits):
    rate = capacity.compression_rate(sparsity, bits)
    assert 1 - sparsity < capacity.compression_rate(sparsity, bits + 1) < rate
    # the entropy of symbols 0 and 1..2^H, over H: at most that of all alike
    assert rate * bits <= math.log2(1 + 2**bits) + 1e-9


@pytest.mark.parametrize(("sparsity", "bits"), [(-0.1, 8), (1.1, 8), (math.nan, 8), (0.5, 0)])
def test_impossible_sparsity_or_entropy_is_refused(sparsity, bits):
    with pytest.raises(ValueError, match=r"sparsity|entropy_bits"):
        capacity.compression_rate(sparsity, bits)


@pytest.mark.parametrize("flip", [0.0, 0.1, 0.5])
def test_blahut_arimoto_of_the_binary_symmetric_channel(flip):
    exact = 1 - (entropy(flip) if flip else 0)
    found = capacity.blahut_arimoto([[1 - flip, flip], [flip, 1 - flip]])
    assert found.bits == pytest.approx(exact, abs=1e-9)
    assert found.gap <= 1e-9


@pytest.mark.parametrize(("symbols", "erased"), [(2, 0.3), (5, 0.3), (8, 0.9), (4, 1.0)])
def test_blahut_arimoto_of_the_erasure_channel(symbols, erased):
    channel = np.c_[(1 - erased) * np.eye(symbols), np.full(symbols, erased)]
    found = capacity.blahut_arimoto(channel)
    assert found.bits == pytest.approx((1 - erased) * math.log2(symbols), abs=1e-9)
    np.testing.assert_allclose(found.inputs, 1 / symbols)


def test_blahut_arimoto_holds_the_capacity_within_its_gap():
    channel = np.random.default_rng(0).dirichlet(np.full(6, 0.3), size=9)
    fine = capacity.blahut_arimoto(channel, tolerance=1e-10)
    for tolerance in (1e-2, 1e-4, 1e-6):
        coarse = capacity.blahut_arimoto(channel, tolerance=tolerance)
        assert coarse.gap <= tolerance
        assert coarse.bits - 1e-10 <= fine.bits <= coarse.bits + coarse.gap + 1e-10


@pytest.mark.parametrize("channel", [[[0.5, 0.4]], [[1.5, -0.5]], [[math.nan, 1]]])
def test_blahut_arimoto_refuses_what_is_no_channel(channel):
    with pytest.raises(ValueError, match="probabilities"):
        capacity.blahut_arimoto(channel)


def test_blahut_arimoto_refuses_a_tolerance_that_it_never_meets():
    with pytest.raises(ValueError, match="tolerance"):
        capacity.blahut_arimoto(np.eye(2), tolerance=0)


@pytest.mark.parametrize("dropout", RATES)
def test_one_bit_under_dropout_is_the_z_channel(dropout):
    exact = math.log2(1 + (1 - dropout) * dropout ** (dropout / (1 - dropout)))
    assert capacity.dropout_capacity(1, dropout).bits == pytest.approx(exact, abs=1e-8)


@pytest.mark.parametrize("bits", range(1, 11))
@pytest.mark.parametrize("dropout", RATES)
def test_capacity_is_within_theorem_3_and_agrees_with_a_search(bits, dropout):
    found = capacity.dropout_capacity(bits, dropout, tolerance=1e-6)
    bounds = capacity.dropout_bounds(bits, dropout)
    assert bounds.paper_low <= bounds.low <= found.bits + found.gap
    assert found.bits <= bounds.high
    assert found.bits == pytest.approx(lumped_capacity(2**bits, dropout), abs=2e-6)


@pytest.mark.parametrize("bits", [1, 4])
def test_no_dropout_loses_nothing_and_full_dropout_all(bits):
    assert capacity.dropout_capacity(bits, 0).bits == pytest.approx(bits)
    assert capacity.dropout_capacity(bits, 1).bits == 0
    assert capacity.dropout_bounds(bits, 1) == (0, 0, 0)


@given(st.floats(1, 30), rates)
def test_bounds_close_as_precision_grows(bits, dropout):
    here, finer = (capacity.dropout_bounds(b, dropout) for b in (bits, bits + 1))
    assert here.paper_low <= here.low <= here.high
    assert finer.high - finer.low <= (here.high - here.low) / 2 + 1e-12


@pytest.mark.parametrize(("bits", "dropout"), [(0.5, 0.1), (4, -0.1), (4, 1.1), (4, math.nan)])
def test_impossible_neurons_are_refused(bits, dropout):
    with pytest.raises(ValueError, match=r"capacity_bits|dropout"):
        capacity.dropout_bounds(bits, dropout)


def test_a_channel_needs_two_symbols():
    with pytest.raises(ValueError, match="symbols"):
        capacity.dropout_channel(1, 0.5)


def test_layers_without_correction_lose_by_the_power_and_with_it_once():
    found = capacity.layered_capacity(8, 0.5, 3)
    np.testing.assert_array_equal(found.uncorrected, [4, 2, 1])
    np.testing.assert_array_equal(found.corrected, [4, 4, 4])


def test_a_white_code_loses_nothing():
    assert code_entropy.entropy_bounds(0, 100, 8) == (800, 800, 800)


def test_entropy_bounds_by_hand():
    loss = 64 * math.log2(64 / math.e)
    found = code_entropy.entropy_bounds(-1, 64, 16)
    assert found == pytest.approx((1024 - loss, 1024 - loss / 2, 1024 + loss))
    assert code_entropy.entropy_bounds(1, 64, 16).supplement == pytest.approx(1024 - loss)


def test_entropy_bounds_are_never_negative():
    assert code_entropy.entropy_bounds(-9, 1000, 8)[:2] == (0, 0)


@given(st.floats(-3, 0), st.floats(-3, 0), st.integers(3, 5000))
def test_steeper_codes_hold_less(one, other, width):
    steep, flat = (code_entropy.entropy_bounds(alpha, width, 16) for alpha in sorted((one, other)))
    assert steep.paper <= flat.paper
    assert steep.from_std <= flat.from_std
    assert flat.paper <= flat.from_std <= 16 * width <= flat.supplement


def test_stirling_needs_three_units():
    with pytest.raises(ValueError, match="width 2"):
        code_entropy.entropy_bounds(-1, 2, 8)
