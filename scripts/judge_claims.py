"""Rule judge_claims: a verdict on every claim, from the tables alone."""

from codespectra.claims.catalogue import CLAIMS
from codespectra.claims.measures.tables import Tables
from codespectra.claims.verdicts import judge_claims
from codespectra.files.csv_tables import read_tables
from codespectra.files.csv_writer import write_csv
from codespectra.jobs.start import start_job

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
named = dict.fromkeys(("metric", "map_metric", "backbone"), cfg["backbones"])
tables = Tables(
    **{kind: read_tables(paths, kind).replace(named) for kind, paths in snakemake.input.items()},
    networks=cfg["networks"],
    trained=tuple(cfg["trained"]),
    analysis_sets=tuple(cfg["analysis_sets"]),
    resamples=cfg["resamples"],
    seed=cfg["seed"],
)
table = judge_claims(CLAIMS, tables, measured_only=cfg["measured_only"])
log.info("verdicts: %s", table["verdict"].value_counts().to_dict())
write_csv(snakemake.output.claims, table)
