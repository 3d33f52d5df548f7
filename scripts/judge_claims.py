"""Rule judge_claims: a verdict on every claim, from the tables alone."""

import pandas as pd

from codespectra import job, store
from codespectra.claims import Tables, judge_claims

log = job.start(snakemake.log[0])
cfg = snakemake.params.cfg


def read(paths: list[str]) -> pd.DataFrame:
    """Tables of all runs, one below the other."""
    return pd.concat([pd.read_csv(path) for path in paths], ignore_index=True)


table = judge_claims(
    Tables(
        exponents=read(snakemake.input.exponents),
        bootstrap=read(snakemake.input.bootstrap),
        action=read(snakemake.input.action),
        scores=read(snakemake.input.scores),
        trained=tuple(cfg["trained"]),
        analysis_set=cfg["analysis_set"],
        draws=cfg["bootstrap"],
        seed=cfg["seed"],
    )
)
log.info("verdicts: %s", table["verdict"].value_counts().to_dict())
store.write_csv(snakemake.output.claims, table)
