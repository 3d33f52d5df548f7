"""Rule draw_autoencoders: sparse autoencoders over size and penalty beside K-Means and neurons."""

import pandas as pd

from codespectra.figures import style
from codespectra.figures.autoencoders import draw_autoencoders
from codespectra.files.csv_tables import read_csv
from codespectra.files.json_files import read_json
from codespectra.interpretability.index_means import mean_indices, nearest_kmeans
from codespectra.interpretability.parts import ALL
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
style.apply()
cfg = snakemake.params.cfg


def means(name: str) -> pd.DataFrame:
    """Mean II of each method and layer in that table of scores."""
    tables = (
        read_csv(snakemake.input[name], "scores"),
        read_csv(snakemake.input[f"{name}_resampled"], "resampled"),
    )
    return mean_indices(
        *(table[(table["metric"] == cfg["metric"]) & (table["part"] == ALL)] for table in tables)
    )


measured = []
for method, path in zip(cfg["methods"], snakemake.input.manifests, strict=True):
    manifest = read_json(path)
    options = {key: manifest["options"][key] for key in ("z", "l1")}
    for layer, measures in manifest["measures"].items():
        measured.append({"method": method, "layer": layer} | options | measures)
table = means("autoencoders").merge(pd.DataFrame(measured), on=["method", "layer"])
found = means("directions")
others = [found[found["method"] == "neurons"]]
for (layer, z), sizes in table.groupby(["layer", "z"], sort=False):
    nearest = nearest_kmeans(found[found["layer"] == layer], sizes["directions"].iloc[0])
    others.append(nearest.assign(z=z))
others = pd.concat(others, ignore_index=True)
figure = draw_autoencoders(table, others, cfg["study"])
style.save(figure, pd.concat([table, others], ignore_index=True), snakemake.output)
