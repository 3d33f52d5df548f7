"""Measures of the studies: planted effects show, intervals hold the truth, one value a network."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from judged import alone
from scipy import stats

from codespectra.claims.catalogue import CLAIMS
from codespectra.claims.judges import (
    CONTRADICTED,
    INCONCLUSIVE,
    NOT_RUN,
    SUPPORTED,
    positive,
)
from codespectra.claims.measures import dropout
from codespectra.claims.measures.tables import Measure, Tables
from codespectra.claims.measures.theory import bounds_hold, information_kept, rate_explains_toys
from codespectra.claims.sweep_columns import with_networks
from codespectra.claims.verdicts import judge_claims
from codespectra.errors import UserError
from codespectra.statistics.evidence import (
    Evidence,
    mean_interval,
    mean_over_seeds,
    slope_over_networks,
)
from codespectra.theory.capacity import dropout_bounds, dropout_capacity
from codespectra.theory.retention import TRAINED_WITH, TRAINED_WITHOUT, UNTRAINED

DROPOUTS = (0.0, 0.2, 0.4)
SEEDS = (0, 1)
DEPTH = np.arange(1, 13)
LAYERS = [f"resnet.{i}.relu" if i <= 8 else f"relu:{i - 8}" for i in DEPTH]
LATE = DEPTH > 6
STIMULI = {"exponents": "test", "bootstrap": "test", "action": "dot"}

# The slope on dropout ----------------------------------------------------------------------------

RATES = np.repeat(DROPOUTS, 2)


def within(scope: str, values: np.ndarray, draws: np.ndarray | None = None) -> Evidence:
    return slope_over_networks(scope, "slope on a rate", RATES, values, draws)


def test_slope_and_p_agree_with_scipy() -> None:
    values = 0.7 * RATES + np.random.default_rng(0).standard_normal(6)
    found, expected = within("here", values), stats.linregress(RATES, values)
    assert found.estimate == pytest.approx(expected.slope)
    assert found.p == pytest.approx(expected.pvalue)
    reach = stats.t.ppf(0.975, 4) * expected.stderr
    assert (found.low, found.high) == pytest.approx(
        (expected.slope - reach, expected.slope + reach)
    )
    assert (found.scope, found.statistic, found.n) == ("here", "slope on a rate", 6)


def coverage(found: list[Evidence], truth: float) -> float:
    return float(np.mean([one.low <= truth <= one.high for one in found]))


def variances(found: list[Evidence]) -> np.ndarray:
    """Variance of the slope that each interval stands for."""
    reach = np.array([(one.high - one.low) / 2 for one in found])
    return (reach / stats.t.ppf(0.975, len(RATES) - 2)) ** 2


# 1,000 sweeps; a nominal coverage of 95 % lies within these with probability 0.999.
SWEEPS = 1000
FEWEST, MOST = (end / SWEEPS for end in stats.binom.interval(0.999, SWEEPS, 0.95))


@pytest.mark.parametrize("slope", [0.0, -3.0])
def test_interval_of_the_slope_holds_the_truth(slope: float) -> None:
    rng = np.random.default_rng(1)
    found = [within("", 2 + slope * RATES + rng.standard_normal(6)) for _ in range(SWEEPS)]
    assert FEWEST <= coverage(found, slope) <= MOST
    known = 1 / np.sum((RATES - RATES.mean()) ** 2)
    assert np.mean(variances(found)) == pytest.approx(known, rel=0.1)


def shared_noise(seeds: float, stimuli: float) -> tuple[list[Evidence], list[Evidence]]:
    """Intervals with and without draws of sweeps whose true slope is 0.

    Noise over networks is independent. The stimuli shift all networks alike, which no slope sees,
    and tilt them in proportion to dropout, which no residual sees.
    """
    rng = np.random.default_rng(2)
    with_draws, without = [], []
    for _ in range(SWEEPS):
        tilt, *tilts = stimuli * rng.standard_normal(101)
        values = seeds * rng.standard_normal(6) + tilt * RATES + 5 * rng.standard_normal()
        shifts = 5 * rng.standard_normal((100, 1))
        draws = values + np.array(tilts)[:, None] * RATES + shifts
        with_draws.append(within("", values, draws))
        without.append(within("", values))
    return with_draws, without


@pytest.mark.parametrize("seeds, stimuli", [(1, 0), (1, 3), (0.2, 3)])
def test_noise_that_networks_share_is_in_the_interval(seeds: float, stimuli: float) -> None:
    found, without = shared_noise(seeds, stimuli)
    assert coverage(found, 0) >= FEWEST
    known = stimuli**2 + seeds**2 / np.sum((RATES - RATES.mean()) ** 2)
    assert np.mean(variances(found)) == pytest.approx(known, rel=0.1)
    if stimuli:
        assert coverage(without, 0) < FEWEST


@pytest.mark.parametrize(
    "rates, values",
    [
        ([0.0, 0.4], [1.0, 2.0]),
        ([0.2, 0.2, 0.2], [1.0, 2.0, 3.0]),
        ([0.0, 0.2, 0.4], [1.0, np.nan, 3.0]),
    ],
    ids=["two networks", "one dropout", "a value missing"],
)
def test_slope_that_cannot_be_told_decides_nothing(rates: list, values: list) -> None:
    found = slope_over_networks("", "slope", np.array(rates), np.array(values))
    assert np.isnan([found.low, found.high]).all()
    assert found.p is None and found.n == len(rates)
    assert alone(positive, found) == INCONCLUSIVE


def test_a_missing_draw_makes_the_slopes_interval_unknown() -> None:
    draws = np.random.default_rng(4).standard_normal((20, 6))
    draws[3, 2] = np.nan
    found = within("", RATES, draws)
    assert found.estimate == pytest.approx(1)
    assert np.isnan([found.low, found.high]).all()


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_rounding_is_no_effect(seeds: int) -> None:
    rates = np.repeat(DROPOUTS, seeds)
    for value in np.random.default_rng(5).standard_normal(200):
        found = slope_over_networks("", "slope", rates, np.full(len(rates), value))
        assert alone(positive, found) == INCONCLUSIVE


# Sweeps ------------------------------------------------------------------------------------------


def networks(dropouts: tuple = DROPOUTS, seeds: tuple = SEEDS) -> dict[str, dict]:
    return {
        f"vae-dropout{rate:g}-seed{seed}{'' if statistics == 'as_trained' else '-recalibrated'}": {
            "dropout": rate,
            "seed": seed,
            "statistics": statistics,
        }
        for rate in dropouts
        for seed in seeds
        for statistics in ("as_trained", "recalibrated")
    }


def sweep(effect: float, recalibrated: float | None = None, *, seed: int = 0, noise=0.02) -> Tables:
    """A sweep in which dropout lowers exponent and action, and raises read-out and bend.

    Args:
        effect: change from dropout 0 to 1; negative is the mirror. Depth has its sign too.
        recalibrated: the same of recalibrated networks; `effect` if None.
        seed: of the noise.
        noise: deviation over networks, of whole networks and again of each layer.
    """
    rng, known = np.random.default_rng(seed), networks()
    exponents, bootstrap, action = [], [], []
    stimuli = 0.05 * rng.standard_normal((30, len(DEPTH)))
    for name, network in known.items():
        whole = recalibrated if network["statistics"] == "recalibrated" else None
        change = (effect if whole is None else whole) * network["dropout"]
        alpha, moved, relative, read, bend = noise * (
            rng.standard_normal((5, 1)) + rng.standard_normal((5, len(DEPTH)))
        )
        layers = pd.DataFrame({"model": name, "layer": LAYERS, "depth": DEPTH})
        alpha = alpha - 1 - 0.1 * DEPTH - change
        bend = bend - 0.5 - change
        exponents.append(layers.assign(alpha=alpha, curvature=bend))
        draws = layers.iloc[np.tile(np.arange(len(DEPTH)), len(stimuli))]
        number = np.repeat(np.arange(len(stimuli)), len(DEPTH))
        bootstrap.append(draws.assign(draw=number, alpha=(alpha + stimuli).ravel()))
        explained = read + 0.5 + np.sign(effect) * 0.03 * DEPTH + change
        action.append(
            layers.assign(
                action=10 ** (moved - 1 - 0.2 * DEPTH - change),
                relative_action=10 ** (relative - 0.1 * DEPTH - change),
                explained=explained,
            )
        )
    tables = {"exponents": exponents, "bootstrap": bootstrap, "action": action}
    return Tables(
        **{
            k: pd.concat(v, ignore_index=True).assign(stimuli=STIMULI[k]) for k, v in tables.items()
        },
        networks=known,
        trained=tuple(known),
        resamples=200,
        seed=0,
    )


SWEPT = {"A6": 4, "A7": 8, "A8": 4 + 12, "A10": 4, "C3": 10}


@pytest.mark.parametrize("effect, verdict", [(1, SUPPORTED), (-1, CONTRADICTED)])
def test_planted_effect_of_dropout_is_found(effect: int, verdict: str) -> None:
    table = judge_claims(CLAIMS, sweep(effect)).by_scope.query("id in @SWEPT")
    assert table["id"].value_counts().to_dict() == SWEPT
    assert (table["verdict"] == verdict).all()
    assert not table.duplicated(["id", "scope", "statistic"]).any()
    slopes = table[table["statistic"] == "slope on dropout"]
    assert (slopes["n"] == len(DROPOUTS) * len(SEEDS)).all()
    np.testing.assert_allclose(slopes["estimate"].abs(), 1, atol=0.3)
    assert (slopes["p"] < 0.05).all()


def test_recalibrated_networks_are_judged_apart() -> None:
    table = judge_claims(CLAIMS, sweep(1, recalibrated=-1)).by_scope
    for claim in ("A6", "A7", "A10"):
        rows = table[table["id"] == claim]
        control = rows["scope"].str.startswith("recalibrated, ")
        assert control.sum() * 2 == len(rows) == SWEPT[claim]
        assert rows.loc[~control, "scope"].str.startswith("as trained, ").all()
        assert (rows.loc[~control, "verdict"] == SUPPORTED).all()
        assert (rows.loc[control, "verdict"] == CONTRADICTED).all()
    ours = table[table["id"] == "C3"]
    assert ours["scope"].str.startswith("recalibrated, ").all()
    assert (ours["verdict"] == CONTRADICTED).all()


def test_without_recalibrated_networks_only_the_control_is_not_run() -> None:
    tables = sweep(1)
    plain = {k: v for k, v in tables.networks.items() if v["statistics"] == "as_trained"}
    table = judge_claims(CLAIMS, replace(tables, networks=plain)).claims.query("id in @SWEPT")
    assert set(table.loc[table["verdict"] == NOT_RUN, "id"]) == {"C3"}


MEASURES = {
    "exponent": dropout.exponent_on_dropout,
    "action": dropout.action_on_dropout,
    "bend": dropout.bend_on_dropout,
    "read-out": dropout.read_out_on_dropout_and_depth,
    "recalibrated": dropout.effects_when_recalibrated,
}


def numbers(found: list[Evidence]) -> np.ndarray:
    return np.array([[one.estimate, one.low, one.high, one.n, one.p] for one in found], float)


@pytest.mark.parametrize("name", MEASURES)
def test_order_of_rows_and_networks_changes_nothing(name: str) -> None:
    tables = sweep(0.5, noise=0.5)
    rows = {k: getattr(tables, k).sample(frac=1, random_state=0) for k in STIMULI}
    backwards = dict(reversed(tables.networks.items()))
    found = list(MEASURES[name](tables))
    again = list(MEASURES[name](replace(tables, **rows, networks=backwards)))
    assert [one.scope for one in found] == [one.scope for one in again]
    slopes = [i for i, one in enumerate(found) if one.statistic == "slope on dropout"]
    assert len(slopes) > 1
    np.testing.assert_allclose(numbers(found)[slopes], numbers(again)[slopes], rtol=1e-9)


def test_a_network_is_one_value_the_mean_over_its_layers() -> None:
    tables = sweep(0.5, noise=0.5)
    known = tables.exponents["model"].map(lambda name: tables.networks[name]["statistics"])
    encoder = tables.exponents[(known == "as_trained") & (tables.exponents["depth"] <= 8)]
    means = encoder.groupby("model")["alpha"].mean()
    rates = [tables.networks[name]["dropout"] for name in means.index]
    expected = stats.linregress(rates, means)
    (found,) = (
        one
        for one in dropout.exponent_on_dropout(replace(tables, bootstrap=still(tables.bootstrap)))
        if one.scope == "as trained, encoder, alpha"
    )
    assert found.estimate == pytest.approx(expected.slope)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.n == 6


def still(bootstrap: pd.DataFrame) -> pd.DataFrame:
    """Every draw the same."""
    return bootstrap.assign(alpha=1.0)


def test_stimuli_widen_the_interval_by_the_variance_of_their_slopes() -> None:
    tables, rng = sweep(0.5), np.random.default_rng(6)
    # The stimuli move each network by its own factor, so that the order of networks counts.
    factors = dict(zip(tables.networks, rng.standard_normal(12), strict=True))
    moves = rng.standard_normal(30)
    moved = moves[tables.bootstrap["draw"]] * tables.bootstrap["model"].map(factors)
    wide, narrow = (
        list(dropout.exponent_on_dropout(replace(tables, bootstrap=found)))
        for found in (tables.bootstrap.assign(alpha=moved), still(tables.bootstrap))
    )
    for one, other in zip(wide, narrow, strict=True):
        kind = "recalibrated" if one.scope.startswith("recalibrated") else "as_trained"
        names = [name for name, known in tables.networks.items() if known["statistics"] == kind]
        rates = [tables.networks[name]["dropout"] for name in names]
        slope = stats.linregress(rates, [factors[name] for name in names]).slope
        (added,) = variances([one]) - variances([other])
        assert added == pytest.approx(slope**2 * np.var(moves, ddof=1))


def test_bend_is_that_of_the_later_half_alone() -> None:
    tables = sweep(1)
    early = tables.exponents["depth"] <= 6
    rates = tables.exponents["model"].map(lambda name: tables.networks[name]["dropout"])
    mirrored = tables.exponents["curvature"].where(~early, 9 * rates)
    changed = replace(tables, exponents=tables.exponents.assign(curvature=mirrored))
    assert list(dropout.bend_on_dropout(changed)) == list(dropout.bend_on_dropout(tables))
    swapped = tables.exponents["curvature"].where(early, 9 * rates)
    changed = replace(tables, exponents=tables.exponents.assign(curvature=swapped))
    # Either way it rises by 9, downward it falls by 9.
    slopes = [one.estimate for one in dropout.bend_on_dropout(changed)]
    assert slopes == pytest.approx([9, -9, 9, -9])


# Layers that a network lacks ---------------------------------------------------------------------


def without(tables: Tables, layer: str) -> Tables:
    """The tables as if no network had that layer."""
    found = {name: getattr(tables, name) for name in STIMULI}
    return replace(tables, **{k: table[table["layer"] != layer] for k, table in found.items()})


def blank(table: pd.DataFrame, where: str, column: str, value: float = np.nan) -> pd.DataFrame:
    rows = table.query(where).index
    assert len(rows)
    return table.assign(**{column: table[column].where(~table.index.isin(rows), value)})


ONE = "model == 'vae-dropout0.2-seed1' and layer == 'resnet.3.relu'"


@pytest.mark.parametrize("lacks", ["exponent", "draw", "both"])
def test_layer_without_an_exponent_in_one_network_is_left_out_of_all(lacks: str) -> None:
    tables = sweep(1)
    # What only this layer adds to the draws must go with it.
    rates = tables.bootstrap["model"].map(lambda name: tables.networks[name]["dropout"])
    tilts = np.random.default_rng(7).standard_normal(30)[tables.bootstrap["draw"]]
    layer = tables.bootstrap["layer"] == "resnet.3.relu"
    noisy = tables.bootstrap["alpha"] + np.where(layer, 50 * tilts * rates, 0)
    tables = replace(tables, bootstrap=tables.bootstrap.assign(alpha=noisy))
    holes = {}
    if lacks != "draw":
        holes["exponents"] = blank(tables.exponents, ONE, "alpha")
    if lacks != "exponent":
        one_draw = f"{ONE} and draw == 5" if lacks == "draw" else ONE
        holes["bootstrap"] = blank(tables.bootstrap, one_draw, "alpha")
    scope = "as trained, encoder, alpha"
    (found,) = (
        one for one in dropout.exponent_on_dropout(replace(tables, **holes)) if one.scope == scope
    )
    (expected,) = (
        one
        for one in dropout.exponent_on_dropout(without(tables, "resnet.3.relu"))
        if one.scope == scope
    )
    assert found.estimate == pytest.approx(expected.estimate)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.n == 6


@pytest.mark.parametrize("gone", [0.0, np.nan])
def test_layer_without_action_is_left_out_of_all(gone: float) -> None:
    tables = sweep(1)
    holes = blank(tables.action, ONE, "action", gone)
    found = list(dropout.action_on_dropout(replace(tables, action=holes)))
    left = list(dropout.action_on_dropout(without(tables, "resnet.3.relu")))
    whole = list(dropout.action_on_dropout(tables))
    assert np.isfinite(numbers(found)).all()
    for one, other, full in zip(found, left, whole, strict=True):
        # Only that part of the as-trained networks, and only that column.
        affected = one.scope == "as trained, encoder, log10 action"
        np.testing.assert_allclose(numbers([one]), numbers([other if affected else full]))


def test_no_layer_that_all_networks_have_leaves_it_open() -> None:
    tables = sweep(1)
    late = tables.exponents["depth"].where(LATE[tables.exponents["depth"] - 1]).notna()
    bends = tables.exponents["curvature"].where(~late)
    gone = replace(tables, exponents=tables.exponents.assign(curvature=bends, alpha=np.nan))
    rows = judge_claims(CLAIMS, gone).by_scope.query("id in ('A6', 'A10')")
    assert list(rows["verdict"]) == [INCONCLUSIVE] * 8


# What a network is -------------------------------------------------------------------------------


def test_networks_columns_and_parts() -> None:
    known = networks()
    rows = [(name, layer) for name in known for layer in ("resnet.1.relu", "relu:1", "myresnet.1")]
    table = pd.DataFrame(rows, columns=["model", "layer"])
    found = with_networks(table, known)
    assert list(table.columns) == ["model", "layer"]
    assert list(found["part"]) == ["encoder", "FC and decoder", "FC and decoder"] * len(known)
    for row in found.itertuples():
        assert {k: getattr(row, k) for k in ("dropout", "seed", "statistics")} == known[row.model]


def test_unknown_network_is_named_with_the_nearest() -> None:
    table = pd.DataFrame(
        {"model": ["vae-dropout0.2-seed1", "vae-dropout0.2-sed1"], "layer": "relu"}
    )
    with pytest.raises(UserError, match=r"'vae-dropout0\.2-sed1'.*'vae-dropout0\.2-seed1'"):
        with_networks(table, networks())


# Which tables a target has -----------------------------------------------------------------------


def flat(table: pd.DataFrame) -> pd.Series:
    """Exponents that lie above -1 in every layer."""
    return -0.2 - 0.01 * table["depth"]


def with_classifier(tables: Tables) -> Tables:
    """A classifier besides the sweep, exponents from -1.2 on, while the sweep's lie above -1."""
    keep = {"stimuli": "test", "depth": DEPTH, "layer": [f"relu{i}" for i in DEPTH]}
    own = pd.DataFrame({"model": "classifier"} | keep)
    draws = np.random.default_rng(8).normal(-1.2 - DEPTH / 10, 0.01, (30, len(DEPTH)))
    own_action = own.assign(stimuli="dot", action=DEPTH, relative_action=DEPTH, explained=DEPTH)
    return replace(
        tables,
        trained=("classifier", *tables.trained),
        exponents=pd.concat(
            [
                tables.exponents.assign(alpha=flat(tables.exponents)),
                own.assign(alpha=-1.2 - DEPTH / 10),
            ]
        ),
        bootstrap=pd.concat(
            [tables.bootstrap.assign(alpha=flat(tables.bootstrap))]
            + [own.assign(draw=i, alpha=alpha) for i, alpha in enumerate(draws)]
        ),
        action=pd.concat([tables.action, own_action]),
    )


