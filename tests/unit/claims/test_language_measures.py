"""Claims A11, A12, C13, C14, and their figures: planted trends show, few layers decide nothing."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from scipy import stats

from codespectra.claims.catalogue import CLAIMS
from codespectra.claims.judges import CONTRADICTED, INCONCLUSIVE, SUPPORTED
from codespectra.claims.measures.language import (
    ranks_as_simulation,
    scores_over_depth,
    smallest_exponent,
)
from codespectra.claims.measures.tables import Tables
from codespectra.claims.verdicts import judge_claims
from codespectra.figures import style
from codespectra.figures.detection import draw_detection
from codespectra.figures.explanations import draw_explanations
from codespectra.statistics.intervals import mean_interval

MODELS = {"gpt": "train", "gpt_untrained": "random"}


def tables(**known: pd.DataFrame) -> Tables:
    return Tables(resamples=400, seed=0, trained=("gpt",), **known)


def verdicts(claim: str, found: Tables) -> list[str]:
    (one,) = (one for one in CLAIMS if one.id == claim)
    return judge_claims([one], found).by_scope["verdict"].tolist()


# Exponents ---------------------------------------------------------------------------------------


def exponents(alpha: dict[str, list[float]], spread: float = 0.01) -> Tables:
    """Of both models, by part; the untrained one's are steep."""
    rows, draws = [], []
    rng = np.random.default_rng(0)
    for model, weights in MODELS.items():
        for part, values in alpha.items():
            for depth, value in enumerate(values, start=1):
                # The same layers stand in both parts.
                where = {
                    "model": model,
                    "weights": weights,
                    "stimuli": "text",
                    "part": part,
                    "layer": f"h.{depth}",
                    "depth": depth,
                }
                law = value if model == "gpt" else -3.0
                rows.append(where | {"alpha": law})
                noise = law + spread * rng.standard_normal(100)
                draws += [where | {"draw": i, "alpha": one} for i, one in enumerate(noise)]
    return tables(language_exponents=pd.DataFrame(rows), language_bootstrap=pd.DataFrame(draws))


def test_the_smallest_exponent_of_each_part_of_trained_models():
    found = exponents({"mlp": [-0.9, -1.4, -0.8], "residual": [-0.7, -0.6, -0.75]})
    mlp, residual = smallest_exponent(found)
    assert (mlp.scope, residual.scope) == ("gpt on text, mlp", "gpt on text, residual")
    assert mlp.estimate == pytest.approx(-0.4)
    assert residual.estimate == pytest.approx(0.25)
    # One layer is the smallest in every draw, so that its spread is the interval's.
    own = found.language_bootstrap.query("model == 'gpt' and part == 'mlp' and depth == 2")
    assert mlp.high - mlp.low == pytest.approx(2 * 1.95996 * own["alpha"].std(), rel=1e-4)
    assert (mlp.n, residual.n) == (3, 3)
    assert verdicts("A11", found) == [CONTRADICTED, SUPPORTED]


def test_a_layer_without_exponent_leaves_the_claim_open():
    assert verdicts("A11", exponents({"mlp": [-0.9, np.nan, -0.8]})) == [INCONCLUSIVE]


# Scores over depth -------------------------------------------------------------------------------


def units(means: dict[str, np.ndarray], count=30, noise=0.02, seed=0) -> pd.DataFrame:
    """Scores by kind with these means over depth, of both models and one explainer."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        [
            {
                "model": model,
                "weights": weights,
                "stimuli": "text",
                "part": "mlp",
                "layer": f"h.{depth}",
                "depth": depth,
                "kind": kind,
                "unit": unit,
                "explainer": "lookup",
                "score": mean + noise * rng.standard_normal(),
                "n_tokens": 640,
                "n_records": 10,
                "top_only": False,
            }
            for model, weights in MODELS.items()
            for kind, by_depth in means.items()
            for depth, mean in enumerate(by_depth, start=1)
            for unit in range(count)
        ]
    )


FALLING = np.linspace(0.8, 0.5, 8)
KINDS = ("neuron", "projection", "low_action")


def test_opposite_trends_are_found_and_parallel_ones_contradict():
    means = dict(zip(KINDS, (FALLING, FALLING[::-1], FALLING), strict=True))
    scored = tables(explanations=units(means))
    opposite, parallel = scores_over_depth(scored)
    assert opposite.scope == "gpt on text, lookup, neuron and projection"
    assert (opposite.estimate, parallel.estimate) == (pytest.approx(-1), pytest.approx(1))
    assert (opposite.n, parallel.n) == (8, 8)
    assert opposite.p < 0.001
    assert verdicts("A12", scored) == [SUPPORTED, CONTRADICTED]


def test_p_is_the_share_of_orders_that_are_as_strong():
    neurons = np.array([0.8, 0.6, 0.7, 0.5, 0.4, 0.3])
    others = np.array([0.1, 0.2, 0.4, 0.3, 0.5, 0.45])
    scored = units({"neuron": neurons, "projection": others}, noise=0)
    (found, _) = scores_over_depth(tables(explanations=scored))
    rho = [stats.spearmanr(neurons, order).statistic for order in permutations(others)]
    assert found.estimate == pytest.approx(stats.spearmanr(neurons, others).statistic)
    assert found.p == pytest.approx(np.mean(np.abs(rho) >= abs(found.estimate) - 1e-9))


def test_unrelated_scores_are_rarely_judged():
    """Of 60 pairs of random curves over six layers, a nominal 5 % may be judged; 15 % at most."""
    judged = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        means = {kind: 0.6 + 0.1 * rng.standard_normal(6) for kind in KINDS[:2]}
        (found, _) = scores_over_depth(tables(explanations=units(means, count=10, seed=seed)))
        judged += found.high < 0 or found.low > 0
    assert judged <= 9


def test_few_layers_or_no_scores_decide_nothing():
    few = tables(explanations=units(dict.fromkeys(KINDS, FALLING[:5])))
    assert [one.n for one in scores_over_depth(few)] == [5, 5]
    assert verdicts("A12", few) == [INCONCLUSIVE, INCONCLUSIVE]
    scored = units(dict.fromkeys(KINDS, FALLING))
    failed = scored["kind"].eq("projection") & (scored["depth"] > 3)
    scored.loc[failed, "score"] = np.nan
    projection, low_action = scores_over_depth(tables(explanations=scored))
    assert (projection.n, low_action.n) == (3, 8)


# Detection and fuzzing ---------------------------------------------------------------------------


def judged(scored: pd.DataFrame) -> pd.DataFrame:
    """Detection goes with the simulation's score, fuzzing against it in the first layer alone."""
    rng = np.random.default_rng(1)
    scored = scored.assign(detection=scored["score"] + 0.005 * rng.standard_normal(len(scored)))
    scored["fuzzing"] = np.where(scored["depth"] == 1, -scored["score"], rng.random(len(scored)))
    counts = {"contexts": 3, "unparsed": 1}
    return scored.assign(
        **{f"{name}_{what}": n for name in ("detection", "fuzzing") for what, n in counts.items()}
    )


