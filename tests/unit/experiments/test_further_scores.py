"""MIS and the other further scores of directions: definitions, who is scored, and intervals."""

import numpy as np
import pytest
from scipy import stats

from codespectra.directions.directions import Directions
from codespectra.experiments.further_options import (
    CLARITY,
    MIS,
    MIS_LIMIT,
    MONOSEMANTICITY,
    REDUNDANCY,
    Options,
    too_few_images,
)
from codespectra.experiments.further_scores import (
    Metric,
    Parts,
    means_table,
    moments_table,
    score_directions,
    score_table,
)
from codespectra.experiments.machine_interpretability import machine_interpretability, mis_design
from codespectra.experiments.psychophysics import accuracy_table, answer, lay_out, margins
from codespectra.interpretability.all_pairs import pairwise
from codespectra.interpretability.cosines import HeldCosines, squared_lengths
from codespectra.interpretability.similarity import Embedding, Label

OPTIONS = Options(references=4, trials=6, slope=0.7, top=5, resamples=20, seed=3)
RNG = np.random.default_rng(1)
COUNT, UNITS = 90, 8
TABLES = {"a": (1 + RNG.standard_normal((COUNT, 6))).astype(np.float32)}
PARTS = Parts.of(np.arange(COUNT) % 6, OPTIONS)
RESPONSES = RNG.standard_normal((COUNT, UNITS)).astype(np.float32)
SIMILARITY = Embedding("backbone", TABLES)
COSINES = HeldCosines(pairwise(TABLES), squared_lengths(TABLES, "backbone"))
BACKBONE = Metric("backbone", lambda images: SIMILARITY, COSINES)
LABEL = Metric("label", lambda images: Label(np.arange(COUNT) % 3))


def directions(responses: np.ndarray) -> Directions:
    return Directions(np.eye(responses.shape[1], dtype=np.float32), responses)


def scored(responses=RESPONSES, signs=None, metrics=(BACKBONE,), parts=PARTS):
    signs = np.ones(responses.shape[1], dtype=int) if signs is None else signs
    own = {metric.name: signs for metric in metrics}
    return score_directions(directions(responses), own, metrics, parts, OPTIONS)


# MIS ---------------------------------------------------------------------------------------------


def naive_mis(responses: np.ndarray, opposite: np.ndarray, slope: float) -> float:
    """By its definition; `opposite` are the negative queries in the order of the trials."""
    order = np.argsort(-responses, kind="stable")
    back = np.argsort(responses, kind="stable")
    positive, negative = order[:4], back[:4]
    rows = TABLES["a"].astype(np.float64)

    def delta(query: int) -> float:
        like = [-np.sum((rows[query] - rows[e]) ** 2, axis=1).mean() for e in (positive, negative)]
        return like[0] - like[1]

    margin = [delta(q) - delta(p) for q, p in zip(order[4:10], opposite, strict=True)]
    return np.mean([1 / (1 + np.exp(-slope * one)) for one in margin])


def test_mis_is_its_definition_and_its_limit_the_accuracy_of_the_same_trials():
    """The accuracy of the study of psychophysics, with mean pooling and no difficulty."""
    design = mis_design(OPTIONS)
    sheet, trials = lay_out({"layer": {"neurons": directions(RESPONSES)}}, 2, design)
    found = scored()["backbone"]
    expected = [
        naive_mis(own, pairs, OPTIONS.slope)
        for own, pairs in zip(RESPONSES.T, trials.queries[:, 1], strict=True)
    ]
    np.testing.assert_allclose(found[MIS][0], expected, rtol=1e-6)
    accuracy = accuracy_table(sheet, answer(SIMILARITY, trials, design), "backbone")["accuracy"]
    np.testing.assert_array_equal(found[MIS_LIMIT][0], accuracy)
    steep = machine_interpretability(margins(SIMILARITY, trials, design), 1e9)
    np.testing.assert_allclose(steep, accuracy)


