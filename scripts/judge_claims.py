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
    replicates=cfg["replicates"],
    origins=cfg["origins"],
    photographs=cfg["photographs"],
    trained=tuple(cfg["trained"]),
    analysis_sets=tuple(cfg["analysis_sets"]),
    resamples=cfg["resamples"],
    seed=cfg["seed"],
)
verdicts = judge_claims(CLAIMS, tables, measured_only=cfg["measured_only"])
log.info("verdicts: %s", verdicts.claims["verdict"].value_counts().to_dict())
for name, table in verdicts._asdict().items():
    write_csv(snakemake.output[name], table)
