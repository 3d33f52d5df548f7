"""Rule fit_spectra: eigenvalues, exponents and their bootstrap, layer by layer."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from codespectra.capture.captured import open_captured, read_layers
from codespectra.capture.manifest_layers import captured_layers, layer_contents
from codespectra.capture.rows import Rows, TokenRows
from codespectra.data.stimulus_file import labels_of
from codespectra.files.hdf5_files import create_hdf5
from codespectra.files.kept_tables import KeptTables
from codespectra.files.manifests import read_manifest
from codespectra.jobs.given_gpu import given_gpu
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.spectra import eigenspectrum, power_law
from codespectra.spectra.estimates import Code, estimate
from codespectra.spectra.exponents_by_group import exponents_without, subsample_exponents
from codespectra.spectra.moments import KeptMoments
from codespectra.spectra.tables import spectrum_tables
from codespectra.statistics.intervals import normal_interval

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
manifest = read_layers(snakemake.input.manifests, cfg)
ranks = tuple(cfg["ranks"])
device = given_gpu(snakemake.resources, snakemake.config["runtime"]["device"])
by_class, drawn = cfg["resampled"] == "classes", None
if by_class:
    labels, classes = labels_of(snakemake.input.stimuli, "spectra.resampled")
    drawn = read_manifest(snakemake.input.stimuli_manifest)["sha256"]


def groups_of(tokens: int) -> np.ndarray | None:
    """What each row is resampled with: its class, the other tokens of its stimulus, or nothing."""
    stimulus = np.repeat(np.arange(manifest["count"]), tokens)
    return labels[stimulus] if by_class else stimulus if tokens > 1 else None


def fit(
    layer: str, dataset: dict[str, Any], rows: Rows, moments: KeptMoments | None
) -> dict[str, pd.DataFrame]:
    """Rows of a layer in every table; `moments` are what its set was before it grew."""
    tokens = dataset.get("tokens", 1)
    rows = TokenRows(rows, tokens) if tokens > 1 else rows
    found = eigenspectrum.spectrum(
        rows,
        components=cfg["components"],
        solver=cfg["solver"],
        seed=cfg["seed"],
        kept=moments,
        device=device,
    )
    law = power_law.fit_power_law(found.eigenvalues, ranks=ranks)
    if law.note:
        log.warning("%s: %s", layer, law.note)
    resampling = {"ranks": ranks, "resamples": cfg["resamples"], "seed": cfg["seed"]}
    groups = groups_of(tokens)
    if groups is None:
        draws = power_law.bootstrap_exponents(found.scores, **resampling)
    else:
        draws = subsample_exponents(found.scores, groups, **resampling)
    without = exponents_without(found.scores, groups, ranks=ranks) if by_class else {}
    left_out = [{"class": classes[group], "alpha": alpha} for group, alpha in without.items()]
    settings = {
        "stimulus_count": manifest["count"],
        "row_count": found.n,
        "stride": dataset["stride"],
        "solver": cfg["solver"],
        "resampled": cfg["resampled"],
    }
    interval = normal_interval(law.alpha, draws)
    code = Code(rows, found, law, interval, ranks, cfg["seed"])
    estimates, windows = estimate(code, cfg["estimators"])
    return {
        **spectrum_tables(found, law, draws, settings),
        "left_out": pd.DataFrame(left_out, columns=["class", "alpha"]),
        "estimates": estimates,
        "windows": windows,
    }


layers = {where["layer"]: (where, dataset) for where, dataset in captured_layers(manifest, cfg)}
contents = layer_contents(manifest)
# Of use to the next run alone, it has but a second name in the end, and is no output of the rule.
moments_file = Path(snakemake.output.eigenvalues).with_name("moments.h5")
outputs = {**dict(snakemake.output.items()), "moments": str(moments_file)}
kept = KeptTables(outputs, snakemake.params, ["layers"], {x: [contents[x], drawn] for x in layers})
earlier = kept.intermediate("moments")
with (
    open_captured(snakemake.input.data) as file,
    create_hdf5(moments_file) as moments,
):
    for layer in progress(layers, desc="spectra"):
        dataset, own = layers[layer][1], KeptMoments(layer, earlier, moments)
        if layer in kept.missing:
            rows = file[dataset["key"]]
            kept.add(layer, **fit(layer, dataset, rows, own if cfg["grows"] else None))
        else:
            own.carry()
kept.write({layer: where for layer, (where, _) in layers.items()})
kept.keep()
moments_file.unlink()
