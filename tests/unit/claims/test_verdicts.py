"""Claims: verdicts follow from intervals alone, intervals hold the truth, planted effects show."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from judged import alone
from scipy import stats

from codespectra.claims.catalogue import CLAIMS
from codespectra.claims.judges import (
    CONTRADICTED,
    INCONCLUSIVE,
    MIXED,
    NOT_RUN,
    SUPPORTED,
    Judge,
    effect,
    negative,
    negligible,
    positive,
)
from codespectra.claims.measures.tables import Tables
from codespectra.claims.needs import NEEDS
from codespectra.claims.scope import Scope
from codespectra.claims.verdicts import NOTHING_TO_MEASURE, Claim, Verdicts, judge_claims
from codespectra.files.csv_tables import read_csv
from codespectra.files.csv_writer import write_csv
from codespectra.files.table_columns import COLUMNS
from codespectra.statistics import evidence
from codespectra.statistics.evidence import Evidence, compare_groups, from_draws, rank_correlation
from codespectra.statistics.hierarchy import Interval

VERDICTS = {SUPPORTED, CONTRADICTED, INCONCLUSIVE, MIXED, NOT_RUN}
RESAMPLING = {"resamples": 500, "seed": 0}


def between(low: float, high: float) -> Interval:
    """An interval about its middle."""
    return Interval((low + high) / 2, low, high)


# Verdicts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "judge, low, high, verdict",
    [
        (positive, 0.01, 0.02, SUPPORTED),
        (positive, 0, 0.02, INCONCLUSIVE),
        (positive, -0.01, 0.02, INCONCLUSIVE),
        (positive, -0.02, 0, INCONCLUSIVE),
        (positive, -0.02, -0.01, CONTRADICTED),
        (negative, -0.02, -0.01, SUPPORTED),
        (negative, -0.02, 0, INCONCLUSIVE),
        (negative, -0.01, 0.02, INCONCLUSIVE),
        (negative, 0, 0.02, INCONCLUSIVE),
        (negative, 0.01, 0.02, CONTRADICTED),
        (negligible, -0.49, 0.49, SUPPORTED),
        (negligible, 0.1, 0.2, SUPPORTED),
        (negligible, -0.5, 0.4, INCONCLUSIVE),
        (negligible, 0.4, 0.5, INCONCLUSIVE),
        (negligible, 0.5, 0.6, INCONCLUSIVE),
        (negligible, -0.6, 0.6, INCONCLUSIVE),
        (negligible, 0.51, 0.6, CONTRADICTED),
        (negligible, -0.6, -0.51, CONTRADICTED),
        (effect, 0.01, 0.02, SUPPORTED),
        (effect, -0.02, -0.01, SUPPORTED),
        (effect, 0, 0.3, INCONCLUSIVE),
        (effect, -0.2, 0.1, INCONCLUSIVE),
        (effect, -0.19, 0.19, CONTRADICTED),
    ],
)
def test_verdict_at_its_borders(judge: Judge, low: float, high: float, verdict: str) -> None:
    assert alone(judge, between(low, high)) == verdict


@pytest.mark.parametrize("judge", [positive, negative, negligible, effect])
@pytest.mark.parametrize("ends", [(np.nan, np.nan), (0.1, np.nan), (-np.inf, 0.1), (0.1, np.inf)])
def test_unknown_interval_decides_nothing(judge: Judge, ends: tuple[float, float]) -> None:
    assert alone(judge, between(*ends)) == INCONCLUSIVE


# Statistics --------------------------------------------------------------------------------------


def groups(d: float, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return 3 + 2 * (rng.standard_normal(n) + d), 3 + 2 * rng.standard_normal(n)


def pairs(rho: float, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal pairs whose rank correlation in the population is `rho`."""
    pearson = 2 * np.sin(np.pi * rho / 6)
    rng = np.random.default_rng(seed)
    first, noise = rng.standard_normal((2, n))
    return first, pearson * first + np.sqrt(1 - pearson**2) * noise


