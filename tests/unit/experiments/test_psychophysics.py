"""Psychophysics in silico: trials, answers, accuracies, and the claims on them."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged import alone
from scipy import stats

from codespectra.claims.judges import CONTRADICTED, INCONCLUSIVE, SUPPORTED, negative, positive
from codespectra.claims.measures.psychophysics import accuracy_on_difficulty, gain_over_neurons
from codespectra.claims.measures.tables import Tables
from codespectra.directions.directions import Directions
from codespectra.errors import UserError
from codespectra.experiments.example_trials import example_trials, with_responses
from codespectra.experiments.psychophysics import (
    Trials,
    accuracy_table,
    answer,
    by_method,
    lay_out,
    make_trials,
    preference,
)
from codespectra.experiments.trial_design import Design, shortages
from codespectra.interpretability.parts import ALL
from codespectra.interpretability.similarity import Color, Embedding, Label, Similarity
from codespectra.statistics.intervals import mean_interval
from codespectra.statistics.proportions import wilson_interval

DESIGN = Design(
    difficulties=(0.0, 0.2),
    trials=4,
    references=3,
    restrict="both",
    sides="both",
    pool="min",
    seed=0,
)
OPTIONS = [
    replace(DESIGN, restrict=restrict, sides=sides, pool=pool)
    for restrict, sides, pool in product(("both", "queries"), ("both", "positive"), ("min", "mean"))
]
COUNT = 40


def metrics(count: int, seed: int = 0) -> list[Similarity]:
    """Colour, three labels, and embeddings in two parts, of random images."""
    rng = np.random.default_rng(seed)
    tables = {part: rng.standard_normal((count, 5)).astype(np.float32) for part in ("a", "b")}
    whole = {ALL: np.hstack(list(tables.values()))}
    return [
        Color(rng.random((count, 3))),
        Label(rng.integers(3, size=count)),
        Embedding("backbone", whole, np.arange(count)),
    ]


def noise(count: int, directions: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, directions)).astype(np.float32)


def live(responses: np.ndarray) -> Directions:
    return Directions(np.eye(responses.shape[1], dtype=np.float32), responses)


# Which images a trial shows ----------------------------------------------------------------------


def test_references_come_before_queries_from_either_end() -> None:
    responses = np.arange(20.0)[:, None]
    trials = make_trials(responses, 0.2, DESIGN)
    assert trials.references[0].tolist() == [[15, 14, 13], [4, 5, 6]]
    assert trials.queries[0, 0].tolist() == [12, 11, 10, 9]
    assert sorted(trials.queries[0, 1]) == [7, 8, 9, 10]


def test_restricted_queries_leave_the_references_at_the_ends() -> None:
    responses = np.arange(40.0)[:, None]
    trials = make_trials(responses, 0.2, replace(DESIGN, restrict="queries"))
    assert trials.references[0].tolist() == [[39, 38, 37], [0, 1, 2]]
    assert trials.queries[0, 0].tolist() == [31, 30, 29, 28]
    # Less is cut off than the references take.
    trials = make_trials(responses, 0.05, replace(DESIGN, restrict="queries"))
    assert trials.queries[0, 0].tolist() == [36, 35, 34, 33]


def test_without_a_cut_both_ways_to_restrict_agree() -> None:
    responses = noise(COUNT, 6)
    both, queries = (
        make_trials(responses, 0.0, replace(DESIGN, restrict=restrict))
        for restrict in ("both", "queries")
    )
    np.testing.assert_array_equal(both.references, queries.references)
    np.testing.assert_array_equal(both.queries, queries.queries)


def test_pairing_is_random_and_follows_the_seed() -> None:
    responses = noise(60, 50)
    first, again, other = (make_trials(responses, 0, replace(DESIGN, seed=s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.queries, again.queries)
    assert (first.queries[:, 1] != other.queries[:, 1]).any()
    np.testing.assert_array_equal(first.queries[:, 0], other.queries[:, 0])
    np.testing.assert_array_equal(np.sort(first.queries[:, 1]), np.sort(other.queries[:, 1]))
    assert len({tuple(np.argsort(weak)) for weak in first.queries[:, 1]}) > 5


@given(
    st.lists(st.integers(0, 4), min_size=COUNT, max_size=COUNT),
    st.sampled_from([0.0, 0.1, 0.2, 0.3]),
    st.sampled_from(["both", "queries"]),
)
def test_images_of_a_counted_trial_are_distinct_and_in_order(values, difficulty, restrict) -> None:
    """Even where most responses are equal; ties go to the lowest index at either end."""
    responses = np.array(values, dtype=np.float32)[:, None]
    design = replace(DESIGN, restrict=restrict)
    trials = make_trials(responses, difficulty, design)
    strong, weak = trials.queries[0]
    np.testing.assert_array_equal(trials.counted[0], responses[strong, 0] > responses[weak, 0])
    for pair in trials.queries[0, :, trials.counted[0]]:
        shown = [*trials.references[0].ravel(), *pair]
        assert len(set(shown)) == len(shown)
        assert responses[trials.references[0, 0]].min() >= responses[pair[0]]
        assert responses[trials.references[0, 1]].max() <= responses[pair[1]]
    ranks = design.ranks(COUNT, difficulty)
    for sign, references in zip((-1, 1), trials.references[0], strict=True):
        ranked = np.argsort(sign * responses[:, 0], kind="stable")
        expected = ranked[ranks.references : ranks.references + design.references]
        np.testing.assert_array_equal(references, expected)


def test_shortages_name_the_set_and_the_numbers() -> None:
    cfg = {**vars(DESIGN), "difficulties": [0.0, 0.2, 0.4], "methods": ["neurons"]}
    assert shortages(70, cfg, "tiles") == []
    (line,) = shortages(60, cfg, "tiles")
    for part in (
        *("interpretability.psychophysics", "difficulty 0.4", "12 of the 60 images of tiles"),
        *("4 trials", "3 references", "take 14", "difficulties, trials or references"),
    ):
        assert part in line
    # References at the ends need no room in the central range.
    assert shortages(60, cfg | {"restrict": "queries"}, "tiles") == []
    assert len(shortages(13, cfg, "tiles")) == 3


@given(st.integers(1, 120), st.floats(0, 0.49), st.sampled_from(["both", "queries"]))
def test_sets_without_shortage_have_disjoint_ends(count, difficulty, restrict) -> None:
    design = replace(DESIGN, difficulties=(difficulty,), restrict=restrict)
    enough = not shortages(count, vars(design), "set")
    assert enough == (2 * design.ranks(count, difficulty).end <= count)


def test_methods_without_a_sign_are_refused() -> None:
    two_sided = Directions(np.eye(2, dtype=np.float32), noise(COUNT, 2), two_sided=True)
    with pytest.raises(UserError, match=r"psychophysics\.methods: pca has no sign"):
        lay_out({"layer1": {"pca": two_sided}}, 2, DESIGN)


def test_each_live_direction_has_a_row_at_each_difficulty() -> None:
    responses = noise(COUNT, 4)
    responses[:, 1] = 3
    found = {"l1": {"neurons": live(responses)}, "l2": {"kmeans-1x": live(responses[:, ::-1])}}
    sheet, trials = lay_out(found, 2, DESIGN)
    assert len(sheet) == len(trials.queries) == len(trials.counted) == 2 * 2 * 3
    first = sheet.query("layer == 'l1' and difficulty == 0.2")
    assert first["direction"].tolist() == [0, 2, 3]
    expected = make_trials(responses[:, [0, 2, 3]], 0.2, DESIGN)
    np.testing.assert_array_equal(trials.references[first.index], expected.references)


# What is answered --------------------------------------------------------------------------------


def slow_answer(similarity: Similarity, trials: Trials, design: Design) -> np.ndarray:
    """Trial by trial, by the matrix of all pairs and B eq. 2."""
    alike = similarity.matrix(np.arange(COUNT))[ALL].astype(np.float64)
    pool = max if design.pool == "min" else np.mean

    def like(image: int, references: np.ndarray) -> float:
        return pool([alike[image, reference] for reference in references])

    right = np.full(trials.counted.shape, np.nan)
    for k, t in zip(*np.nonzero(trials.counted), strict=True):
        (strong, weak), (most, least) = trials.queries[k, :, t], trials.references[k]
        margin = like(strong, most) - like(weak, most)
        if design.sides == "both":
            margin = like(strong, most) + like(weak, least) - like(weak, most) - like(strong, least)
        right[k, t] = 0.5 if abs(margin) < 1e-9 else float(margin > 0)
    return right


@pytest.mark.parametrize("design", OPTIONS, ids=lambda d: f"{d.restrict}-{d.sides}-{d.pool}")
def test_answers_agree_with_a_loop(design: Design) -> None:
    responses = noise(COUNT, 12)
    responses[:, :3] = np.maximum(responses[:, :3], 0)
    found = {"layer1": {"neurons": live(responses)}}
    sheet, trials = lay_out(found, 2, design)
    for similarity in metrics(COUNT):
        expected = slow_answer(similarity, trials, design)
        right = answer(similarity, trials, design)
        np.testing.assert_array_equal(right, expected)
        table = accuracy_table(sheet, right, similarity.metric)
        np.testing.assert_allclose(table["accuracy"], np.nanmean(expected, axis=1))
        np.testing.assert_allclose(table["correct"], np.nansum(expected, axis=1))
        assert (table["trials"] == trials.counted.sum(axis=1)).all()


def by_value(values: np.ndarray) -> Color:
    """Images whose colours are greys."""
    return Color(np.repeat(values[:, None], 3, axis=1))


def test_ties_of_mean_labels_are_exact() -> None:
    """4/9 - 5/9 and 0/9 - 1/9 differ by a rounding."""
    similarity = Label(np.array([*[1] * 5, 2, *[0] * 10, 1, 2]))
    others = list(range(6, 16))
    many = [[0, 1, 2, 3, *others[:5]], [0, 1, 2, 3, 4, *others[:4]]]
    few = [others[:9], [5, *others[:8]]]
    found = preference(similarity, np.array([16, 17]), np.array([many, few]), "mean")
    assert found[0] == found[1] == pytest.approx(-1 / 9)


def test_pairs_of_equal_responses_have_no_right_answer() -> None:
    responses = np.zeros((COUNT, 2), dtype=np.float32)
    responses[:5, 0], responses[:, 1] = 1, np.arange(COUNT)
    sheet, trials = lay_out({"l": {"neurons": live(responses)}}, 2, DESIGN)
    table = accuracy_table(sheet, answer(metrics(COUNT)[0], trials, DESIGN), "color")
    assert table["trials"].tolist() == [2, 4, 0, 4]
    assert table["accuracy"].isna().tolist() == [False, False, True, False]


@pytest.mark.parametrize("design", OPTIONS, ids=lambda d: f"{d.restrict}-{d.sides}-{d.pool}")
def test_random_directions_on_random_images_are_at_chance(design: Design) -> None:
    """One trial a direction, so that all are independent but for the images that they share."""
    design = replace(design, trials=1, difficulties=(0.1,))
    found = {"layer1": {"random": live(noise(400, 1500, seed=1))}}
    _, trials = lay_out(found, 2, design)
    for similarity in metrics(400, seed=2)[::2]:
        right = answer(similarity, trials, design)
        assert stats.binomtest(int(right.sum()), right.size).pvalue > 1e-3


# Tables ------------------------------------------------------------------------------------------


def context(table: pd.DataFrame) -> pd.DataFrame:
    head = {"model": "net", "weights": "train", "stimuli": "tiles", "stimulus_count": 40, "m": 5}
    return table.assign(**head)


def test_methods_have_both_intervals() -> None:
    rows = pd.DataFrame(
        {"direction": range(4), "trials": [20, 20, 10, 0], "correct": [19, 12, 4.5, 0]}
    )
    rows["accuracy"] = rows["correct"] / rows["trials"]
    keys = {"layer": "l", "method": "neurons", "metric": "color", "difficulty": 0.0}
    (found,) = by_method(context(rows.assign(**keys))).itertuples()
    assert (found.trials, found.correct, found.accuracy) == (50, 35.5, 0.71)
    assert (found.wilson_low, found.wilson_high) == wilson_interval(35.5, 50)
    assert (found.mean, found.low, found.high) == mean_interval(np.array([0.95, 0.6, 0.45]))
    assert found.directions == 3


def test_example_is_the_first_trial_of_the_median_direction() -> None:
    values, responses = np.random.default_rng(3).random(COUNT), noise(COUNT, 7)
    found = {"layer1": {"neurons": live(responses)}}
    sheet, trials = lay_out(found, 2, DESIGN)
    similarity = by_value(values)
    right = answer(similarity, trials, DESIGN)
    table = accuracy_table(sheet, right, "color")
    shown = with_responses(example_trials(table, right, trials, similarity, "min"), found)
    easiest = table[table["difficulty"] == 0]["accuracy"].to_numpy()
    middle = int(np.flatnonzero(easiest == np.median(easiest))[0])
    assert middle > 0
    assert (shown["direction"] == middle).all()
    trial, by_role = make_trials(responses[:, [middle]], 0, DESIGN), shown.groupby("role")["image"]
    for side, name in enumerate(("positive", "negative")):
        assert list(by_role.get_group(f"{name} reference")) == list(trial.references[0, side])
    queries = shown[shown["role"].str.endswith("query")].set_index("role")
    assert shown[shown["role"].str.endswith("reference")]["chosen"].isna().all()
    margins = (queries["to_positive"] - queries["to_negative"]).to_numpy()
    assert queries["chosen"].tolist() == ([1, 0] if margins[0] > margins[1] else [0, 1])
    nearest = -np.sqrt(3) * np.abs(
        values[queries["image"]][:, None] - values[trial.references[0, 0]]
    )
    np.testing.assert_allclose(queries["to_positive"], nearest.max(axis=1))
    np.testing.assert_array_equal(shown["response"], responses[shown["image"], middle])
    expected = stats.rankdata(-responses[:, middle], method="ordinal")
    np.testing.assert_array_equal(shown["rank"], expected[shown["image"]])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("similarity", metrics(COUNT), ids=lambda one: one.metric)
def test_a_method_without_live_directions_has_no_rows_but_all_columns(similarity) -> None:
    tables = []
    for responses in (noise(COUNT, 3), np.zeros((COUNT, 3), np.float32)):
        found = {"layer1": {"neurons": live(responses)}}
        sheet, trials = lay_out(found, 2, DESIGN)
        right = answer(similarity, trials, DESIGN)
        table = accuracy_table(sheet, right, similarity.metric)
        examples = example_trials(table, right, trials, similarity, "min")
        tables.append((table, with_responses(examples, found)))
    for some, none in zip(*tables, strict=True):
        assert len(some) and not len(none) and [*some.columns] == [*none.columns]


# Claims ------------------------------------------------------------------------------------------


def planted(gains: dict[str, float], slope: float) -> Tables:
    """Accuracies of 60 neurons and 60 centroids, which are easier by `gains`, by metric."""
    rng = np.random.default_rng(4)
    rows = []
    for model, method, metric in product(("net", "raw"), ("neurons", "kmeans-1x"), gains):
        own = rng.normal(0.7, 0.02, 60) + (gains[metric] if method != "neurons" else 0)
        for difficulty in (0.0, 0.2, 0.4):
            keys = {"model": model, "stimuli": "tiles", "layer": "l", "method": method}
            values = own + slope * (difficulty - 0.2) + rng.normal(0, 0.01, 60)
            table = pd.DataFrame({"direction": np.arange(60), "accuracy": values})
            rows.append(table.assign(metric=metric, difficulty=difficulty, **keys))
    table = pd.concat(rows, ignore_index=True)
    return Tables(resamples=300, seed=0, trained=("net",), psychophysics=table)


@pytest.mark.parametrize(
    "slope, verdict", [(-0.5, SUPPORTED), (0.5, CONTRADICTED), (0.0, INCONCLUSIVE)]
)
def test_planted_slopes_are_found(slope: float, verdict: str) -> None:
    found = list(accuracy_on_difficulty(planted({"color": 0.1, "label": 0.0}, slope)))
    assert [one.scope for one in found] == [
        f"net on tiles, l, {metric}, {method}"
        for method, metric in product(("neurons", "kmeans-1x"), ("color", "label"))
    ]
    for one in found:
        assert one.estimate == pytest.approx(slope, abs=0.02)
        assert one.low <= one.estimate <= one.high
        assert one.n == 60
        if verdict != INCONCLUSIVE:
            assert alone(negative, one) == verdict
    if verdict == INCONCLUSIVE:
        assert any(one.low < 0 < one.high for one in found)


def test_slopes_agree_with_a_fit_direction_by_direction() -> None:
    tables = planted({"color": 0.1}, -0.3)
    (neurons, _) = accuracy_on_difficulty(tables)
    own = tables.psychophysics.query("model == 'net' and stimuli == 'tiles'")
    own = own[own["method"] == "neurons"]
    fits = [
        np.polyfit(rows["difficulty"], rows["accuracy"], 1)[0]
        for _, rows in own.groupby("direction")
    ]
    assert neurons.estimate == pytest.approx(np.mean(fits))
    student = mean_interval(np.array(fits))
    assert (neurons.low, neurons.high) == pytest.approx(student[1:], abs=0.15 * np.ptp(student))


def test_planted_gains_are_found_and_compared() -> None:
    found = list(gain_over_neurons(planted({"color": 0.1, "label": 0.0, "lpips": 0.05}, -0.5)))
    rows = {one.scope: one for one in found}
    where = "net on tiles, l, {}, kmeans-1x against neurons"
    expected = {
        "color": 0.1,
        "label": 0.0,
        "lpips": 0.05,
        "color against label": 0.1,
        "color against lpips": 0.05,
    }
    assert list(rows) == [where.format(name) for name in expected]
    for name, gain in expected.items():
        one = rows[where.format(name)]
        assert one.low <= gain <= one.high
        assert one.n == 120
        assert alone(positive, one) == (SUPPORTED if gain else INCONCLUSIVE)


def test_colour_that_gains_less_is_contradicted() -> None:
    *_, last = gain_over_neurons(planted({"color": 0.02, "lpips": 0.1}, -0.5))
    assert alone(positive, last) == CONTRADICTED


def test_groups_are_resampled_independently() -> None:
    """Copies of the same accuracies still differ by the spread of both groups."""
    tables = planted({"color": 0.0}, 0.0)
    table = tables.psychophysics
    table["accuracy"] = table["direction"] / 60
    (one,) = gain_over_neurons(tables)
    expected = np.std(np.arange(60) / 60) * np.sqrt(2 / 60)
    assert one.estimate == pytest.approx(0)
    assert (one.high - one.low) / (2 * 1.96) == pytest.approx(expected, rel=0.15)


def test_one_direction_or_one_difficulty_shows_nothing() -> None:
    tables = planted({"color": 0.1}, -0.5)
    table = tables.psychophysics
    alone = replace(tables, psychophysics=table[table["direction"] == 0])
    assert all(np.isnan([one.low, one.high]).all() for one in accuracy_on_difficulty(alone))
    assert all(np.isnan([one.low, one.high]).all() for one in gain_over_neurons(alone))
    easy = replace(tables, psychophysics=table[table["difficulty"] == 0])
    assert list(accuracy_on_difficulty(easy)) == []
    assert len(list(gain_over_neurons(easy))) == 1


def test_directions_without_a_counted_trial_are_left_out() -> None:
    tables = planted({"color": 0.1, "label": 0.0}, -0.5)
    table = tables.psychophysics
    gone = (table["direction"] == 7) & (table["difficulty"] == 0.4)
    holes = replace(tables, psychophysics=table.assign(accuracy=table["accuracy"].mask(gone)))
    fewer = replace(tables, psychophysics=table[table["direction"] != 7])
    for measure in (accuracy_on_difficulty, gain_over_neurons):
        assert list(measure(holes)) == list(measure(fewer))
