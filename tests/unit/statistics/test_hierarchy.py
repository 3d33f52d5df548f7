"""Intervals over networks: Student's where stimuli play no part, wider where these are shared."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from codespectra.errors import ArgumentError
from codespectra.statistics.false_discoveries import false_discoveries
from codespectra.statistics.hierarchy import (
    Interval,
    average,
    level_of,
    over_networks,
    reach_of,
    repeats,
    widened,
)

VALUES = [0.1, 0.4, 0.2, 0.9, 0.3]


def networks(values, images=None, **more) -> list[Interval]:
    images = [None] * len(values) if images is None else images
    return [
        Interval(v, v - 1, v + 1, images=i, **more) for v, i in zip(values, images, strict=True)
    ]


def test_without_shared_stimuli_it_is_students():
    found = over_networks([networks(VALUES)])
    expected = stats.ttest_1samp(VALUES, 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert (found.networks, found.freedom) == (5, pytest.approx(4))


def test_a_chance_in_stimuli_that_all_share_adds_its_variance_and_one_of_each_does_not():
    rng = np.random.default_rng(0)
    common = rng.standard_normal(1000)
    shared = over_networks([networks(VALUES, [common] * 5)])
    own = over_networks([networks(VALUES, rng.standard_normal((5, 1000)))])
    plain = over_networks([networks(VALUES)])
    t = stats.t.ppf(0.975, 4)
    between, stimuli = np.var(VALUES, ddof=1) / 5, np.mean(common**2)
    share = stimuli / (between + stimuli)
    end = (1 - share) * t + share * stats.norm.ppf(0.975)
    assert shared.high - shared.estimate == pytest.approx(end * np.sqrt(between + stimuli))
    assert own.high == pytest.approx(plain.high, rel=0.1)
    few = over_networks([networks(VALUES, [common] * 5, image_freedom=9)])
    assert few.high > shared.high


def test_models_are_given_and_their_networks_are_drawn():
    two = over_networks([networks(VALUES), networks([v + 5 for v in VALUES])])
    one = over_networks([networks(VALUES)])
    assert two.estimate == pytest.approx(one.estimate + 2.5)
    assert two.freedom == pytest.approx(8)
    reach = stats.t.ppf(0.975, 8) * np.sqrt(np.var(VALUES, ddof=1) / 10)
    assert two.high - two.estimate == pytest.approx(reach)


@pytest.mark.parametrize("count", [0, 1])
def test_one_network_has_no_interval_over_networks(count):
    with pytest.raises(ArgumentError, match=f"^{count} networks, but .* needs at least 2$"):
        over_networks([networks(VALUES), networks(VALUES[:count])])


def test_the_mean_over_scopes_is_as_wide_as_if_one_chance_moved_all():
    found = average([Interval(1, 0, 3, 4, networks=5), Interval(2, 1.5, 2.5, 9, networks=1)])
    assert (found.estimate, found.low, found.high) == (1.5, 0.75, 2.75)
    assert (found.freedom, found.networks) == (4, 1)
    assert np.isnan(average([]).low)
    draws = np.array([1.0, -1.0])
    some = [Interval(0, 0, 0, images=draws), Interval(0, 0, 0, images=3 * draws)]
    np.testing.assert_array_equal(average(some).images, 2 * draws)
    assert average([*some, replace(some[0], images=None)]).images is None


@pytest.mark.parametrize("freedom", [1, 4, np.inf])
def test_an_interval_at_a_level_is_as_long_as_that_level_says(freedom):
    assert widened(freedom, 0.05) == 1
    assert level_of(widened(freedom, 0.003), freedom) == pytest.approx(0.003)


def test_the_freedom_of_a_reach_gives_its_end():
    reach, freedom = reach_of([1, 2], [4, 9])
    assert reach == pytest.approx(stats.t.ppf(0.975, freedom) * np.sqrt(3))
    assert 4 < freedom < 9
    assert reach_of([0, 0], [4, 9]) == (0, np.inf)


@pytest.mark.parametrize(
    "p, found", [([0.001, 0.02, 0.9, 0.04], 2), ([0.04, 0.9], 0), ([0.04, 0.045], 2), ([], 0)]
)
def test_the_level_of_intervals_finds_what_the_procedure_finds(p, found):
    adjusted, level = false_discoveries(p)
    assert sum(adjusted <= 0.05) == found
    assert sum(np.array(p) <= level) == found


def test_what_other_networks_would_give_is_what_other_networks_give():
    """Of pairs of samples of 5, given the first: mean and spread of the second are as drawn."""
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((2, 4000, 5))
    found = [over_networks([networks(values)]) for values in first]
    drawn = [repeats(one, 1, seed)[0] for seed, one in enumerate(found)]
    actual = [over_networks([networks(values)]) for values in second]

    def ratios(others):
        moved = [
            (b.estimate - a.estimate) / (a.high - a.low) for a, b in zip(found, others, strict=True)
        ]
        wider = [(b.high - b.low) / (a.high - a.low) for a, b in zip(found, others, strict=True)]
        return moved, wider

    for predicted, real in zip(ratios(drawn), ratios(actual), strict=True):
        assert stats.ks_2samp(predicted, real).pvalue > 0.01


def test_what_stimuli_share_stays_with_other_networks():
    common = np.random.default_rng(0).standard_normal(1000)
    found = over_networks([networks([v / 100 for v in VALUES], [common] * 5)])
    assert found.between < 1e-4
    for one in repeats(found, 20):
        assert (one.low, one.high) == pytest.approx((found.low, found.high), abs=0.05)
    alone = networks([1.0])[0]
    assert repeats(alone, 2) == [alone, alone]