def test_mis_counts_trials_that_have_an_answer():
    margin = np.array([[2.0, np.nan, 0.0], [np.nan, np.nan, np.nan]])
    for slope, expected in ((np.inf, 0.75), (0.5, (0.5 + 1 / (1 + np.exp(-1))) / 2)):
        found = machine_interpretability(margin, slope)
        np.testing.assert_allclose(found, [expected, np.nan])


def test_only_embeddings_have_cosines():
    found = scored(metrics=(BACKBONE, LABEL))
    assert [*found["label"]] == [MIS, MIS_LIMIT]
    assert {MONOSEMANTICITY, CLARITY, REDUNDANCY} < {*found["backbone"]}


# Who is scored -----------------------------------------------------------------------------------


def test_dead_and_rare_directions_are_missing_and_counted():
    """And no neighbour of the others."""
    responses = np.concatenate([RESPONSES, np.zeros((COUNT, 2), dtype=np.float32)], axis=1)
    responses[:3, -1] = 1  # excites three images: too few for trials and for the top five
    found = scored(responses)["backbone"]
    table = score_table(found, directions(responses), OPTIONS, 6)
    means = means_table(table, moments_table(found), 6).set_index("score")
    counts = means[["directions", "live", "rare", "dead"]].T.to_dict("list")
    assert counts[MIS] == counts[CLARITY] == [10, 8, 1, 1]
    assert counts[MONOSEMANTICITY] == [10, 9, 0, 1]
    assert np.isnan(found[CLARITY][:, 8:]).all() and np.isnan(found[MONOSEMANTICITY][:, 8]).all()
    np.testing.assert_array_equal(found[REDUNDANCY][:, :8], scored()["backbone"][REDUNDANCY])


def test_a_direction_without_a_sign_is_scored_by_the_end_that_its_index_took():
    signs = np.where(np.arange(UNITS) % 2, 1, -1)
    found = scored(signs=signs)["backbone"]
    flipped = scored(RESPONSES * signs.astype(np.float32))["backbone"]
    for score, values in found.items():
        np.testing.assert_array_equal(values, flipped[score])


# Intervals ---------------------------------------------------------------------------------------


def test_an_interval_is_of_scores_on_two_thirds_of_the_groups():
    found = scored()["backbone"]
    kept = [*PARTS][3]
    assert {*np.unique(kept % 6)} == {*np.flatnonzero(PARTS.held[3])} and len(kept) == 60
    part = {"a": TABLES["a"][kept]}
    of_part = Metric(
        "backbone",
        lambda images: Embedding("backbone", part),
        HeldCosines(pairwise(part), squared_lengths(part, "backbone")),
    )
    alone = Parts.of(np.arange(60) % 6, OPTIONS)
    expected = scored(RESPONSES[kept], metrics=(of_part,), parts=alone)["backbone"]
    for score in {*expected} - {MONOSEMANTICITY}:  # whose responses stay scaled as with all images
        np.testing.assert_allclose(found[score][3], expected[score][0], rtol=1e-4)
    table = score_table(found, directions(RESPONSES), OPTIONS, 6).set_index("score")
    for score, (whole, *draws) in found.items():
        # Four of six groups are in: the variance over images is twice that of the draws.
        reach = stats.t.ppf(0.975, 5) * np.sqrt(2 * np.var(draws, axis=0, ddof=1))
        np.testing.assert_allclose(table.loc[score, "high"] - whole, reach)
        np.testing.assert_allclose(whole - table.loc[score, "low"], reach)


@pytest.mark.parametrize(
    ("left", "refused"),
    [(20, []), (19, ["trials and references take 20"]), (4, ["", "top takes 5"])],
)
def test_options_that_take_more_images_than_a_subsample_has_are_refused(left, refused):
    lines = too_few_images(OPTIONS, "tiles", left)
    assert len(lines) == len(refused)
    for line, words in zip(lines, refused, strict=True):
        assert words in line and f"have {left} at most" in line


def test_the_smallest_subsample_lacks_the_largest_groups():
    groups = np.repeat(np.arange(4), (1, 2, 3, 30))
    assert Parts.of(groups, OPTIONS).smallest == 6