def test_ranks_agree_within_each_layer_and_kind_of_trained_models():
    found = tables(explanations=judged(units(dict.fromkeys(KINDS, FALLING[:3]))))
    scopes = list(ranks_as_simulation("detection")(found))
    assert len(scopes) == 3 * 3 and {one.n for one in scopes} == {30}
    assert {one.scope.network for one in scopes} == {"gpt"}
    for one in scopes:
        gpt = found.explanations[found.explanations["model"] == "gpt"]
        own = gpt[
            (gpt[["layer", "kind"]] == [one.scope.facets[k] for k in ("layer", "kind")]).all(1)
        ]
        rho = stats.spearmanr(own["detection"], own["score"]).statistic
        assert one.estimate == pytest.approx(rho) and one.low > 0
    assert verdicts("C13", found) == [SUPPORTED] * 9
    against = [one.high < 0 for one in ranks_as_simulation("fuzzing")(found)]
    assert [*np.flatnonzero(against)] == [0, 3, 6]


# The figures -------------------------------------------------------------------------------------


def test_agreement_and_accuracy_are_drawn_by_layer():
    scored = judged(units(dict.fromkeys(KINDS, FALLING[:3])))
    cfg = {"study": "a study", "resamples": 100, "seed": 0}
    style.apply()
    figure, table = draw_detection({"explanations": scored}, cfg)
    assert len(table) == 2 * 3 * 3 * 2 * 2
    evidence = next(ranks_as_simulation("detection")(tables(explanations=scored)))
    first = table.query("score == 'detection' and quantity == 'ρ'").iloc[0]
    assert (first["mean"], first["n"]) == (pytest.approx(evidence.estimate), 30)
    own = scored.query("model == 'gpt' and kind == 'neuron' and depth == 1")["fuzzing"]
    first = table.query("score == 'fuzzing' and quantity == 'accuracy'").iloc[0]
    assert (first["mean"], first["low"], first["high"]) == pytest.approx(mean_interval(own))
    assert [panel.get_title() for panel in figure.axes[:4]] == [
        "detection: accuracy",
        "fuzzing: accuracy",
        "detection: ρ",
        "fuzzing: ρ",
    ]
    credit = figure.get_supxlabel().replace("\n", " ")
    assert "detection 1,620 (540), fuzzing 1,620 (540)" in credit
    plt.close(figure)


def test_the_table_and_the_figure_show_means_over_units():
    scored = units(dict.fromkeys(KINDS, FALLING[:3]))
    scored.loc[0, "score"] = np.nan
    published = pd.DataFrame(
        {"depth": [1, 1, 2, 2, 4, 4], "score": [0.1, 0.2, 0.3, 0.4, 0.1, np.nan]}
    )
    style.apply()
    inputs = {"explanations": scored, "published": published}
    figure, table = draw_explanations(inputs, {"study": "a study"})
    assert len(table) == 2 * 3 * 3 + 3
    first = table.iloc[0]
    own = scored.query("model == 'gpt' and kind == 'neuron' and depth == 1")["score"]
    assert first["n"] == 29
    assert (first["mean"], first["low"], first["high"]) == pytest.approx(mean_interval(own))
    assert table.query("model == 'published'")["n"].tolist() == [2, 2, 1]

    panels = [panel for panel in figure.axes if panel.get_visible()]
    titles = ["gpt, lookup", "gpt_untrained, lookup", "published explanations"]
    assert [panel.get_title() for panel in panels] == titles
    for panel, (_, rows) in zip(panels, table.groupby("model", sort=False), strict=True):
        drawn = [bars.lines[0].get_ydata() for bars in panel.containers]
        np.testing.assert_array_equal(np.concatenate(drawn), rows["mean"])
    (published_bars,) = panels[2].containers
    relative_depth = published_bars.lines[0].get_xdata(orig=False)
    np.testing.assert_allclose(relative_depth, [0.25, 0.5, 1])
    credit = figure.get_supxlabel().replace("\n", " ")
    assert "a study" in credit
    assert "n = 29–30 units a layer and kind, 1–2 published" in credit
    assert "weights: gpt train, gpt_untrained random" in credit
    plt.close(figure)
