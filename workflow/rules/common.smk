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
from codespectra.study.sections.stage import stage_config
from codespectra.study.sections.study import load_study
from codespectra.errors import UserError
from codespectra.study.implied import (
    PEOPLE,
    analyses,
    interpretability_runs,
    backbone_model,
    class_count,
    directions_runs,
    filter_runs,
    headline_metric,
    methods_of,
    network_backbones,
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
# The metric of figures that show one, and what those are that a network's own features give.
HEADLINE = headline_metric(study)
BACKBONES = network_backbones(study)


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
    mode="json", include={"ranks", "solver", "components", "resamples", "seed"}
)


def run_config(kind, wildcards, **fields):
    """What a stage depends on that looks at the layers of one run: they, and fields of the config."""
    run = wildcards.model, wildcards.stimuli
    if "reduction" not in fields:
        fields["reduction"] = reduction_of(study, kind, run[0])
    return stage_config(model=run[0], stimuli=run[1], layers=plan.layer_names(kind, *run), **fields)


def spectra_config(wildcards):
    """What the spectra of one run depend on, plain or cross-validated."""
    return run_config("spectra", wildcards, **SPECTRUM, estimators=[*study.spectra.estimators])


def reported(file, caption, category, title, form="table"):
    """An output with its place in the report; `caption` names its text in workflow/report."""
    if "{model}" in file and "{stimuli}" in file:
        title += ", {model} on {stimuli}"
    labels = {"result": title, "form": form}
    return report(file, caption=f"../report/{caption}.rst", category=category, labels=labels)


# Of the tables in the report, by their folder.
CATEGORIES = {
    "checkpoints": "Networks",
    **dict.fromkeys(("spectra", "projections"), "Code"),
    **dict.fromkeys(("interpretability", "people"), "Interpretability"),
    **{name: name.capitalize() for name in ("theory", "robustness")},
}


def table(file, title, caption=None):
    """A table with its place in the report; its text is called as the file, unless told."""
    category = "Language" if "/text/" in file else CATEGORIES[Path(file).parts[1]]
    return reported(file, caption or Path(file).stem, category, title)


def figure_files(name, category, title):
    """Outputs of a figure's rule: the report shows the picture alone, and stays small.

    Its text there is called as what of the name is fixed.
    """
    fixed = re.sub(r"-?{\w+}", "", name)
    pdf, png, csv = (f"{FIGURES}/{name}.{form}" for form in ("pdf", "png", "csv"))
    return {"pdf": pdf, "png": reported(png, f"figure_{fixed}", category, title, "png"), "csv": csv}


def run_figure_files(name, title):
    """The same of a figure of one run of the interpretability study."""
    return figure_files(f"{name}-{{model}}-{{stimuli}}", "Interpretability", title)


def pictures(names):
    """The figures of those names, as a target asks for them."""
    return [f"{FIGURES}/{name}.png" for name in names]


def with_claims(scope, files):
    """The files of a target, and the claims on them; nothing if there are none."""
    claims = [*pictures([f"claims{scope}"]), f"results/claims{scope}.csv"]
    return [*files, *claims] if files else []


def drawn_by(figure):
    """Params of a figure: its function in `codespectra.figures`, and the digest of that code."""
    library = f"figures/{figure.split('.')[0]}.py"
    code = code_digest(SCRIPTS / "draw.py", REMEMBERED, library)
    return {"figure": figure, "code": code}


wildcard_constraints:
    model=r"[A-Za-z0-9_.-]+",
    stimuli=names_of([*study.stimuli, *study.activations]),
    method=r"[A-Za-z0-9_.-]+",
    backbone=r"[A-Za-z0-9_-]+",
    prefix="(coding-)?",
    scope="(-coding|-theory|-language|-interpretability|-robustness|-pretrained|-everything)?",
    piece=ENDING,


include: "outside.smk"
include: "inputs.smk"
include: "claim_tables.smk"
include: "atlas_inputs.smk"
include: "captures.smk"
include: "shards.smk"
include: "reruns.smk"
include: "disk.smk"
include: "growing_sets.smk"
include: "kept.smk"
