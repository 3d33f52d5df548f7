"""What the rules share: the checked study, their params, and the request for a GPU."""

import os
import platform
import re
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

SCRIPTS = Path(workflow.basedir) / "scripts"
sys.path.insert(0, str(SCRIPTS))

from codespectra.jobs.code_digest import code_digest
from codespectra.study.sections.stage import stage_config
from codespectra.study.sections.study import load_study
from codespectra.errors import UserError
from codespectra.files.folder_stamp import folder_stamp
from codespectra.study.implied import (
    analyses,
    analysis_runs,
    autoencoder_grid,
    backbone_model,
    headline_metric,
    noisy_runs,
    shown_networks,
)
from codespectra.study.check_language import chat_models
from codespectra.study.plan import cached_language_layers, cached_layers, make_plan
from codespectra.study.dropout_sweep import networks

# Whether results are shared between workflows (--cache).
SHARING = workflow.workflow_settings.cache is not None
# What a start need not work out again.
REMEMBERED = Path(".snakemake/codespectra")


def checked_plan():
    """The plan of the config, or one line a mistake and no traceback."""
    try:
        return make_plan(
            load_study(config),
            cached_layers(REMEMBERED),
            cached_language_layers(REMEMBERED),
        )
    except UserError as error:
        sys.exit(str(error))


plan = checked_plan()
study = plan.study
# Scripts read runtime settings, which are no params, from the config: give them the defaults too.
config["runtime"] = study.runtime.model_dump()
if study.language and study.language.explanations.explainers.openai:
    config["runtime"][
        "chat"
    ] = study.language.explanations.explainers.openai.model_dump()

FIGURES = f"results/figures/{study.study}"
# The metric of figures that show one.
HEADLINE = headline_metric(study)


def code_of(script):
    """`params.code`: changes when the script or a library module that it reaches does."""
    return code_digest(SCRIPTS / script, REMEMBERED)


def software(*packages):
    """`params.software`: of rules that other workflows may share results with, as --cache can't see
    which versions compute.
    """
    return {name: version(name) for name in packages}


def files_of(section):
    """`params.files`: a stamp of what stimuli are read from, where no digest is published."""
    if section.source == "folder":
        return {
            "files": folder_stamp(section.root, getattr(section, "pattern", "**/*"))
        }
    if section.source == "standard_library":
        return {"python": platform.python_version()}
    return {}


def drop_benchmarks_of_shared():
    """With --cache Snakemake refuses a benchmark: a result that is fetched takes no time."""
    for shared in workflow.rules:
        if shared.cache.output:
            shared._benchmark = None


def names_of(names):
    """Wildcard constraint: one of these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


def models_with(weights):
    """Wildcard constraint: names of the models whose weights come from there."""
    return names_of(n for n, model in plan.models.items() if model.weights == weights)


def growing(amount):
    """That much at first, as much again at each retry: for jobs that ran out of memory or time."""
    return lambda wildcards, attempt: amount * attempt


def without_gpu():
    """Whether this machine runs the jobs itself and has no GPU."""
    return workflow.local_exec and shutil.which("nvidia-smi") is None


def gpu_request(wildcards, input):
    """One GPU; none where there is none, the CPU is wanted, or others captured with theirs."""
    gathers = bool(input.get("shards"))
    return 0 if without_gpu() or study.runtime.device == "cpu" or gathers else 1


def refuse_missing_gpu():
    """End before any job when the config demands a GPU that isn't there."""
    if study.runtime.device == "cuda" and without_gpu():
        sys.exit(
            "config: runtime.device: cuda, but this machine has no GPU; set auto or cpu"
        )


def model_description(name):
    """What a checkpoint's manifest says of the network itself."""
    model = plan.models[name]
    return stage_config(
        name=name,
        architecture=stage_config(model.architecture),
        classes=model.classes,
        preprocessing=stage_config(model.preprocessing),
        weights=model.weights,
    )


def spectra_config(wildcards):
    """What the spectra of one run depend on, plain or cross-validated."""
    return stage_config(
        ranks=study.spectra.ranks,
        solver=study.spectra.solver,
        components=study.spectra.components,
        resamples=study.spectra.resamples,
        seed=study.spectra.seed,
        reduction=study.spectra.reduction,
        layers=plan.layer_names("spectra", wildcards.model, wildcards.stimuli),
        model=wildcards.model,
        stimuli=wildcards.stimuli,
    )


def network_table():
    """What each network of the sweep is, for figures and claims."""
    return {
        name: {
            "dropout": network.dropout,
            "seed": network.seed,
            "statistics": network.statistics,
        }
        for name, network in networks(study.coding).items()
    }


def figure_files(name, category, title):
    """Outputs of a figure's rule, with their place in the report."""
    return {
        form: report(
            f"{FIGURES}/{name}.{form}",
            caption=f"../report/figure_{name.removeprefix('{prefix}').split('-')[0]}.rst",
            category=category,
            labels={"result": title, "form": form},
        )
        for form in ("pdf", "png", "csv")
    }


wildcard_constraints:
    model=r"[A-Za-z0-9_.-]+",
    stimuli=names_of(study.stimuli),
    method=r"[A-Za-z0-9_.-]+",
    backbone=r"[A-Za-z0-9_-]+",
    prefix="(coding-)?",


include: "shards.smk"
include: "reruns.smk"
