"""What the rules share: the checked study, their params, and the request for a GPU."""

import sys
from pathlib import Path

SCRIPTS = Path(workflow.basedir) / "scripts"
sys.path.insert(0, str(SCRIPTS))

from codespectra.code import code_digest
from codespectra.config import load_study, stage_config
from codespectra.errors import UserError
from codespectra.plan import backbone_model, cached_layers, make_plan, stage_runs


def checked_plan():
    """The plan of the config, or one line a mistake and no traceback."""
    try:
        layers_code = code_digest(SCRIPTS / "codespectra" / "models.py")
        describe = cached_layers(Path(".snakemake/codespectra"), layers_code)
        return make_plan(load_study(config), describe)
    except UserError as error:
        sys.exit(str(error))


plan = checked_plan()
study = plan.study
# Scripts read runtime settings, which are no params, from the config: give them the defaults too.
config["runtime"] = study.runtime.model_dump()


def code_of(script):
    """`params.code`: changes when the script or a library module that it reaches does."""
    return code_digest(SCRIPTS / script)


def models_with(weights):
    """Wildcard constraint: names of the models whose weights come from there."""
    names = [name for name, model in plan.models.items() if model.weights == weights]
    return "|".join(names) or "(?!)"


def gpu_request(wildcards):
    """One GPU; none where this machine runs the jobs itself and has none, or the CPU is wanted."""
    here = workflow.local_exec and not list(Path("/dev").glob("nvidia[0-9]*"))
    return 0 if here or study.runtime.device == "cpu" else 1


def per_run(pattern, stage):
    """One file for each (model, stimuli) that a stage looks at."""
    return [pattern.format(model=model, stimuli=stimuli) for model, stimuli in stage_runs(study)[stage]]


wildcard_constraints:
    model=r"[A-Za-z0-9_-]+",
    stimuli=r"[A-Za-z0-9_-]+",
    method=r"[A-Za-z0-9_-]+",
    backbone=r"[A-Za-z0-9_-]+",
