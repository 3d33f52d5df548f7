"""Rule fit_spectra: eigenvalues, exponents and their bootstrap, layer by layer."""

from codespectra.capture.manifest_layers import captured_layers
from codespectra.files.csv_writer import write_csv
from codespectra.files.hdf5_files import open_hdf5
from codespectra.files.manifests import read_manifest
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.spectra import eigenspectrum, power_law
from codespectra.spectra.tables import SpectrumTables

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
manifest = read_manifest(snakemake.input.manifest)
ranks = tuple(cfg["ranks"])
tables = SpectrumTables()
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
        draws = power_law.bootstrap_exponents(
            found.scores, ranks=ranks, resamples=cfg["resamples"], seed=cfg["seed"]
        )
        settings = {"stride": dataset["stride"], "solver": cfg["solver"]}
        tables.add(where, found, law, draws, settings)
for name, table in tables.frames().items():
    write_csv(snakemake.output[name], table)
