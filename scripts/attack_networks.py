"""Rule attack_networks: how much gradient attacks change what networks make of a set's images."""

import numpy as np

from codespectra.data.stimulus_file import open_stimuli
from codespectra.errors import UserError
from codespectra.experiments.adversarial import attack_images
from codespectra.experiments.vulnerability import vulnerability_tables
from codespectra.files.kept_tables import KeptTables
from codespectra.files.manifests import read_manifest
from codespectra.jobs.start import start_job
from codespectra.models.open_network import open_subject
from codespectra.models.resnet_vae import ResNetVAE

log = start_job(snakemake.log[0])
cfg, runtime, given = snakemake.params.cfg, snakemake.config["runtime"], snakemake.input
stimuli = read_manifest(given.stimuli_manifest)
checkpoints = dict(zip(cfg["models"], given.checkpoints_manifests, strict=True))
described = {model: read_manifest(file) for model, file in checkpoints.items()}
kept = KeptTables(
    snakemake.output,
    snakemake.params,
    ["models"],
    {model: [own["sha256"], stimuli["sha256"]] for model, own in described.items()},
)
with open_stimuli(given.stimuli) as file:
    count = min(cfg["images"], stimuli["count"])
    shown = np.linspace(0, stimuli["count"] - 1, count).round().astype(int)
    images = file["images"][shown]
    # A set without labels has networks without classes alone.
    labels = file["labels"][shown] if stimuli["labelled"] else np.zeros_like(shown)
groups = labels if cfg["resampled"] == "classes" else shown
for model in kept.missing:
    subject = open_subject(checkpoints[model], given.stimuli_manifest, runtime["device"])
    classes = len(stimuli["classes"]) if stimuli["labelled"] else 0
    if not isinstance(subject.network, ResNetVAE) and subject.outputs != classes:
        raise UserError(
            f"robustness.attacks.models: {model} puts out {subject.outputs or 'no'} scores of "
            f"classes, but {cfg['stimuli']} has labels of {classes}; take it out"
        )
    responses = attack_images(
        *(subject.network, subject.preprocess, images, labels),
        epsilons=cfg["epsilons"],
        steps=cfg["steps"],
        batch=runtime["batch"],
    )
    resampling = {"resamples": cfg["resamples"], "seed": cfg["seed"]}
    attacks, draws = vulnerability_tables(responses, groups, **resampling)
    kept.add(model, attacks=attacks, draws=draws)
    log.info("%s: %d images attacked", model, count)
kept.write(
    {
        model: {"model": model, "weights": own["weights"], "stimuli": cfg["stimuli"]}
        | {"image_count": count, "image_groups": len(np.unique(groups))}
        for model, own in described.items()
    }
)
kept.keep()
