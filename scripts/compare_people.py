"""Rule compare_people: do in-silico choices predict those of people?"""

import numpy as np
import pandas as pd

from codespectra.data.preprocessing import Preprocess
from codespectra.experiments.people import (
    AS_PUBLISHED,
    TRIAL,
    read_images,
    read_responses,
)
from codespectra.experiments.people_agreement import agreement_table, margins, roc_curves
from codespectra.experiments.trial_images import find_images
from codespectra.files.csv_writer import write_csv
from codespectra.interpretability.lpips_embedding import backbone_of
from codespectra.jobs.device import resolve_device
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.models.checkpoints import load_checkpoint

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
device = resolve_device(snakemake.config["runtime"]["device"])
checkpoint = load_checkpoint(snakemake.input.checkpoint_manifest)
backbone = backbone_of(
    cfg["backbone"], checkpoint.network, checkpoint.description["preprocessing"], device
)
if cfg["input_scaling"] == "as_published":
    backbone.preprocess = Preprocess(AS_PUBLISHED, device)

answers = read_responses(cfg["responses"], cfg["condition"])
trials = answers[TRIAL].drop_duplicates().sort_values(TRIAL)
files = find_images(trials, cfg["file_map"], cfg["model"], cfg["images"])
log.info("%d answers to %d trials", len(answers), len(trials))
rows, shown = [], progress(files)
for trial, paths in zip(trials.to_dict("records"), shown, strict=True):
    found = margins(backbone.embed(read_images(paths)), cfg["sides"], cfg["pool"])
    rows.extend(trial | {"part": part, "margin": value} for part, value in found.items())
table = pd.DataFrame(rows)
write_csv(snakemake.output.trials, table.assign(choice=np.where(table["margin"] > 0, "max", "min")))

context = {
    "condition": cfg["condition"],
    "backbone": cfg["backbone"]["name"],
    "weights": checkpoint.description["weights"],
    **{name: cfg[name] for name in ("input_scaling", "sides", "pool")},
}
answers = answers.merge(table, on=TRIAL)
agreement = agreement_table(answers, resamples=cfg["resamples"], seed=cfg["seed"])
for output, found in (("agreement", agreement), ("curves", roc_curves(answers))):
    write_csv(snakemake.output[output], found.assign(**context)[[*context, *found.columns]])
