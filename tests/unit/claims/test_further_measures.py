"""Claims on further scores: planted agreement and gains show, and of whom they are."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from codespectra.claims.catalogue import CLAIMS
from codespectra.claims.measures import further
from codespectra.claims.measures.tables import Tables
from codespectra.experiments.further_options import MIS, MONOSEMANTICITY
from codespectra.statistics.evidence import Evidence

RESAMPLING = {"resamples": 300, "seed": 0}
GROUPS, DRAWS = 10, 40
METHODS = {"neurons": (0.0, 200), "kmeans-1x": (1.0, 200), "pca-1x": (0.0, 200)}


def planted(images: float = 0.0, **where: str) -> dict[str, pd.DataFrame]:
    """MIS goes with the II and monosemanticity against it, but for the units' directions' order.

    `images` is the standard error over groups of images of each method's mean.
    """
    rng = np.random.default_rng(0)
    head = {"model": "trained", "stimuli": "tiles", "layer": "layer1", "metric": "inhouse"} | where
    tables = {"scores": [], "further": [], "further_resampled": []}
    for method, (mean, count) in METHODS.items():
        ii = rng.standard_normal(count)
        own = head | {"method": method, "direction": np.arange(count)}
        tables["scores"].append(pd.DataFrame(own | {"part": "all", "ii": ii}))
        for score, sign in ((MIS, 1), (MONOSEMANTICITY, -1)):
            own["image_groups"] = GROUPS
            value = mean + sign * ii + 0.1 * rng.standard_normal(count)
            shuffled = pd.DataFrame(own | {"score": score, "value": value}).sample(frac=1)
            tables["further"].append(shuffled)
            deviations = stats.zscore(rng.standard_normal(DRAWS), ddof=1) / np.sqrt(7 / 3)
            drawn = {"draw": np.arange(DRAWS), "mean": value.mean() + images * deviations}
            drawn |= {"score": score, "variance": value.var(ddof=1), "count": count}
            tables["further_resampled"].append(pd.DataFrame(head | {"method": method} | drawn))
    return {name: pd.concat(found) for name, found in tables.items()}


def tables(*found: dict[str, pd.DataFrame]) -> Tables:
    joined = {name: pd.concat([one[name] for one in found]) for name in found[0]}
    return Tables(**joined, trained=("trained",), analysis_sets=("tiles",), **RESAMPLING)


@pytest.mark.parametrize(("score", "expected"), [(MIS, 1), (MONOSEMANTICITY, -1)])
def test_units_of_trained_networks_are_ranked_by_both(score, expected):
    parts = planted()
    parts["scores"] = pd.concat([parts["scores"], parts["scores"].assign(part="relu1", ii=0)])
    (found,) = further.index_and(score)(tables(parts, planted(model="untrained")))
    assert (found.scope, found.n) == ("trained on tiles, layer1, inhouse", 200)
    assert found.estimate == pytest.approx(expected, abs=0.02)


def gains(*found: dict[str, pd.DataFrame]) -> list[Evidence]:
    return list(further.kmeans_over_neurons(tables(*found)))


def test_kmeans_is_set_against_neurons_by_metrics_that_have_both_scores():
    color = planted(metric="color")
    of_mis = {name: t[t["score"] == MIS] if "score" in t else t for name, t in color.items()}
    found = gains(planted(), of_mis)
    assert [one.scope for one in found] == [
        f"trained on tiles, layer1, inhouse, {score}, kmeans-1x against neurons"
        for score in (MIS, MONOSEMANTICITY)
    ]
    assert [one.estimate for one in found] == pytest.approx([1, 1], abs=0.2)


def test_groups_of_images_widen_the_interval_to_student_s():
    """Two methods that the groups move on their own, so that their variances add up."""
    for calm, moved in zip(gains(planted()), gains(planted(images=0.5)), strict=True):
        assert moved.estimate == pytest.approx(calm.estimate)
        assert calm.high - calm.low < 0.6 * (moved.high - moved.low)
        assert np.mean(moved.images**2) == pytest.approx(2 * 0.5**2, rel=0.6)
        assert GROUPS - 1 <= moved.freedom < 1.2 * (GROUPS - 1) and moved.image_freedom == 9


def test_the_claims_say_the_same_of_each_metric_and_score():
    told = {claim.id: claim.each for claim in CLAIMS if claim.needs == "further"}
    assert told == {"C5": ("metric",), "C6": ("metric",), "C7": ("score",)}
