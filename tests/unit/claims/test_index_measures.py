"""Claims about the index: groups compared over directions and images, and which are compared."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from codespectra.claims.measures import index
from codespectra.claims.measures.tables import Tables
from codespectra.statistics.evidence import Evidence, cohens_d, compare_groups, moments
from codespectra.statistics.subsamples import image_deviations

RESAMPLING = {"resamples": 300, "seed": 0}

# Cohen's d over directions and images ------------------------------------------------------------


def test_d_from_moments_is_that_of_the_values():
    first, second = np.random.default_rng(0).standard_normal((2, 5, 30))
    second = second[:, :20] + 0.5
    found = cohens_d(moments(first), moments(second))
    t = stats.ttest_ind(first, second, axis=1).statistic
    np.testing.assert_allclose(found, t * np.sqrt(1 / 30 + 1 / 20))
    assert np.isnan(cohens_d(moments(np.ones((1, 4))), moments(np.zeros((1, 4))))).all()


def test_image_deviations_have_the_variance_and_no_shift():
    draws = 7 + 3 * np.random.default_rng(0).standard_normal((4000, 2))
    found = np.mean(image_deviations(draws, 30) ** 2, axis=0)
    np.testing.assert_allclose(found, 2 * draws.var(axis=0, ddof=1))
    np.testing.assert_allclose(found, 18, rtol=0.1)
    moved = image_deviations(draws + 4, 30)
    np.testing.assert_allclose(moved, image_deviations(draws, 30), atol=1e-9)
    of_ten = np.mean(image_deviations(draws, 10) ** 2, axis=0)  # seven are in, three are out
    np.testing.assert_allclose(of_ten, found * 7 / 6)


# So many images that Student's ends are the normal ones.
MANY = 3_000_000
# 400 samples; a nominal coverage of 95 % lies above this with probability 0.999.
SAMPLES = 400
FEWEST = stats.binom.ppf(0.001, SAMPLES, 0.95) / SAMPLES


def shared_shift(spread: float) -> tuple[list[Evidence], list[Evidence]]:
    """Intervals with and without draws; the images shift the first group by N(0, spread^2)."""
    rng, with_draws, without = np.random.default_rng(1), [], []
    for _ in range(SAMPLES):
        shift, *shifts = spread * rng.standard_normal(61)
        first, second = 0.5 + shift + rng.standard_normal(60), rng.standard_normal(80)
        drawn = np.array(shifts)[:, None] / np.sqrt(2) + first - shift
        image_draws = cohens_d(moments(drawn), moments(np.tile(second, (60, 1))))
        draws = {"image_draws": image_draws, "image_groups": MANY}
        with_draws.append(compare_groups("", first, second, **RESAMPLING, **draws))
        without.append(compare_groups("", first, second, **RESAMPLING))
    return with_draws, without


@pytest.mark.parametrize("spread", [0, 0.4])
def test_intervals_of_d_hold_the_truth_with_images_that_directions_share(spread):
    found, without = shared_shift(spread)
    assert coverage(found) >= FEWEST
    known = 1 / 60 + 1 / 80 + 0.5**2 / 280 + spread**2
    reach = np.array([(one.high - one.low) / 2 / 1.96 for one in found])
    assert np.mean(reach**2) == pytest.approx(known, rel=0.1)
    if spread:
        assert coverage(without) < 0.6


def coverage(found: list[Evidence]) -> float:
    return np.mean([one.low <= 0.5 <= one.high for one in found])


def test_draws_move_neither_estimate_nor_p():
    first, second = np.random.default_rng(2).standard_normal((2, 40))
    draws = {"image_draws": np.random.default_rng(3).standard_normal(50), "image_groups": MANY}
    found = compare_groups("here", first, second, **RESAMPLING, **draws)
    plain = compare_groups("here", first, second, **RESAMPLING)
    assert (found.estimate, found.p, found.n) == (plain.estimate, plain.p, plain.n)
    assert found.low + found.high == pytest.approx(2 * found.estimate)
    draws["image_draws"][7] = np.nan
    unknown = compare_groups("here", first, second, **RESAMPLING, **draws)
    assert np.isnan([unknown.low, unknown.high]).all()


# Measures ----------------------------------------------------------------------------------------

HEAD = {"model": "trained", "stimuli": "tiles", "layer": "layer1", "metric": "color", "part": "all"}
HEAD |= {"stimulus_count": MANY, "image_groups": MANY}


def planted(
    methods: dict[str, tuple[float, int]], *, spread: float = 0.0, **where: object
) -> dict[str, pd.DataFrame]:
    """Scores of methods by mean and number of directions, and their moments on 1,000 draws.

    The draws shift all methods alike, which no comparison sees, and each alone by `spread`.
    """
    rng, head = np.random.default_rng(0), HEAD | where
    scores, resampled = [], []
    common = 3 * rng.standard_normal(1000)
    for method, (mean, count) in methods.items():
        ii = mean + rng.standard_normal(count)
        scores.append(pd.DataFrame(head | {"method": method, "ii": ii}))
        shifted = ii.mean() + (common + spread * rng.standard_normal(1000)) / np.sqrt(2)
        drawn = {"mean": shifted, "variance": ii.var(ddof=1), "count": count}
        drawn["draw"] = np.arange(1000)
        resampled.append(pd.DataFrame(head | {"method": method} | drawn))
    return {"scores": pd.concat(scores), "resampled": pd.concat(resampled)}


def tables(found: Iterable[dict[str, pd.DataFrame]], **names: str) -> Tables:
    joined = {name: pd.concat([one[name] for one in found]) for name in ("scores", "resampled")}
    joined = {names.get(name, name): table for name, table in joined.items()}
    return Tables(**joined, trained=("trained",), analysis_sets=("tiles",), **RESAMPLING)


METHODS = {
    "neurons": (0, 640),
    "random-1x": (-1, 640),
    "kmeans-2x": (1, 1280),
    "kmeans-0.5x": (1, 320),
}


def test_every_kmeans_is_set_against_every_method_of_a_kind():
    more = planted(METHODS | {"sae-2x-0.1": (0.5, 1280), "sae-4x-0": (0, 2560)})
    found = list(index.kmeans_over("sae")(tables([more])))
    assert [one.scope.partition("color, ")[2] for one in found] == [
        "kmeans-0.5x against sae-2x-0.1",
        "kmeans-0.5x against sae-4x-0",
        "kmeans-2x against sae-2x-0.1",
        "kmeans-2x against sae-4x-0",
    ]
    np.testing.assert_allclose([one.estimate for one in found], [0.5, 1, 0.5, 1], atol=0.2)


@pytest.mark.parametrize("of_main", ["sae-2x-0.1", "sae-1x-1"])
def test_the_best_autoencoder_of_the_grid_is_the_one_to_beat(of_main):
    main = planted(METHODS | {of_main: (9, 1280)})
    grid = planted({"sae-1x-0.1": (-1, 640), "sae-1x-1": (0.5, 640), "sae-1x-3": (5, 319)})
    found = replace(
        tables([main]), autoencoders=grid["scores"], autoencoders_resampled=grid["resampled"]
    )
    first, second = index.kmeans_over_best_autoencoder(found)
    # That of the main job doesn't count, in the grid or not, and the last one has lost its units.
    assert first.scope == "trained on tiles, layer1, color, kmeans-0.5x against sae-1x-1"
    assert second.scope == "trained on tiles, layer1, color, kmeans-2x against sae-1x-1"
    assert (first.estimate, second.estimate) == pytest.approx((0.5, 0.5), abs=0.2)


@pytest.mark.parametrize("kind", ["kmeans_identity", "kmeans_code"])
def test_other_kmeans_are_kinds_of_their_own(kind):
    methods = METHODS | {"kmeans_identity": (0, 64), "kmeans_code-1x": (0, 64)}
    found = list(index.kmeans_over(kind)(tables([planted(methods)])))
    assert [one.scope.split(" against ")[1].split("-")[0] for one in found] == [kind] * 2
    assert not any("kmeans_" in one.scope.split(" against ")[0] for one in found)


def test_what_the_images_move_widens_the_interval_and_what_moves_all_alike_does_not():
    narrow, wide = (
        list(index.kmeans_over("neurons")(tables([planted(METHODS, spread=spread)])))
        for spread in (0, 0.5)
    )
    for calm, moved, count in zip(narrow, wide, (320, 1280), strict=True):
        assert moved.estimate == calm.estimate
        known = 1 / 640 + 1 / count + calm.estimate**2 / (2 * (640 + count))
        variances = [((one.high - one.low) / 2 / 1.96) ** 2 for one in (calm, moved)]
        assert variances[0] == pytest.approx(known, rel=0.3)
        assert variances[1] == pytest.approx(known + 2 * 0.5**2, rel=0.2)


def test_control_sets_and_untrained_networks_are_left_to_their_own_claims():
    found = tables(
        [
            planted(METHODS),
            planted(METHODS, model="untrained"),
            planted(METHODS, stimuli="overlapping"),
            planted(METHODS, metric="inhouse", part="relu1"),
        ]
    )
    scopes = [one.scope for one in index.kmeans_over("neurons")(found)]
    assert {scope.split(", kmeans")[0] for scope in scopes} == {"trained on tiles, layer1, color"}
    scopes = [one.scope for one in index.kmeans_over("neurons", trained=False)(found)]
    assert {scope.split(", kmeans")[0] for scope in scopes} == {"untrained on tiles, layer1, color"}


@pytest.mark.parametrize(
    ("counts", "compared"),
    [
        ({"kmeans-0.5x": 16, "kmeans-1x": 32, "kmeans-64": 64}, "kmeans-64 against kmeans-0.5x"),
        ({"kmeans-0.5x": 128, "kmeans-1x": 256, "kmeans-64": 64}, "kmeans-1x against kmeans-64"),
        ({"kmeans-1x": 64, "kmeans-64": 64}, None),
        ({"kmeans-1x": 64}, None),
    ],
    ids=["narrow layer", "wide layer", "same size", "one size"],
)
def test_largest_and_smallest_are_told_by_their_directions(counts, compared):
    methods = {name: (0, count) for name, count in counts.items()} | {"neurons": (0, 500)}
    found = list(index.largest_against_smallest_k(tables([planted(methods)])))
    assert [one.scope.rpartition("color, ")[2] for one in found] == [compared] * bool(compared)


def test_each_layer_of_the_backbone_is_told_apart():
    parts = [planted(METHODS, metric="inhouse", part=part) for part in ("relu1", "relu2", "all")]
    found = list(index.each_backbone_layer(tables([*parts, planted(METHODS)])))
    assert [one.scope for one in found] == [
        f"trained on tiles, layer1, inhouse {part}, {ours} against neurons"
        for part in ("relu1", "relu2")
        for ours in ("kmeans-0.5x", "kmeans-2x")
    ]


def test_both_halves_of_the_units_are_judged():
    found = tables(
        [
            planted({"neurons": (-1, 300), "kmeans": (0, 300)}, half="lower"),
            planted({"neurons": (1, 300), "kmeans": (0, 300)}, half="upper"),
            planted({"neurons": (1, 300), "kmeans": (0, 300)}, half="upper", model="untrained"),
        ],
        scores="halves",
        resampled="halves_resampled",
    )
    lower, upper = index.on_both_halves(found)
    assert lower.scope == "trained on tiles, layer1, color, lower half, kmeans against neurons"
    assert upper.scope == "trained on tiles, layer1, color, upper half, kmeans against neurons"
    assert (lower.estimate, upper.estimate) == pytest.approx((1, -1), abs=0.25)


def test_other_sets_are_compared_method_by_method():
    moved = {"neurons": (1, 200), "kmeans-1x": (0, 200), "pca-1x": (0, 200)}
    still = {"random-1x": (0, 200), "neurons": (0, 200), "kmeans-1x": (0, 200)}
    found = list(index.other_sets(tables([planted(still), planted(moved, stimuli="flat")])))
    assert [one.scope for one in found] == [
        "trained, layer1, color, neurons, flat against tiles",
        "trained, layer1, color, kmeans-1x, flat against tiles",
    ]
    assert [one.estimate for one in found] == pytest.approx([1, 0], abs=0.3)


def test_sets_that_are_resampled_alike_still_vary_on_their_own():
    """Both sets have the very same draws here: their variances add up nevertheless."""
    same = {"neurons": (0, 2000)}
    (found,) = index.other_sets(
        tables([planted(same, spread=0.5), planted(same, spread=0.5, stimuli="flat")])
    )
    assert found.estimate == 0
    reach = (found.high - found.low) / 2 / 1.96
    # Between sets the shift that methods share counts too: 2 (3^2 + 0.5^2).
    assert reach**2 == pytest.approx(2 * 9.25, rel=0.2)


def test_sets_of_the_same_photographs_vary_together():
    """Draws leave the same photographs out of both sets: here they move both alike."""
    same = {"neurons": (0, 2000)}
    sets = [planted(same, spread=0.5, stimuli=one, image_groups=10) for one in ("tiles", "flat")]
    (found,) = index.other_sets(tables(sets))
    assert found.image_freedom == 9
    assert np.abs(found.images).max() < 1e-9
