"""Rule fit_text_spectra: spectra of tokens, exponents resampled by sequence, first tokens."""

from codespectra.capture.captured import open_captured, read_parts
from codespectra.capture.manifest_layers import captured_parts
from codespectra.data.tokens import read_tokens
from codespectra.files.csv_writer import write_csv
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.spectra import eigenspectrum, power_law
from codespectra.spectra.exponents_by_group import subsample_exponents
from codespectra.spectra.tables import SpectrumTables, first_token_columns

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
manifest = read_parts(snakemake.input.manifests, cfg["parts"])
ranks = tuple(cfg["ranks"])
tables = SpectrumTables()
with open_captured(snakemake.input.data) as file:
    tokens = read_tokens(file)
    for where, dataset in progress(captured_parts(manifest), desc="spectra"):
        rows = file[dataset["key"]]
        found = eigenspectrum.spectrum(
            rows, components=cfg["components"], solver=cfg["solver"], seed=cfg["seed"]
        )
        law = power_law.fit_power_law(found.eigenvalues, ranks=ranks)
        if law.note:
            log.warning("%s: %s", where["layer"], law.note)
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
        tables.add(where, found, law, draws, settings)
for name, table in tables.frames().items():
    write_csv(snakemake.output[name], table)
