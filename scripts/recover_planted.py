"""Rule recover_planted: what every finder of directions recovers of planted dictionaries."""

import pandas as pd

from codespectra.files.csv_writer import write_csv
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.theory.planted_features import conditions, plant
from codespectra.theory.recovery import dictionaries, scores

log = start_job(snakemake.log[0])
# Of hundreds of small fits: a line for each epoch, and for each that reaches its last iteration.
log.addFilter(lambda record: record.module not in ("epochs", "baselines"))
cfg = snakemake.params.cfg
training = {key: cfg[key] for key in ("epochs", "batch", "learning_rate")}
shape = {key: cfg[key] for key in ("features", "units", "rows")}
varied = conditions(cfg["sizes"], cfg["densities"], cfg["noises"])
data_sets = [(seed, *condition) for seed in cfg["seeds"] for condition in varied]
rows = []
for seed, sizes, condition in progress(data_sets, desc="planted"):
    planted = plant(**shape, **condition, seed=seed)
    found = [
        *dictionaries(
            planted,
            atoms=condition["atoms"],
            sizes=sizes,
            penalties=cfg["penalties"],
            training=training,
            seed=seed,
        )
    ]
    scored = scores(planted, [one.found for one in found], cfg["m"])
    for one, own in zip(found, scored, strict=True):
        rows.append(
            {**condition, **shape, "seed": seed, "method": one.method, "size": one.size}
            | {"l1": one.l1, "m": cfg["m"], **own}
        )
log.info("%d dictionaries found in %d data sets", len(rows), len(data_sets))
write_csv(snakemake.output.table, pd.DataFrame(rows))