def test_largest_exponent_of_classifiers_leaves_the_sweep_out() -> None:
    table = judge_claims(CLAIMS, with_classifier(sweep(1))).by_scope
    (row,) = table[table["id"] == "B20"].itertuples()
    assert (row.scope, row.verdict) == ("classifier on test", SUPPORTED)
    assert table[table["id"] == "A4"]["scope"].nunique() == 1 + len(networks())


def test_slopes_leave_other_networks_out() -> None:
    tables = sweep(1)
    alone, among = (
        judge_claims(CLAIMS, one).by_scope.query("id == 'A7'")
        for one in (tables, with_classifier(tables))
    )
    pd.testing.assert_frame_equal(
        alone.reset_index(drop=True), among.reset_index(drop=True), check_dtype=False
    )


def test_coding_table_lists_only_what_it_measured() -> None:
    table = judge_claims(CLAIMS, sweep(1), measured_only=True).claims
    # No classifier is in it, so B20 has nothing to look at.
    assert set(table["id"]) == {"A4", "A5", "A9"} | set(SWEPT)
    assert (table["verdict"] != NOT_RUN).all()


def test_main_table_says_how_to_get_the_others() -> None:
    tables = sweep(1)
    table = judge_claims(CLAIMS, replace(tables, networks=None)).claims.set_index("id")
    targets = dict.fromkeys(SWEPT, "coding") | dict.fromkeys(("A1", "A2", "A3"), "theory")
    for claim, target in targets.items():
        assert table.loc[claim, "verdict"] == NOT_RUN
        assert f"`snakemake {target}`" in table.loc[claim, "reason"]


