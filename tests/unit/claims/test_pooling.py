"""One verdict of many scopes: what a claim says, of which networks, and how sure it is."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from codespectra.claims.judges import CONTRADICTED, INCONCLUSIVE, MIXED, SUPPORTED
from codespectra.claims.measures.tables import Tables
from codespectra.claims.scope import Scope
from codespectra.claims.verdicts import Claim, Verdicts, judge_claims
from codespectra.figures.claims import draw_claims
from codespectra.statistics.evidence import Evidence

NEEDED = {kind: pd.DataFrame() for kind in ("exponents", "action")}
SEEDED = {f"net-s{seed}": {"base": "net", "seed": seed} for seed in range(5)}


def evidence(estimate: float, network: str = "net", reach: float = 0.1, **more: str) -> Evidence:
    """Of a network's statistic, which lies as far from either end."""
    statistic = more.pop("statistic", "mean")
    ends = estimate, estimate - reach, estimate + reach
    return Evidence(Scope(network, **more), statistic, *ends, n=10)


def claim(id: str, found: Iterable[Evidence], **more) -> Claim:
    return Claim(id, "A sentence", "none", "layers", lambda tables: iter(found), **more)


def judge(*claims: Claim, replicates=SEEDED) -> Verdicts:
    tables = Tables(
        **NEEDED,
        resamples=100,
        seed=0,
        replicates=replicates,
        origins={"net": "trained here", "other": "pretrained"},
    )
    return judge_claims(claims, tables)


def the(*found: Evidence, **more) -> pd.Series:
    return judge(claim("X1", found, **more)).claims.iloc[0]


def test_networks_of_a_model_are_one_scope_and_their_spread_makes_the_interval():
    values = [0.1, 0.4, 0.2, 0.9, 0.3]
    found = [evidence(v, name, layer="l1") for v, name in zip(values, SEEDED, strict=True)]
    verdicts = judge(claim("X1", found))
    expected = stats.ttest_1samp(values, 0).confidence_interval()
    for table, scope in ((verdicts.claims, None), (verdicts.by_scope, "net, l1")):
        (row,) = table.to_dict("records")
        assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high))
        assert row["over"] == "5 networks"
        assert row.get("scope") == scope
    assert list(verdicts.by_model["model"]) == ["net"]


def test_the_mean_over_scopes_is_taken_in_each_network_first():
    """Scopes of one network depend on each other: its layers here miss in opposite directions."""
    found = [
        evidence(sign * seed + 1, f"net-s{seed}", layer=layer)
        for layer, sign in (("l1", 1), ("l2", -1))
        for seed in range(5)
    ]
    row = the(*found)
    assert (row["estimate"], row["low"], row["high"]) == pytest.approx((1, 1, 1))
    assert (row["scopes"], row["verdict"]) == (2, SUPPORTED)


def test_a_scope_that_a_network_lacks_is_left_out_and_counted():
    found = [evidence(1, name, layer="l1") for name in SEEDED]
    found += [evidence(-9, name, layer="l2") for name in list(SEEDED)[1:]]
    found += [evidence(np.nan, "other", layer="l1")]
    row = the(*found)
    assert (row["estimate"], row["scopes"], row["left_out"]) == (1, 3, 2)
    assert row["over"] == "5 networks"


def test_one_network_is_told_and_has_its_own_interval():
    row = the(evidence(0.3), evidence(0.5, reach=0.3, layer="l2"))
    assert (row["estimate"], row["low"], row["high"]) == pytest.approx((0.4, 0.2, 0.6))
    assert row["over"] == "one network"
    both = the(evidence(0.3, "other"), *(evidence(0.3, name) for name in SEEDED))
    assert both["over"] == "one network"


def test_every_part_must_hold_and_one_refutes():
    up, down, open_ = (evidence(v, metric=str(v)) for v in (1, -1, 0.05))
    assert the(up, down, each=("metric",))["verdict"] == CONTRADICTED
    assert the(up, open_, each=("metric",))["verdict"] == INCONCLUSIVE
    assert the(up, open_)["verdict"] == SUPPORTED  # the mean of both
    row = the(up, open_, each=("metric",))
    assert (row["parts"], row["part"], row["estimate"]) == (2, "0.05", 0.05)
    # Another statistic is another part, too; one of k refutes at a k-th of the level.
    assert the(up, evidence(-1, statistic="other"))["verdict"] == CONTRADICTED
    barely = evidence(-0.105, metric="barely")
    assert the(barely)["verdict"] == CONTRADICTED
    assert the(up, barely, each=("metric",))["verdict"] == INCONCLUSIVE


def test_what_a_claim_does_not_speak_of_stands_beneath_and_counts_nothing():
    found = claim(
        "X1", [evidence(1, kind="meant"), evidence(-9, kind="not")], aside={"kind": ("not",)}
    )
    claims, by_scope, _ = judge(found)
    assert (claims["estimate"][0], claims["verdict"][0]) == (1, SUPPORTED)
    assert list(by_scope["counts"]) == ["yes", "no"]
    assert list(by_scope["verdict"]) == [SUPPORTED, CONTRADICTED]


