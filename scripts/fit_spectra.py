"""Rule fit_spectra: eigenvalues, exponents and their bootstrap, layer by layer."""

import numpy as np
import pandas as pd

from codespectra.capture.captured import open_captured, read_layers
from codespectra.capture.manifest_layers import captured_layers
from codespectra.capture.rows import TokenRows
from codespectra.data.stimulus_file import labels_of
from codespectra.files.csv_writer import write_csv
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.spectra import eigenspectrum, power_law
from codespectra.spectra.estimates import ESTIMATE_COLUMNS, WINDOW_COLUMNS, Code, estimate
from codespectra.spectra.exponents_by_group import exponents_without, subsample_exponents
from codespectra.spectra.tables import SpectrumTables
from codespectra.statistics.intervals import normal_interval

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
manifest = read_layers(snakemake.input.manifests, cfg)
ranks = tuple(cfg["ranks"])
tables, left_out = SpectrumTables(), []
estimates, windows = [], []
by_class = cfg["resampled"] == "classes"
if by_class:
    labels, classes = labels_of(snakemake.input.stimuli)


def groups_of(tokens):
    """What each row is resampled with: its class, the other tokens of its stimulus, or nothing."""
    stimulus = np.repeat(np.arange(manifest["count"]), tokens)
    return labels[stimulus] if by_class else stimulus if tokens > 1 else None


with open_captured(snakemake.input.data) as file:
    for where, dataset in progress(captured_layers(manifest, cfg), desc="spectra"):
        rows, tokens = file[dataset["key"]], dataset.get("tokens", 1)
        rows = TokenRows(rows, tokens) if tokens > 1 else rows
        found = eigenspectrum.spectrum(
            rows,
            components=cfg["components"],
            solver=cfg["solver"],
            seed=cfg["seed"],
        )
        law = power_law.fit_power_law(found.eigenvalues, ranks=ranks)
        if law.note:
            log.warning("%s: %s", where["layer"], law.note)
        resampling = {"ranks": ranks, "resamples": cfg["resamples"], "seed": cfg["seed"]}
        groups = groups_of(tokens)
        if groups is None:
            draws = power_law.bootstrap_exponents(found.scores, **resampling)
        else:
            order = np.argsort(groups, kind="stable")
            draws = subsample_exponents(found.scores[order], groups[order], **resampling)
        if by_class:
            without = exponents_without(found.scores, groups, ranks=ranks)
            left_out += [where | {"class": classes[i], "alpha": a} for i, a in without.items()]
        settings = {
            "stimulus_count": manifest["count"],
            "row_count": found.n,
            "stride": dataset["stride"],
            "solver": cfg["solver"],
            "resampled": cfg["resampled"],
        }
        tables.add(where, found, law, draws, settings)
        interval = normal_interval(law.alpha, draws)
        told, mapped = estimate(
            Code(rows, found, law, interval, ranks, cfg["seed"]), cfg["estimators"]
        )
        estimates += [where | row for row in told]
        windows.append(mapped.assign(**where))
for name, table in tables.frames().items():
    write_csv(snakemake.output[name], table)
write_csv(snakemake.output.estimates, pd.DataFrame(estimates, columns=ESTIMATE_COLUMNS))
write_csv(snakemake.output.windows, pd.concat(windows)[WINDOW_COLUMNS])
columns = ["model", "weights", "stimuli", "reduction", "layer", "depth", "class", "alpha"]
write_csv(snakemake.output.left_out, pd.DataFrame(left_out, columns=columns))