def test_theory_tables_alone_are_enough_for_their_claims() -> None:
    tables = Tables(
        resamples=100,
        seed=0,
        superposition_fit=toys(0.9),
        information=bits(1),
        capacity=bounds([1.0]),
    )
    table = judge_claims(CLAIMS, tables, measured_only=True).by_scope
    assert dict(table["id"].value_counts()) == {"A1": 2, "A2": 4, "A3": 2}
    assert (table["verdict"] == SUPPORTED).all()


# Means over seeds --------------------------------------------------------------------------------


def test_mean_interval_agrees_with_scipy() -> None:
    values = np.random.default_rng(9).normal(3, 2, 7)
    found = mean_interval(np.append(values, [np.nan, np.inf]))
    low, high = stats.t.interval(0.95, 6, loc=values.mean(), scale=stats.sem(values))
    assert found == pytest.approx((values.mean(), low, high))


@pytest.mark.parametrize(
    "values, mean, n", [([1.5], 1.5, 1), ([np.nan, 1.5], 1.5, 1), ([np.nan], np.nan, 0)]
)
def test_one_seed_has_no_interval(values: list[float], mean: float, n: int) -> None:
    found = mean_over_seeds("here", "statistic", np.array(values))
    assert found.estimate == pytest.approx(mean, nan_ok=True)
    assert np.isnan([found.low, found.high]).all()
    assert (found.scope, found.n) == ("here", n)
    assert alone(positive, found) == INCONCLUSIVE


