"""Rule fit_spectra: eigenvalues, exponents and their bootstrap, layer by layer."""

import pandas as pd
from tqdm import tqdm

from codespectra import code_entropy, job, power_laws, spectra, store
from codespectra.captured import captured_layers
from codespectra.intervals import normal_interval

log = job.start(snakemake.log[0])
cfg = snakemake.params.cfg
manifest = store.read_json(snakemake.input.manifest)
ranks = tuple(cfg["ranks"])
eigenvalues, exponents, bootstrap = [], [], []
with store.open_hdf5(snakemake.input.data) as file:
    for where, dataset in tqdm(captured_layers(manifest, cfg), desc="spectra", disable=None):
        found = spectra.spectrum(
            file[dataset["key"]],
            components=cfg["components"],
            solver=cfg["solver"],
            seed=cfg["seed"],
        )
        law = power_laws.fit_power_law(found.eigenvalues, ranks=ranks)
        if law.note:
            log.warning("%s: %s", where["layer"], law.note)
        draws = power_laws.bootstrap_exponents(
            found.scores, ranks=ranks, draws=cfg["bootstrap"], seed=cfg["seed"]
        )
        low, high = normal_interval(law.alpha, draws)
        exponents.append(
            where
            | {
                "alpha": law.alpha,
                "alpha_low": low,
                "alpha_high": high,
                "intercept": law.intercept,
                "rmse": law.rmse,
                "first_rank": law.first_rank,
                "last_rank": law.last_rank,
                "curvature": power_laws.curvature(found.eigenvalues),
                "participation_ratio": found.participation_ratio,
                "total_variance": found.total_variance,
                "stimulus_count": found.n,
                "width": found.width,
                "stride": dataset["stride"],
                "reduction": cfg["reduction"],
                "solver": cfg["solver"],
                "note": power_laws.notes(law, draws),
            }
            | {
                f"capacity_loss_{k}": v
                for k, v in code_entropy.capacity_loss(law.alpha, found.width).items()
            }
        )
        ranked = enumerate(found.eigenvalues, start=1)
        eigenvalues += [where | {"rank": rank, "eigenvalue": value} for rank, value in ranked]
        bootstrap += [where | {"draw": i, "alpha": value} for i, value in enumerate(draws)]
store.write_csv(snakemake.output.eigenvalues, pd.DataFrame(eigenvalues))
store.write_csv(snakemake.output.exponents, pd.DataFrame(exponents))
store.write_csv(snakemake.output.bootstrap, pd.DataFrame(bootstrap))
