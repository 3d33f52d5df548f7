"""Claims A13, B22, C8, C9: planted relations show in either direction, few rows decide nothing."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from codespectra.claims.catalogue import CLAIMS
from codespectra.claims.judges import CONTRADICTED, INCONCLUSIVE, SUPPORTED
from codespectra.claims.measures.tables import Tables
from codespectra.claims.verdicts import judge_claims

GRID = [("sae", size, l1) for size in (8, 16) for l1 in (0.1, 0.3, 1.0)]
SIZED = [(method, size, np.nan) for method in ("kmeans", "nmf") for size in (8, 16)]
OTHERS = [("neurons", np.nan, np.nan), *SIZED]


def planted(sign: int, dictionaries: list = GRID + OTHERS) -> pd.DataFrame:
    """MMCS, and an index that goes with it (1) or against it (-1); K-Means best (1) or worst."""
    rng, rows = np.random.default_rng(0), []
    for atoms in ("rectified", "signed"):
        for seed in range(4):
            for method, size, l1 in dictionaries:
                best = 0.3 * sign if method == "kmeans" else 0
                mmcs = 0.5 + best + rng.uniform(-0.1, 0.1)
                rows.append(
                    {"atoms": atoms, "density": 0.1, "noise": 0.0, "seed": seed, "method": method}
                    | {"size": size, "l1": l1, "mmcs": mmcs, "mmcs_found": -mmcs}
                    | {"ii": sign * mmcs}
                )
    return pd.DataFrame(rows)


def hardness(codes: dict[str, float]) -> pd.DataFrame:
    """Bits right beyond chance in each code, with a little spread over seeds."""
    return pd.DataFrame(
        [
            {"p": p, "seed": seed, "code": code, "read_out": read_out, "chance": 0.52}
            | {"accuracy": 0.52 + beyond + 0.002 * seed}
            for p in (59, 107)
            for seed in range(3)
            for code, beyond in codes.items()
            for read_out in ("linear", "nonlinear")
        ]
    )


def verdicts(**tables: Any) -> pd.DataFrame:
    return judge_claims(CLAIMS, Tables(resamples=100, seed=0, **tables), measured_only=True).claims


@pytest.mark.parametrize(("sign", "verdict"), [(1, SUPPORTED), (-1, CONTRADICTED)])
def test_a_planted_relation_is_found(sign, verdict):
    found = verdicts(planted=planted(sign)).set_index("id")
    assert dict(found["verdict"]) == dict.fromkeys(("B22", "C8", "C9"), verdict)
    # Of MMCS the other way around, which the sentence doesn't speak of, the sign is the opposite.
    assert found.loc["C8", "estimate"] == pytest.approx(sign - 0.5)
    assert found.loc["C8", "scopes"] == 2


def test_a_grid_is_of_several_sizes_and_penalties_and_five_dictionaries():
    assert "B22" not in set(verdicts(planted=planted(1, [*GRID[:3], *OTHERS]))["id"])
    few = verdicts(planted=planted(1, [*GRID[:2], *GRID[3:5], *OTHERS])).set_index("id")
    assert few.loc["B22", "verdict"] == INCONCLUSIVE
    assert few.loc["C8", "verdict"] == SUPPORTED


def test_the_best_autoencoder_is_that_of_the_best_penalty_over_seeds():
    table = planted(1)
    table.loc[(table["method"] == "sae") & (table["l1"] == 0.3), "mmcs"] = 0.95
    found = verdicts(planted=table).set_index("id")
    assert found.loc["C9", "verdict"] == CONTRADICTED
    kmeans = table.loc[table["method"] == "kmeans", "mmcs"].mean()
    assert found.loc["C9", "estimate"] == pytest.approx(kmeans - 0.95)


@pytest.mark.parametrize(
    ("beyond", "verdict"), [(0.0, SUPPORTED), (-0.3, SUPPORTED), (0.2, CONTRADICTED)]
)
def test_read_outs_of_the_optimal_code_count_alone(beyond, verdict):
    codes = {"last hidden layer": 0.45, "output logits": 0.3, "output bits": beyond}
    (row,) = verdicts(hardness=hardness(codes)).itertuples()
    assert (row.id, row.verdict, row.parts) == ("A13", verdict, 2)


def test_every_claim_of_planted_truth_is_tested_here():
    ours = {claim.id for claim in CLAIMS if claim.needs in ("planted", "hardness")}
    assert ours == {"A13", "B22", "C8", "C9"}