def test_cohens_d_and_mann_whitney_agree_with_scipy() -> None:
    first, second = groups(0.4, 60, seed=0)
    second = second[:40]
    found = compare_groups("here", first, second, **RESAMPLING)
    t = stats.ttest_ind(first, second).statistic
    assert found.estimate == pytest.approx(t * np.sqrt(1 / 60 + 1 / 40))
    assert found.p == pytest.approx(stats.mannwhitneyu(first, second).pvalue)
    assert (found.scope, found.n) == ("here", 100)
    assert found.low < found.estimate < found.high


def test_rank_correlation_agrees_with_scipy() -> None:
    first, second = pairs(0.5, 40, seed=0)
    second[:6] = second[6:12]  # Ties.
    found = rank_correlation("here", first, second, **RESAMPLING)
    expected = stats.spearmanr(first, second)
    assert found.estimate == pytest.approx(expected.statistic)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.scope, found.n) == ("here", 40)
    assert found.low < found.estimate < found.high


def test_vectorised_spearman_agrees_with_scipy() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 6, (2, 50, 12))
    found = evidence.spearman_rows(first, second)
    expected = [stats.spearmanr(a, b).statistic for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-12)


# Over 100 samples, 95 % coverage gives 88 to 100 hits with probability 0.997. That of d is held in
# test_index_measures.py.
def test_interval_of_rho_holds_the_truth() -> None:
    rho = 0.5
    found = [
        rank_correlation("", *pairs(rho, 200, seed), resamples=300, seed=seed)
        for seed in range(100)
    ]
    assert sum(one.low <= rho <= one.high for one in found) >= 88
    spread = np.std([one.estimate for one in found])
    width = np.mean([one.high - one.low for one in found])
    assert width == pytest.approx(2 * 1.96 * spread, rel=0.2)


def test_values_that_are_missing_are_left_out() -> None:
    first, second = groups(0.4, 30, seed=0)
    holes = np.append(first, [np.nan, np.inf])
    assert compare_groups("", holes, second, **RESAMPLING) == compare_groups(
        "", first, second, **RESAMPLING
    )
    longer = np.append(second, [0.0, 0.0])
    assert rank_correlation("", holes, longer, **RESAMPLING) == rank_correlation(
        "", first, second, **RESAMPLING
    )


def test_too_few_values_and_constant_ones_give_nothing() -> None:
    few = np.arange(4.0)
    for found in (
        compare_groups("", few[:1], few, **RESAMPLING),
        rank_correlation("", few, few, **RESAMPLING),
        compare_groups("", np.full(7, 0.1), np.full(3, 0.3), **RESAMPLING),
        rank_correlation("", np.full(7, 0.1), np.arange(7.0), **RESAMPLING),
    ):
        assert np.isnan([found.estimate, found.low, found.high]).all()
        assert found.p is None


def test_missing_draw_makes_the_interval_unknown() -> None:
    found = from_draws("", "", 1.0, np.array([1.0, np.nan, 2.0]), n=3)
    assert np.isnan([found.low, found.high]).all()


# Claims ------------------------------------------------------------------------------------------

ANALYSIS = "tiles"
LAYERS = 12


def layer_tables(sign: int) -> dict[str, pd.DataFrame]:
    """Exponents and actions of two networks whose every claim holds (sign 1) or fails (-1).

    Of the exponents' two claims one excludes the other: the exponents rise to -0.5 inside the
    network, or fall from -1.2 on.
    """
    rng = np.random.default_rng(0)
    depth = np.arange(1, LAYERS + 1)
    alpha = -1.2 - 0.05 * depth
    if sign > 0:
        alpha = alpha + 1.1 * np.exp(-((depth - 6) ** 2) / 4)
    exponents, bootstrap, action = [], [], []
    for model in ("trained", "untrained"):
        table = pd.DataFrame({"depth": depth, "layer": [f"relu{i}" for i in depth]})
        table = table.assign(model=model)
        exponents.append(table.assign(stimuli="test", alpha=alpha))
        for draw in range(50):
            noisy = alpha + 0.01 * rng.standard_normal(LAYERS)
            bootstrap.append(table.assign(stimuli="test", draw=draw, alpha=noisy))
        moved = 2 + sign * alpha
        dot = table.assign(stimuli="dot", action=moved, relative_action=2 * moved)
        action.append(dot.assign(explained=-sign * moved))
    tables = {"exponents": exponents, "bootstrap": bootstrap, "action": action}
    return {name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()}


