"""R(S) on toy models, theorem 3's bounds, information kept, g^x mod p (A and its supplement)."""

from collections.abc import Iterator

import numpy as np

from codespectra.claims.measures.tables import Tables
from codespectra.claims.scope import Scope
from codespectra.statistics.evidence import Evidence, mean_over_seeds
from codespectra.theory import retention

# Bits. A bound may be met exactly, and is at much dropout; rounding and `gap` don't break it then.
TOLERANCE = 1e-6
# Of bits: what read-outs may find beyond chance and still be said to find nothing.
NOTHING = 0.05


def rate_explains_toys(tables: Tables) -> Iterator[Evidence]:
    """Share of the variance of dimensions per feature that R(S) explains, less a half.

    A curve that merely falls as R(S) does correlates with it at .95 and more; the share of the
    variance asks for the values.
    """
    for bits, toys in tables.superposition_fit.groupby("entropy_bits"):
        statistic = "share of variance explained by R(S), less 0.5"
        shares = toys["explained"].to_numpy() - 0.5
        scope = Scope(what="toy models", entropy=f"H = {bits} bits")
        yield mean_over_seeds(scope, statistic, shares)


def information_kept(tables: Tables) -> Iterator[Evidence]:
    """Bits kept beyond other networks at the last layer, and the untrained networks' decay.

    By each estimator; those of InfoNCE end at its ceiling.
    """
    for estimator, table in tables.information.groupby("estimator", sort=False):
        for baseline in (retention.TRAINED_WITHOUT, retention.UNTRAINED):
            against = f"trained with dropout against {baseline.removeprefix('trained ')}"
            scope = Scope(networks=against, at="last layer", estimator=estimator)
            values = retention.kept_beyond(table, baseline)
            yield mean_over_seeds(scope, "difference in bits", values)
        for kind in (retention.UNTRAINED, retention.TRAINED_WITHOUT):
            rates = -retention.decay_rates(table, kind)
            scope = Scope(networks=kind, of="decay", estimator=estimator)
            yield mean_over_seeds(scope, "minus the slope of ln(bits) on layers", rates)


def bounds_hold(tables: Tables) -> Iterator[Evidence]:
    """Least distance of the exact capacity from theorem 3's bounds, over dropouts and capacities.

    The interval is Blahut-Arimoto's own: the capacity lies within `gap` above the value found.
    `TOLERANCE` is added, since a bound that is met holds.
    """
    table = tables.capacity
    exact, gap = table["exact_bits"], table["gap"]
    for stated, low in (("as proved", "low_bits"), ("as stated", "paper_low_bits")):
        above, below = exact - table[low], table["high_bits"] - exact
        distance = np.minimum(above, below)
        at = int(distance.argmin())
        yield Evidence(
            Scope(bound=f"lower bound {stated}"),
            f"least distance in bits from a bound, plus {TOLERANCE:g}",
            float(distance[at]) + TOLERANCE,
            float(np.minimum(above, below - gap).min()) + TOLERANCE,
            float(np.minimum(above + gap, below).min()) + TOLERANCE,
            len(table),
        )


def read_outs_of_exponentials(tables: Tables) -> Iterator[Evidence]:
    """Bits of x right beyond chance, less `NOTHING`, of each prime, code and read-out.

    One-sided: a read-out that knows nothing may be below chance, the best constant answer.
    """
    for (p, code, read_out), rows in tables.hardness.groupby(["p", "code", "read_out"], sort=False):
        scope = Scope(read_out=f"{read_out} read-out", code=code, prime=f"p = {p}")
        beyond = (rows["accuracy"] - rows["chance"]).to_numpy() - NOTHING
        yield mean_over_seeds(scope, f"share of bits right beyond chance, less {NOTHING:g}", beyond)