# Theory ------------------------------------------------------------------------------------------


def toys(first: float, second: float | None = None) -> pd.DataFrame:
    """Shares of variance explained at two entropies, three seeds each."""
    shares = {8: first, 16: first if second is None else second}
    jitter = (-0.02, 0, 0.02)
    return pd.DataFrame(
        [
            {"seed": seed, "entropy_bits": entropy, "pearson": 0.99, "explained": share + add}
            for entropy, share in shares.items()
            for seed, add in enumerate(jitter)
        ]
    )


def judged(measure: Measure, **tables: pd.DataFrame) -> list[str]:
    found = measure(Tables(resamples=100, seed=0, **tables))
    return [alone(positive, one) for one in found]


def test_toys_are_judged_by_the_share_that_the_rate_explains() -> None:
    verdicts = judged(rate_explains_toys, superposition_fit=toys(0.9, -0.4))
    assert verdicts == [SUPPORTED, CONTRADICTED]
    assert judged(rate_explains_toys, superposition_fit=toys(0.5)) == [INCONCLUSIVE] * 2


def bits(sign: int) -> pd.DataFrame:
    """By layer: networks trained with dropout keep bits and others lose them (1), or not (-1)."""
    layer = np.arange(1, 7)
    lost, kept = 4 * np.exp(-0.5 * layer), 0.5 * np.exp(0.2 * layer)
    rows = []
    for seed in range(3):
        jitter = 1 + 0.02 * seed
        for kind in (TRAINED_WITH, TRAINED_WITHOUT, UNTRAINED):
            good = (kind == TRAINED_WITH) == (sign > 0)
            found = jitter ** (layer if kind != TRAINED_WITH else 1) * (kept if good else lost)
            rows.append(pd.DataFrame({"kind": kind, "seed": seed, "layer": layer, "bits": found}))
    return pd.concat(rows, ignore_index=True).assign(estimator="MINE")


