"""Rule fit_text_spectra: spectra of tokens, exponents resampled by sequence, first tokens."""

from tqdm import tqdm

from codespectra import job, power_laws, spectra, store
from codespectra.captured import captured_parts
from codespectra.exponents import SpectrumTables, first_token_columns
from codespectra.sequence_exponents import subsample_exponents
from codespectra.tokens import read_tokens

log = job.start(snakemake.log[0])
cfg = snakemake.params.cfg
manifest = store.read_json(snakemake.input.manifest)
ranks = tuple(cfg["ranks"])
tables = SpectrumTables()
with store.open_hdf5(snakemake.input.data) as file:
    tokens = read_tokens(file)
    for where, dataset in tqdm(captured_parts(manifest), desc="spectra", disable=None):
        rows = file[dataset["key"]]
        found = spectra.spectrum(
            rows, components=cfg["components"], solver=cfg["solver"], seed=cfg["seed"]
        )
        law = power_laws.fit_power_law(found.eigenvalues, ranks=ranks)
        if law.note:
            log.warning("%s: %s", where["layer"], law.note)
        draws = subsample_exponents(
            found.scores, tokens.sequence, ranks=ranks, draws=cfg["bootstrap"], seed=cfg["seed"]
        )
        settings = {
            "sequence_count": manifest["sequences"],
            "solver": cfg["solver"],
            **first_token_columns(rows, found.scores, tokens.position == 0, ranks=ranks),
        }
        tables.add(where, found, law, draws, settings)
for name, table in tables.frames().items():
    store.write_csv(snakemake.output[name], table)