def scores(sign: int, parts: tuple[str, ...] = ("all", "relu1")) -> pd.DataFrame:
    """Scores whose K-Means directions lie 1.5 deviations above (below) everything else.

    The largest K equals the smallest (sign 1) or lies 1 deviation above it (-1); a second stimulus
    set shifts every score (1) or none (-1).
    """
    rng = np.random.default_rng(1)
    means = {"neurons": 0, "random-64": 0, "exemplar-64": 0, "kmeans-32": 1.5 * sign}
    means["kmeans-128"] = 1.5 * sign + (0 if sign > 0 else -1)
    rows = []
    for model in ("trained", "untrained"):
        for stimuli, shift in ((ANALYSIS, 0), ("flat", 1 if sign > 0 else 0)):
            for part in parts:
                for method, mean in means.items():
                    count = 1500 if method != "kmeans-32" else 1400
                    table = pd.DataFrame({"ii": mean + shift + rng.standard_normal(count)})
                    rows.append(
                        table.assign(
                            model=model,
                            stimuli=stimuli,
                            layer="layer1",
                            metric="color",
                            part=part,
                            method=method,
                            stimulus_count=3000,
                            image_groups=3000,
                        )
                    )
    return pd.concat(rows, ignore_index=True)


def moments_of(scores: pd.DataFrame) -> pd.DataFrame:
    """Of subsamples of the images that change nothing: directions alone make the intervals."""
    keys = ["model", "stimuli", "layer", "metric", "part", "method"]
    found = scores.groupby(keys)["ii"].agg(["mean", "var", "count"]).reset_index()
    found = found.rename(columns={"var": "variance"})
    return pd.concat([found.assign(draw=draw) for draw in range(20)], ignore_index=True)


def planted(sign: int) -> Tables:
    return Tables(
        **layer_tables(sign),
        scores=scores(sign),
        resampled=moments_of(scores(sign)),
        trained=("trained",),
        analysis_sets=(ANALYSIS,),
        resamples=200,
        seed=0,
    )


@pytest.fixture(scope="module", params=[1, -1], ids=["holding", "failing"])
def judged(request: pytest.FixtureRequest) -> tuple[int, Verdicts]:
    return request.param, judge_claims(CLAIMS, planted(request.param))


MEASURED = {
    # Rows and what the planted study is about.
    "A4": (1, "trained on test"),
    "A5": (1, "trained on dot"),
    "A9": (1, "trained on dot"),
    "B1": (2, "trained on tiles"),
    "B6": (2, "trained on tiles"),
    "B7": (1, "trained on tiles"),
    "B8": (2, "trained on tiles"),
    "B20": (1, "trained on test"),
    "C1": (2, "trained on tiles"),
    "C2": (2, "untrained on tiles"),
    "C4": (5, "trained, layer1"),
}


# How the reason starts of what a study of layers and scores alone can't tell.
def reason(claim: Claim) -> str:
    if claim.measure is None:
        return f"needs the study `{claim.needs}`, which"
    if claim.needs == "people":
        return "name people's answers in the config's section people"
    if claim.needs == "index":
        return NOTHING_TO_MEASURE
    (target,) = [target for target, needs in NEEDS.items() if claim.needs in needs]
    return f"run `snakemake {target}`, or `snakemake everything`"


REASONS = {claim.id: reason(claim) for claim in CLAIMS if claim.id not in MEASURED}


@pytest.mark.parametrize("claim", MEASURED)
def test_planted_effect_is_found(claim: str, judged: tuple[int, Verdicts]) -> None:
    sign, (claims, table, _) = judged
    rows = table[(table["id"] == claim) & (table["counts"] == "yes")]
    count, scope = MEASURED[claim]
    holds = sign > 0 if claim != "B20" else sign < 0
    assert list(rows["verdict"]) == [SUPPORTED if holds else CONTRADICTED] * count
    assert rows["scope"].str.startswith(scope).all()
    assert (rows["reason"] == "").all()
    (one,) = claims[claims["id"] == claim].itertuples()
    assert (one.verdict, one.over) == (rows["verdict"].iloc[0], "one network")
    assert one.q <= 0.05 < 1 < abs(one.margin)