@pytest.mark.parametrize("sign, verdict", [(1, SUPPORTED), (-1, CONTRADICTED)])
def test_planted_information_is_found(sign: int, verdict: str) -> None:
    table = bits(sign).sample(frac=1, random_state=0)
    assert judged(information_kept, information=table) == [verdict] * 4


def test_diverged_estimates_leave_the_other_seeds() -> None:
    last = "seed == 0 and kind == @UNTRAINED and layer == 6"
    table = bits(1)
    table.loc[table.query(last).index, "bits"] = np.nan
    found = list(information_kept(Tables(resamples=100, seed=0, information=table)))
    assert [one.n for one in found] == [3, 2, 3, 3]
    assert [alone(positive, one) for one in found] == [SUPPORTED] * 4


def bounds(exact: list[float], gap: float = 1e-9) -> pd.DataFrame:
    """Capacities between the bounds 0.5 and 2; the paper's lower bound is 0."""
    edges = {"low_bits": 0.5, "high_bits": 2.0, "paper_low_bits": 0.0}
    return pd.DataFrame({"exact_bits": exact, "gap": gap}).assign(**edges)


@pytest.mark.parametrize(
    "exact, gap, verdicts",
    [
        ([1.0, 1.5], 1e-9, [SUPPORTED, SUPPORTED]),
        ([1.0, 0.4], 1e-9, [CONTRADICTED, SUPPORTED]),
        ([1.0, -0.1], 1e-9, [CONTRADICTED, CONTRADICTED]),
        ([2.1, 1.0], 1e-9, [CONTRADICTED, CONTRADICTED]),
        ([1.0, 0.4], 0.2, [INCONCLUSIVE, SUPPORTED]),
        ([1.9, 1.0], 0.2, [INCONCLUSIVE, INCONCLUSIVE]),
        ([2.1, 1.0], 0.2, [CONTRADICTED, CONTRADICTED]),
    ],
)
def test_bounds_hold_where_they_do(exact: list[float], gap: float, verdicts: list[str]) -> None:
    assert judged(bounds_hold, capacity=bounds(exact, gap)) == verdicts


