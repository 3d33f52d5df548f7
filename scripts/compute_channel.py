"""Rule compute_channel: dropout's capacity, alone and in layers, and the entropy of power laws."""

import numpy as np
import pandas as pd

from codespectra.files.csv_writer import write_csv
from codespectra.jobs.start import start_job
from codespectra.spectra import code_entropy
from codespectra.spectra.projections import smooth_code_action
from codespectra.theory.capacity import dropout_bounds, dropout_capacity, layered_capacity

start_job(snakemake.log[0])
WIDTHS = (64, 512, 4096)  # units of a layer
BITS = 16  # of a unit
ALPHAS = np.linspace(-2, 0, 81).round(3)
cfg = snakemake.params.cfg
capacity, layers, entropy = [], [], []
for dropout in cfg["dropouts"]:
    for bits in cfg["capacity_bits"]:
        exact = dropout_capacity(bits, dropout)
        bounds = dropout_bounds(bits, dropout)
        capacity.append(
            {
                "dropout": dropout,
                "capacity_bits": bits,
                "exact_bits": exact.bits,
                "low_bits": bounds.low,
                "high_bits": bounds.high,
                "paper_low_bits": bounds.paper_low,
                "gap": exact.gap,
            }
        )
    shares = layered_capacity(1, dropout, cfg["layers"])
    layers += [
        {
            "dropout": dropout,
            "layer": layer,
            "uncorrected_share": uncorrected,
            "corrected_share": corrected,
        }
        for layer, (uncorrected, corrected) in enumerate(zip(*shares, strict=True), start=1)
    ]
for alpha in ALPHAS:
    for width in WIDTHS:
        bounds = code_entropy.entropy_bounds(alpha, width, BITS)
        entropy.append(
            {
                "alpha": alpha,
                "width": width,
                "bits": BITS,
                "paper_bits": bounds.paper,
                "from_std_bits": bounds.from_std,
                "supplement_bits": bounds.supplement,
                "smooth_code_action": smooth_code_action(alpha),
            }
        )
write_csv(snakemake.output.capacity, pd.DataFrame(capacity))
write_csv(snakemake.output.layers, pd.DataFrame(layers))
write_csv(snakemake.output.entropy, pd.DataFrame(entropy))
