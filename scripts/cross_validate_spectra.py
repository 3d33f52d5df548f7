"""Rule cross_validate_spectra: plain and cross-validated spectra of two noisy repeats, by layer."""

from typing import Any

import numpy as np
import pandas as pd

from codespectra.capture.captured import open_captured, read_layers
from codespectra.capture.manifest_layers import captured_layers, layer_contents
from codespectra.capture.rows import Rows
from codespectra.files.kept_tables import KeptTables
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.spectra import cvpca, power_law
from codespectra.spectra.estimates import Code, estimate
from codespectra.statistics.intervals import normal_interval

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
manifest = read_layers(snakemake.input.manifests, cfg)
ranks = tuple(cfg["ranks"])
resampling = {"ranks": ranks, "resamples": cfg["resamples"], "seed": cfg["seed"]}


def cross_validate(layer: str, dataset: dict[str, Any], rows: Rows) -> dict[str, pd.DataFrame]:
    """Rows of a layer in every table."""
    first, second = cvpca.repeats(rows)
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
        log.warning("%s: %s", layer, law.note)
    draws = cvpca.bootstrap_exponents(found, **resampling)
    low, high = normal_interval(law.alpha, draws)
    plain = power_law.fit_power_law(found.plain.eigenvalues, ranks=ranks)
    plain_draws = power_law.bootstrap_exponents(found.plain.scores, **resampling)
    plain_low, plain_high = normal_interval(plain.alpha, plain_draws)
    exponent = {
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
    pairs = zip(found.eigenvalues, found.plain.eigenvalues, strict=True)
    eigenvalues = pd.DataFrame(pairs, columns=["eigenvalue", "plain"])
    eigenvalues.insert(0, "rank", np.arange(1, len(eigenvalues) + 1))
    return {
        "eigenvalues": eigenvalues,
        "exponents": pd.DataFrame([exponent]),
        "estimates": estimate(code, cfg["estimators"])[0],
    }


layers = {where["layer"]: (where, dataset) for where, dataset in captured_layers(manifest, cfg)}
kept = KeptTables(snakemake.output, snakemake.params, ["layers"], layer_contents(manifest))
with open_captured(snakemake.input.data) as file:
    for layer in progress(kept.missing, desc="cvPCA"):
        dataset = layers[layer][1]
        kept.add(layer, **cross_validate(layer, dataset, file[dataset["key"]]))
kept.write({layer: where for layer, (where, _) in layers.items()})
kept.keep()