def test_every_claim_gets_one_verdict(judged: tuple[int, Verdicts]) -> None:
    table = judged[1].claims
    assert list(table["id"]) == [claim.id for claim in CLAIMS]
    assert set(table["verdict"]) <= VERDICTS
    left = table[table["verdict"] == NOT_RUN]
    assert set(left["id"]) == {claim.id for claim in CLAIMS} - set(MEASURED)
    for row in left.itertuples():
        assert row.reason.startswith(REASONS[row.id])
    assert left[["estimate", "low", "high"]].isna().all(axis=None)


def test_a_scope_says_how_its_activations_were_reduced() -> None:
    """Of the tables that a claim is of, each by its own reduction."""
    tables = planted(1)
    reduced = {"scores": "spatial_mean", "exponents": "stride", "action": "none"}
    frames = {kind: getattr(tables, kind).assign(reduction=to) for kind, to in reduced.items()}
    table = judge_claims(CLAIMS, replace(tables, **frames)).by_scope
    for claim, words in {
        "B1": ", spatial_mean",
        "A4": ", stride",
        "A5": ", stride (exponents), none (action)",
        "A9": ", none",
    }.items():
        scopes = table.loc[table["id"] == claim, "scope"]
        assert len(scopes) and scopes.str.endswith(words).all(), list(scopes)


@pytest.mark.parametrize(
    "estimate, p, low, high, verdict",
    [(-5.0, 0.99, 0.1, 0.2, SUPPORTED), (5.0, 1e-9, -0.1, 0.2, INCONCLUSIVE)],
)
def test_neither_estimate_nor_p_decides(
    estimate: float, p: float, low: float, high: float, verdict: str
) -> None:
    found = Evidence(Scope("net"), "statistic", estimate, low, high, 10, p)
    claim = Claim("X1", "A sentence", "none", "layers", lambda tables: iter([found]))
    for table in judge_claims([claim], planted(1))[:2]:
        assert list(table["verdict"]) == [verdict]


def test_claim_ids_are_unique() -> None:
    ids = [claim.id for claim in CLAIMS]
    assert len(set(ids)) == len(ids)


def test_each_need_is_one_targets_and_a_claims() -> None:
    named = [name for needs in NEEDS.values() for name in needs]
    assert sorted({claim.needs for claim in CLAIMS}) == sorted(named)


def test_every_table_that_a_claim_needs_is_checked_when_it_is_read() -> None:
    kinds = {kind for needs in NEEDS.values() for kinds in needs.values() for kind in kinds}
    assert kinds <= COLUMNS.keys()


# A table that is missing -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, unmeasured",
    [
        ("exponents", {"A4", "A5", "B20"}),
        ("bootstrap", {"A4", "B20"}),
        ("action", {"A5", "A9"}),
        ("scores", {"B1", "B6", "B7", "B8", "C1", "C2", "C4"}),
        ("resampled", {"B1", "B6", "B7", "B8", "C1", "C2", "C4"}),
    ],
)
def test_a_claim_waits_for_its_own_tables_alone(name: str, unmeasured: set[str]) -> None:
    table = judge_claims(CLAIMS, replace(planted(1), **{name: None})).claims
    left = table[(table["verdict"] == NOT_RUN) & table["id"].isin(list(MEASURED))]
    assert set(left["id"]) == unmeasured
    # The main job makes them, unless its config has no such section.
    assert set(left["reason"]) == {NOTHING_TO_MEASURE}


def test_measured_only_leaves_out_what_is_not_run_and_nothing_else() -> None:
    tables = planted(1)
    table, whole = (judge_claims(CLAIMS, tables, measured_only=one).claims for one in (True, False))
    assert set(table["id"]) == set(MEASURED)
    measured = whole[whole["verdict"] != NOT_RUN].reset_index(drop=True)
    pd.testing.assert_frame_equal(table, measured, check_dtype=False)


NAMES = ["NA", "null", "007", "1e5", "True", "nan", "None"]


