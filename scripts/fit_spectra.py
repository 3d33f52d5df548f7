"""Rule fit_spectra: eigenvalues, exponents and their bootstrap, layer by layer."""

import numpy as np
import pandas as pd

from codespectra.capture.manifest_layers import captured_layers
from codespectra.data.stimulus_file import labels_of
from codespectra.files.csv_writer import write_csv
from codespectra.files.hdf5_files import open_hdf5
from codespectra.files.manifests import read_manifest
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.spectra import eigenspectrum, power_law
from codespectra.spectra.exponents_by_group import exponents_without, subsample_exponents
from codespectra.spectra.tables import SpectrumTables

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
manifest = read_manifest(snakemake.input.manifest)
ranks = tuple(cfg["ranks"])
tables, left_out = SpectrumTables(), []
by_class = cfg["resampled"] == "classes"
if by_class:
    labels, classes = labels_of(snakemake.input.stimuli)
    order = np.argsort(labels, kind="stable")
with open_hdf5(snakemake.input.data) as file:
    for where, dataset in progress(captured_layers(manifest, cfg), desc="spectra"):
        found = eigenspectrum.spectrum(
            file[dataset["key"]],
            components=cfg["components"],
            solver=cfg["solver"],
            seed=cfg["seed"],
        )
        law = power_law.fit_power_law(found.eigenvalues, ranks=ranks)
        if law.note:
            log.warning("%s: %s", where["layer"], law.note)
        resampling = {"ranks": ranks, "resamples": cfg["resamples"], "seed": cfg["seed"]}
        if by_class:
            scores, groups = found.scores[order], labels[order]
            draws = subsample_exponents(scores, groups, **resampling)
            without = exponents_without(scores, groups, ranks=ranks)
            left_out += [where | {"class": classes[i], "alpha": a} for i, a in without.items()]
        else:
            draws = power_law.bootstrap_exponents(found.scores, **resampling)
        settings = {
            "stride": dataset["stride"],
            "solver": cfg["solver"],
            "resampled": cfg["resampled"],
        }
        tables.add(where, found, law, draws, settings)
for name, table in tables.frames().items():
    write_csv(snakemake.output[name], table)
columns = ["model", "weights", "stimuli", "reduction", "layer", "depth", "class", "alpha"]
write_csv(snakemake.output.left_out, pd.DataFrame(left_out, columns=columns))
