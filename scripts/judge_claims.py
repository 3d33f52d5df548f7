"""Rule judge_claims: a verdict on every claim, from the tables alone."""

import pandas as pd

from codespectra import job, store
from codespectra.claims import judge_claims
from codespectra.measures.tables import Tables

log = job.start(snakemake.log[0])
cfg = snakemake.params.cfg


def read(name: str) -> pd.DataFrame | None:
    """Tables of all runs, one below the other; None if this target has none."""
    paths = snakemake.input.get(name)
    return pd.concat(map(pd.read_csv, paths), ignore_index=True) if paths else None


measured = (
    *("exponents", "bootstrap", "action", "scores"),
    *("superposition", "information", "capacity"),
)
tables = Tables(
    **{name: read(name) for name in measured},
    networks=cfg["networks"],
    trained=tuple(cfg["trained"]),
    analysis_set=cfg["analysis_set"],
    draws=cfg["bootstrap"],
    seed=cfg["seed"],
)
table = judge_claims(tables, measured_only=cfg["measured_only"])
log.info("verdicts: %s", table["verdict"].value_counts().to_dict())
store.write_csv(snakemake.output.claims, table)
