"""Rule draw_dropout: exponent, action, roughness and what projections explain, by dropout."""

from codespectra.claims.sweep_columns import read_layers
from codespectra.figures import style
from codespectra.figures.coding import draw_dropout
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg
exponents = read_layers(snakemake.input.exponents, "exponents", cfg["networks"])
action = read_layers(snakemake.input.action, "action", cfg["networks"])
figure = draw_dropout(exponents, action, cfg["study"])
laws = exponents[["model", "layer", "alpha", "alpha_low", "alpha_high", "stimulus_count"]]
style.save(figure, action.merge(laws, on=["model", "layer"], how="left"), snakemake.output)
