"""Rule cross_validate_spectra: plain and cross-validated spectra of two noisy repeats, by layer."""

import pandas as pd

from codespectra.capture.captured import open_captured, read_layers
from codespectra.capture.manifest_layers import captured_layers
from codespectra.files.csv_writer import write_csv
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.spectra import cvpca, power_law
from codespectra.spectra.estimates import ESTIMATE_COLUMNS, Code, estimate
from codespectra.statistics.intervals import normal_interval

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
manifest = read_layers(snakemake.input.manifests, cfg)
ranks = tuple(cfg["ranks"])
resampling = {"ranks": ranks, "resamples": cfg["resamples"], "seed": cfg["seed"]}
eigenvalues, exponents, estimates = [], [], []
with open_captured(snakemake.input.data) as file:
    for where, dataset in progress(captured_layers(manifest, cfg), desc="cvPCA"):
        first, second = cvpca.repeats(file[dataset["key"]])
        found = cvpca.cross_validated_spectrum(
            first,
            second,
            # Beyond, the components of one noisy repeat are its noise's.
            components=min(cfg["components"], len(first) // 4),
            solver=cfg["solver"],
            seed=cfg["seed"],
        )
        law = cvpca.fit_power_law(found.eigenvalues, ranks=ranks)
        if law.note:
            log.warning("%s: %s", where["layer"], law.note)
        draws = cvpca.bootstrap_exponents(found, **resampling)
        low, high = normal_interval(law.alpha, draws)
        plain = power_law.fit_power_law(found.plain.eigenvalues, ranks=ranks)
        plain_draws = power_law.bootstrap_exponents(found.plain.scores, **resampling)
        plain_low, plain_high = normal_interval(plain.alpha, plain_draws)
        exponents.append(
            where
            | {
                "alpha": law.alpha,
                "alpha_low": low,
                "alpha_high": high,
                "plain_alpha": plain.alpha,
                "plain_alpha_low": plain_low,
                "plain_alpha_high": plain_high,
                "first_rank": law.first_rank,
                "last_rank": law.last_rank,
                "plain_last_rank": plain.last_rank,
                "stimulus_count": found.plain.n,
                "width": found.plain.width,
                "stride": dataset["stride"],
                "solver": cfg["solver"],
                "note": power_law.notes(law, draws),
            }
        )
        shared = found.eigenvalues
        if cfg["swaps"]:
            shared = cvpca.swapped_eigenvalues(
                first, second, components=len(shared), swaps=cfg["swaps"], seed=cfg["seed"]
            )
        code = Code(
            *(first, found.plain, law, (low, high), ranks, cfg["seed"]),
            repeat=second,
            shared=shared,
        )
        estimates += [where | row for row in estimate(code, cfg["estimators"])[0]]
        pairs = zip(found.eigenvalues, found.plain.eigenvalues, strict=True)
        eigenvalues += [
            where | {"rank": rank, "eigenvalue": shared, "plain": variance}
            for rank, (shared, variance) in enumerate(pairs, start=1)
        ]
write_csv(snakemake.output.eigenvalues, pd.DataFrame(eigenvalues))
write_csv(snakemake.output.exponents, pd.DataFrame(exponents))
write_csv(snakemake.output.estimates, pd.DataFrame(estimates, columns=ESTIMATE_COLUMNS))