def test_bounds_interval_holds_what_the_gap_allows() -> None:
    rng = np.random.default_rng(10)
    for _ in range(50):
        true = rng.uniform(0, 2.5, 4)
        gap = rng.uniform(0, 0.5, 4)
        table = bounds(list(true - gap * rng.uniform(0, 1, 4)), gap)
        distance = np.minimum(true - 0.5, 2 - true).min()
        found, _ = bounds_hold(Tables(resamples=100, seed=0, capacity=table))
        assert found.low - 1e-5 <= distance <= found.high + 1e-5


def test_a_bound_that_is_met_exactly_is_not_broken_by_rounding() -> None:
    """At much dropout the best code never sends symbol 0, and the capacity is the lower bound."""
    rows = []
    for dropped, capacity in ((0.0, 3), (0.6, 5), (0.8, 4), (0.8, 6)):
        exact, bound = (
            dropout_capacity(capacity, dropped),
            dropout_bounds(capacity, dropped),
        )
        rows.append(
            {
                "exact_bits": exact.bits,
                "gap": exact.gap,
                "low_bits": bound.low,
                "high_bits": bound.high,
                "paper_low_bits": bound.paper_low,
            }
        )
    assert judged(bounds_hold, capacity=pd.DataFrame(rows)) == [SUPPORTED] * 2


def test_every_claim_of_the_sweep_and_theory_is_tested_here() -> None:
    needs = ("coding", "superposition", "information", "capacity")
    assert {claim.id for claim in CLAIMS if claim.needs in needs} == {*SWEPT, "A1", "A2", "A3"}
