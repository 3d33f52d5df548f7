"""Rule estimate_information: information on the input, layer by layer, in deep dropout networks."""

import math

import pandas as pd
import torch

from codespectra.files.csv_writer import write_csv
from codespectra.jobs.device import resolve_device
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.theory.dropout_networks import DropoutNetworks, networks_of_each_kind
from codespectra.theory.mutual_information import (
    MutualInformation,
    Sample,
    correlated_gaussians,
    lower_bounds,
)
from codespectra.theory.retention import INFO_NCE, KINDS, NEAR_CEILING

log = start_job(snakemake.log[0])
CHECKED_CORRELATIONS = (0.0, 0.3, 0.6, 0.9, 0.97, 0.99)
TEST_INPUTS = 2**14
cfg = snakemake.params.cfg
device = resolve_device(snakemake.config["runtime"]["device"])
dropout = torch.full((len(KINDS),), cfg["dropout"], device=device)


def estimate(sample: Sample, generator: torch.Generator) -> dict[str, MutualInformation]:
    """Both estimators with the study's settings, the same for the networks and for the check."""
    return lower_bounds(
        sample,
        hidden=cfg["estimator_width"],
        steps=cfg["estimator_steps"],
        batch=cfg["estimator_batch"],
        contrast=cfg["estimator_contrast"],
        learning_rate=cfg["estimator_learning_rate"],
        generator=generator,
    )


def with_ceiling(table: pd.DataFrame) -> pd.DataFrame:
    """With the bits that InfoNCE can't exceed, and whether its estimates are near them."""
    ceiling = math.log2(cfg["estimator_contrast"])
    ceilings = table["estimator"].map({INFO_NCE: ceiling})
    near = table["bits"] >= NEAR_CEILING * ceilings
    return table.assign(ceiling_bits=ceilings, near_ceiling=near)


def rows_of_seed(seed: int) -> list[dict]:
    """Train the networks of a seed and measure each of their layers, dropout on."""
    generator = torch.Generator(device).manual_seed(seed)
    networks = networks_of_each_kind(
        inputs=cfg["inputs"],
        depth=cfg["depth"],
        width=cfg["width"],
        dropout=cfg["dropout"],
        steps=cfg["training_steps"],
        batch=cfg["training_batch"],
        learning_rate=cfg["learning_rate"],
        generator=generator,
    )
    x = torch.randn(TEST_INPUTS, cfg["inputs"], generator=generator, device=device)
    errors = networks.errors(x, dropout, generator).tolist()
    found = estimate(layer_sampler(networks), generator)
    places = [(k, layer) for layer in range(1, cfg["depth"] + 1) for k in range(len(KINDS))]
    return [
        {"kind": KINDS[k], "seed": seed, "layer": layer, "estimator": estimator}
        | {"bits": bits, "diverged": diverged, "test_mse": errors[k]}
        for estimator, own in found.items()
        for (k, layer), bits, diverged in zip(places, own.bits, own.diverged, strict=True)
    ]


def layer_sampler(networks: DropoutNetworks) -> Sample:
    """Pairs of the input and each hidden layer's output, layer by layer, kinds within."""

    @torch.no_grad()
    def sample(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.randn(count, cfg["inputs"], generator=generator, device=device)
        outputs = torch.cat(networks.layer_activations(x, dropout, generator))
        return x.expand(len(outputs), *x.shape), outputs

    return sample


rows = [row for seed in progress(cfg["seeds"], desc="information") for row in rows_of_seed(seed)]
table = pd.DataFrame(rows)
sample, bits = correlated_gaussians(
    torch.tensor(CHECKED_CORRELATIONS, device=device), cfg["inputs"]
)
known = estimate(sample, torch.Generator(device).manual_seed(cfg["seeds"][0]))
exact = {"rho": CHECKED_CORRELATIONS, "true_bits": bits.cpu()}
checks = pd.concat(
    [pd.DataFrame(exact | {"estimator": name, "bits": own.bits}) for name, own in known.items()]
)
log.info("of %d estimates %d diverged", len(table), table["diverged"].sum())
order = ["estimator", "seed", "kind", "layer"]
write_csv(snakemake.output.table, with_ceiling(table.sort_values(order)))
write_csv(snakemake.output.checks, with_ceiling(checks))
