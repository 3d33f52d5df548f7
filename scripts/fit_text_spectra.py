"""Rule fit_text_spectra: spectra of tokens, their exponents by estimator, first tokens."""

import pandas as pd

from codespectra.capture.captured import open_captured, read_parts
from codespectra.capture.manifest_layers import captured_parts, content_of
from codespectra.capture.rows import Rows
from codespectra.data.tokens import read_tokens
from codespectra.files.kept_tables import KeptTables
from codespectra.jobs.given_gpu import given_gpu
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.spectra import eigenspectrum, power_law
from codespectra.spectra.estimates import Code, estimate
from codespectra.spectra.exponents_by_group import subsample_exponents
from codespectra.spectra.tables import first_token_columns, spectrum_tables
from codespectra.statistics.intervals import normal_interval

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
manifest = read_parts(snakemake.input.manifests, cfg["parts"])
ranks = tuple(cfg["ranks"])
device = given_gpu(snakemake.resources, snakemake.config["runtime"]["device"])


def fit(layer: str, rows: Rows) -> dict[str, pd.DataFrame]:
    """Rows of a layer in every table."""
    found = eigenspectrum.spectrum(
        rows,
        components=cfg["components"],
        solver=cfg["solver"],
        seed=cfg["seed"],
        device=device,
    )
    law = power_law.fit_power_law(found.eigenvalues, ranks=ranks)
    if law.note:
        log.warning("%s: %s", layer, law.note)
    draws = subsample_exponents(
        found.scores,
        tokens.sequence,
        ranks=ranks,
        resamples=cfg["resamples"],
        seed=cfg["seed"],
    )
    settings = {
        "sequence_count": manifest["sequences"],
        "solver": cfg["solver"],
        **first_token_columns(rows, found.scores, tokens.position == 0, ranks=ranks),
    }
    interval = normal_interval(law.alpha, draws)
    code = Code(rows, found, law, interval, ranks, cfg["seed"])
    estimates, _ = estimate(code, cfg["estimators"])
    return {**spectrum_tables(found, law, draws, settings), "estimates": estimates}


layers = {(x["part"], x["layer"]): (where, x) for where, x in captured_parts(manifest)}
with open_captured(snakemake.input.data) as file:
    tokens = read_tokens(file)
    kept = KeptTables(
        snakemake.output,
        snakemake.params,
        ["parts"],
        {key: [content_of(manifest, x), tokens.sha256] for key, (_, x) in layers.items()},
    )
    for part, layer in progress(kept.missing, desc="spectra"):
        dataset = layers[part, layer][1]
        kept.add((part, layer), **fit(layer, file[dataset["key"]]))
kept.write({key: where for key, (where, _) in layers.items()})
kept.keep()
