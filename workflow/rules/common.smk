"""What the rules share: the checked study, their params, and the request for a GPU."""

import os
import re
import shutil
import sys
from importlib.metadata import version
from itertools import chain
from pathlib import Path

from snakemake.utils import update_config

from codespectra.claims.needs import NEEDS
from codespectra.jobs.code_digest import code_digest
from codespectra.study.sections.base import short
from codespectra.study.sections.stage import stage_config
from codespectra.study.sections.study import load_study
from codespectra.errors import UserError
from codespectra.study.implied import (
    PEOPLE,
    analyses,
    backbones_in_words,
    interpretability_runs,
    backbone_model,
    class_count,
    directions_runs,
    filter_runs,
    headline_metric,
    methods_of,
    noisy_runs,
    reduction_of,
    resampled,
    scored_runs,
    shown_networks,
)
from codespectra.study.check_language import chat_models
from codespectra.study.pieces import ENDING
from codespectra.study.plan import make_plan
from codespectra.study import remembered
from codespectra.study.dropout_sweep import networks
from codespectra.study.seeds import first_of_each, replicates
from codespectra.study.study_file import read_arguments

# Whether results are shared between workflows (--cache).
SHARING = workflow.workflow_settings.cache is not None
# What a start need not work out again.
REMEMBERED = Path(".snakemake/codespectra")


def checked_plan():
    """The plan of the config, or one line a mistake and no traceback."""
    try:
        if not workflow.modifier.skip_configfile:  # else these are another workflow's
            arguments = read_arguments(workflow.config_settings.config_args or [])
            update_config(config, arguments)
            if "confirm" in arguments:  # a word to the target tidy, and no key of a study
                del config["confirm"]
        return make_plan(
            load_study(config),
            remembered.cached_layers(REMEMBERED),
            remembered.cached_classes(REMEMBERED),
            remembered.cached_language_layers(REMEMBERED),
            remembered.cached_recorded(REMEMBERED),
        )
    except UserError as error:
        sys.exit(str(error))


plan = checked_plan()
study = plan.study
# Scripts read runtime settings, which are no params, from the config: give them the defaults too.
runtime = study.runtime.model_dump()
if study.language and study.language.explanations.explainers.openai:
    runtime["chat"] = study.language.explanations.explainers.openai.model_dump()
config = config | {"runtime": runtime}

FIGURES = f"results/figures/{study.study}"
# The metric of figures that show one, and what those are that are no LPIPS.
HEADLINE, BACKBONES = headline_metric(study), backbones_in_words(study)


def code_of(script):
    """`params.code`: changes when the script or a library module that it reaches does."""
    return code_digest(SCRIPTS / script, REMEMBERED)


# Libraries whose networks of images run here.
NETWORK_SOFTWARE = ("torch", "torchvision", "timm", "transformers")


def software(*packages):
    """`params.software` of a shared rule: --cache can't see which versions compute."""
    return {name: version(name) for name in packages}


def drop_benchmarks_of_shared():
    """With --cache Snakemake refuses a benchmark: a result that is fetched takes no time."""
    for shared in workflow.rules:
        if shared.cache.output:
            shared._benchmark = None


def names_of(names):
    """Wildcard constraint: one of these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


def models_with(*weights):
    """Wildcard constraint: names of the models whose weights come from one of these."""
    return names_of(n for n, model in plan.models.items() if model.weights in weights)


def growing(**amounts):
    """That much at first, as much again at each retry: for jobs that ran out of memory or time."""

    def at_attempt(amount):
        return lambda wildcards, attempt: amount * attempt

    return {name: at_attempt(amount) for name, amount in amounts.items()}


def without_gpu():
    """Whether this machine runs the jobs itself and has no GPU."""
    return workflow.local_exec and shutil.which("nvidia-smi") is None


def gpu_request(wildcards, input):
    """One GPU; none where there is none, the CPU is wanted, or others captured with theirs."""
    gathers = bool(input.get("shards"))
    return 0 if without_gpu() or study.runtime.device == "cpu" or gathers else 1


def on_gpu(**amounts):
    """Resources of a GPU-tagged job: `growing` ones, and the request for a GPU."""
    return growing(**amounts) | {"gpu": gpu_request}


def refuse_missing_gpu():
    """End before any job when the config demands a GPU that isn't there."""
    if study.runtime.device == "cuda" and without_gpu():
        sys.exit("config: runtime.device: cuda, but this machine has no GPU; set auto or cpu")


def model_description(name):
    """What a checkpoint's manifest says of the network itself."""
    model = plan.models[name]
    return stage_config(
        name=name,
        architecture=plan.architectures[name],
        classes=plan.classes[name],
        preprocessing=stage_config(model.preprocessing),
        weights=model.weights,
    )


# What every spectrum depends on, of images and of text.
SPECTRUM = study.spectra.model_dump(
    mode="json", include={"ranks", "solver", "components", "resamples", "seed", "estimators"}
)


def run_config(kind, wildcards, **fields):
    """What a stage depends on that looks at the layers of one run: they, and fields of the config."""
    run = wildcards.model, wildcards.stimuli
    if "reduction" not in fields:
        fields["reduction"] = reduction_of(study, kind, run[0])
    return stage_config(model=run[0], stimuli=run[1], layers=plan.layer_names(kind, *run), **fields)


def spectra_config(wildcards):
    """What the spectra of one run depend on, plain or cross-validated."""
    return run_config("spectra", wildcards, **SPECTRUM)


wildcard_constraints:
    model=r"[A-Za-z0-9_.-]+",
    stimuli=names_of([*study.stimuli, *study.activations]),
    method=r"[A-Za-z0-9_.-]+",
    backbone=r"[A-Za-z0-9_-]+",
    prefix="(coding-)?",
    scope="(-coding|-theory|-language|-interpretability|-robustness|-pretrained|-everything)?",
    piece=ENDING,


include: "outside.smk"
include: "reported.smk"
include: "inputs.smk"
include: "embedding_inputs.smk"
include: "claim_tables.smk"
include: "atlas_inputs.smk"
include: "captures.smk"
include: "shards.smk"
include: "reruns.smk"
include: "disk.smk"
include: "growing_sets.smk"
include: "kept.smk"
include: "zoo_inputs.smk"
