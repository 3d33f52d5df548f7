"""Rule train_superposition: toy models over densities and seeds, and how R(S) predicts them."""

import numpy as np

from codespectra.files.csv_writer import write_csv
from codespectra.files.hdf5_files import create_hdf5
from codespectra.jobs.device import resolve_device
from codespectra.jobs.start import start_job
from codespectra.theory.superposition import describe_toys, fit_scores, train_toys

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
densities = np.geomspace(1, cfg["least_density"], cfg["densities"])
toys = train_toys(
    features=cfg["features"],
    hidden=cfg["hidden"],
    densities=densities,
    seeds=cfg["seeds"],
    steps=cfg["steps"],
    batch=cfg["batch"],
    learning_rate=cfg["learning_rate"],
    device=resolve_device(snakemake.config["runtime"]["device"]),
)
table = describe_toys(toys, seeds=cfg["seeds"], densities=densities)
fit = fit_scores(table, entropy_bits=cfg["entropy_bits"], floor=cfg["hidden"] / cfg["features"])
for row in fit.itertuples():
    log.info(
        "seed %d, H = %g bits: Pearson %.3f, RMSE %.3f over %d models",
        row.seed,
        row.entropy_bits,
        row.pearson,
        row.rmse,
        row.n_scored,
    )
write_csv(snakemake.output.table, table)
write_csv(snakemake.output.fit, fit)
with create_hdf5(snakemake.output.weights) as file:
    file["weights"] = toys.weights
    file["biases"] = toys.biases
    file["seeds"] = cfg["seeds"]
    file["densities"] = densities