def test_scopes_that_disagree_are_mixed():
    row = the(evidence(3, layer="l1"), evidence(-1, layer="l2"))
    assert (row["estimate"], row["verdict"]) == (1, MIXED)
    # So sure are neither of twenty: their own verdicts are controlled over the claim's scopes.
    others = [evidence(0, layer=str(i)) for i in range(20)]
    row = the(evidence(0.12, layer="l1"), evidence(-0.12, layer="l2"), *others)
    assert row["verdict"] == INCONCLUSIVE


@pytest.mark.parametrize(
    "estimate, verdict, close",
    [
        (0.125, SUPPORTED, "no"),
        (0.115, SUPPORTED, "yes"),
        (0.085, INCONCLUSIVE, "yes"),
        (0.075, INCONCLUSIVE, "no"),
        (-0.085, INCONCLUSIVE, "yes"),
        (-0.115, CONTRADICTED, "yes"),
    ],
)
def test_a_tenth_of_the_width_from_another_verdict_is_a_close_call(estimate, verdict, close):
    row = the(evidence(estimate))
    assert (row["verdict"], row["close_call"]) == (verdict, close)


@pytest.mark.parametrize(
    "middle, spread, verdict, close",
    [
        # -0.24 [-0.57, 0.09]: with the spread of five others, -0.22 [-0.41, -0.03].
        (-0.24, 0.27, INCONCLUSIVE, "yes"),
        (0.5, 0.08, SUPPORTED, "no"),
        (0.0, 0.27, INCONCLUSIVE, "no"),
    ],
)
def test_what_five_other_networks_would_often_decide_otherwise_is_a_close_call(
    middle, spread, verdict, close
):
    steps = np.array([-1, -0.5, 0, 0.5, 1])
    values = middle + spread * steps / steps.std(ddof=1)
    row = the(*(evidence(v, name) for v, name in zip(values, SEEDED, strict=True)))
    assert (row["verdict"], row["close_call"]) == (verdict, close)


def test_false_discoveries_are_controlled_over_the_claims():
    weak = claim("X1", [evidence(0.12)])
    assert judge(weak).claims["verdict"][0] == SUPPORTED
    empty = [claim(f"X{i}", [evidence(0)]) for i in range(2, 12)]
    table = judge(weak, *empty).claims
    assert set(table["verdict"]) == {INCONCLUSIVE}
    assert table["q"][0] == pytest.approx(11 * table["p"][0])
    sure = [claim(f"X{i}", [evidence(1)]) for i in range(2, 12)]
    table = judge(weak, *sure).claims
    assert set(table["verdict"]) == {SUPPORTED}
    assert table["border"][0] == 1


def test_the_forest_plot_has_a_row_a_claim_and_marks_what_lies_too_far():
    sure = claim("X1", [evidence(9), evidence(3, "other")])
    unknown = claim("X4", [evidence(np.nan)])
    verdicts = judge(sure, claim("X2", [evidence(-0.01)]), claim("X3", []), unknown)
    inputs = {"claims": verdicts.claims, "claims_by_model": verdicts.by_model}
    figure, table = draw_claims(inputs, {"study": "s"})
    (panel,) = figure.axes
    assert [label.get_text()[:2] for label in panel.get_yticklabels()] == ["X1", "X2", "X4"]
    assert "no interval" in panel.texts[-1].get_text()
    markers = [line.get_marker() for line in panel.lines]
    assert markers.count(">") == 1 and markers.count("s") == 1
    assert {"o", "^"} <= set(markers)
    assert "not run: X3" in figure.get_supxlabel()
    assert len(table) == len(verdicts.claims) + len(verdicts.by_model)
    draw_claims({name: rows[:0] for name, rows in inputs.items()}, {"study": "s"})


def test_the_forest_plot_shows_other_studies_beside():
    verdicts = judge(claim("X1", [evidence(9)]), claim("X2", [evidence(1)]))
    inputs = {"claims": verdicts.claims, "claims_by_model": verdicts.by_model}
    told = {"X1": {"verdict": CONTRADICTED, "margin": -3.0}, "X9": {"verdict": MIXED, "margin": 1}}
    untold = {"X1": {"verdict": INCONCLUSIVE, "margin": None}}
    cfg = {"study": "s", "beside": {"toy": untold, "pretrained": told}}
    figure, table = draw_claims(inputs, cfg)
    (panel,) = figure.axes
    (mark,) = [line for line in panel.lines if line.get_marker() == "D"]
    assert (*mark.get_xdata(), *mark.get_ydata(), mark.get_color()) == (-3, -0.3, "C3")
    labels = [text.get_text() for text in panel.get_legend().get_texts()]
    assert "study pretrained" in labels and "study toy" not in labels
    assert table["study"].dropna().tolist() == ["toy", "pretrained"]