@pytest.mark.parametrize("name", NAMES)
def test_what_a_model_or_a_set_is_called_changes_no_verdict(name: str, tmp_path: Path) -> None:
    tables, before = planted(1), judge_claims(CLAIMS, planted(1)).by_scope
    read = {}
    for kind in ("exponents", "bootstrap", "action", "scores", "resampled"):
        table = getattr(tables, kind)
        absent = [name for name in " ".join(COLUMNS[kind]).split() if name not in table]
        table = table.replace({"trained": name, ANALYSIS: name}).assign(**dict.fromkeys(absent, 0))
        write_csv(tmp_path / f"{kind}.csv", table)
        read[kind] = read_csv(tmp_path / f"{kind}.csv", kind)
    named = replace(tables, **read, trained=(name,), analysis_sets=(name,))
    table = judge_claims(CLAIMS, named).by_scope
    columns = ["id", "verdict", "n", "reason"]
    pd.testing.assert_frame_equal(table[columns], before[columns])
    assert table["scope"].dropna().str.contains(rf"\b{name}\b").sum() == before["scope"].count()


# Studies that measure less -----------------------------------------------------------------------


def verdicts(tables: Tables, claim: str) -> list[tuple[str, str]]:
    table = judge_claims(CLAIMS, tables).claims
    return list(table.loc[table["id"] == claim, ["verdict", "reason"]].itertuples(index=False))


@pytest.mark.parametrize(
    "kept, unmeasured",
    [
        ({"kmeans-32", "kmeans-128"}, {"B1", "B6", "B8", "C1", "C2"}),
        ({"neurons", "random-64", "exemplar-64"}, {"B1", "B6", "B7", "B8", "C1", "C2"}),
        ({"neurons", "kmeans-32"}, {"B6", "B7", "C1"}),
    ],
    ids=["only K-Means", "no K-Means", "one K"],
)
def test_missing_directions_are_not_run(kept: set[str], unmeasured: set[str]) -> None:
    tables = planted(1)
    table = judge_claims(
        CLAIMS, replace(tables, scores=tables.scores[tables.scores["method"].isin(kept)])
    ).claims
    left = table[(table["verdict"] == NOT_RUN) & table["id"].isin(list(MEASURED))]
    assert set(left["id"]) == unmeasured
    assert (left["reason"] == NOTHING_TO_MEASURE).all()


def test_without_a_trained_network_only_the_control_is_judged() -> None:
    table = judge_claims(CLAIMS, replace(planted(1), trained=())).claims
    assert set(table.loc[table["verdict"] != NOT_RUN, "id"]) == {"C2"}


def test_without_other_sets_or_parts_their_claims_are_not_run() -> None:
    tables = planted(1)
    here = scores(1, parts=("all",)).query("stimuli == @ANALYSIS")
    for claim in ("B8", "C4"):
        assert verdicts(replace(tables, scores=here), claim) == [(NOT_RUN, NOTHING_TO_MEASURE)]


def test_two_layers_have_no_inside() -> None:
    tables = planted(1)
    ends = tables.exponents.query("depth in (1, 12)")
    assert verdicts(replace(tables, exponents=ends), "A4") == [(NOT_RUN, NOTHING_TO_MEASURE)]


def test_layer_without_an_exponent_leaves_its_claims_open() -> None:
    tables = planted(1)
    tables.exponents.loc[tables.exponents["depth"] == 4, "alpha"] = np.nan
    tables.bootstrap.loc[tables.bootstrap["depth"] == 4, "alpha"] = np.nan
    assert verdicts(tables, "A4") == verdicts(tables, "B20") == [(INCONCLUSIVE, "")]
    table = judge_claims(CLAIMS, tables).by_scope.query("id == 'A5'")
    assert list(table["n"]) == [LAYERS - 1] * 2
    assert list(table["verdict"]) == [SUPPORTED] * 2


def test_spectra_of_several_sets_count_each_layer_once() -> None:
    tables = planted(1)
    both = {
        name: pd.concat([found, found.assign(stimuli="train")])
        for name, found in (("exponents", tables.exponents), ("bootstrap", tables.bootstrap))
    }
    table = judge_claims(CLAIMS, replace(tables, **both)).by_scope
    rows = table.query("id == 'A5'")
    assert list(rows["n"]) == [LAYERS] * 4
    assert rows["scope"].is_unique
