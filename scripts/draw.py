"""Rules draw_*: the figure of the function that `params.figure` names, beside what it draws."""

from importlib import import_module

from codespectra.figures import style
from codespectra.files.csv_tables import read_tables
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
module, function = snakemake.params.figure.split(".")
draw = getattr(import_module(f"codespectra.figures.{module}"), function)
inputs = {}
for name, files in snakemake.input.items():
    paths = [files] if isinstance(files, str) else list(files)
    tables = all(path.endswith(".csv") for path in paths)
    if paths:
        inputs[name] = read_tables(paths, name) if tables else files
figure, table = draw(inputs, snakemake.params.cfg)
style.name_reductions(figure, inputs)
style.save(figure, table, snakemake.output)
