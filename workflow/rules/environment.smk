"""Which library, Python and study run, wherever the workflow is started or included from."""

import os
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path

if not isinstance(workflow.current_basedir, os.PathLike):
    sys.exit(
        "codespectra: jobs import the library beside the Snakefile: clone the repository and name "
        "its Snakefile, or name workflow/Snakefile by github(), gitlab() or gitfile()"
    )

HOME = Path(workflow.current_basedir).parents[1]
SCRIPTS = HOME / "scripts"
# What jobs inherit: this library before any that is installed; UTF-8 in any locale; no locks of
# HDF5's own, which not every file system has; and glibc keeps the memory of arrays up to 256 MB for
# the next ones, for fresh pages from the system can take as long as what is computed in them.
sys.path.insert(0, str(SCRIPTS))
inherited = filter(None, [os.environ.get("PYTHONPATH")])
os.environ.update(
    PYTHONPATH=os.pathsep.join([str(SCRIPTS), *inherited]),
    PYTHONUTF8="1",
    HDF5_USE_FILE_LOCKING="FALSE",
    MALLOC_MMAP_THRESHOLD_=str(2**28),
    MALLOC_TRIM_THRESHOLD_=str(2**30),
)

import codespectra

if not (SCRIPTS / "codespectra/__init__.py").samefile(codespectra.__file__):
    sys.exit(
        f"{codespectra.__file__} is imported instead of {SCRIPTS}/codespectra: "
        "pip uninstall codespectra, or run the Snakefile that belongs to it"
    )

PLANNED_WITH = ("h5py", "numpy", "pydantic", "timm", "torch", "torchvision", "transformers")
if missing := [name for name in PLANNED_WITH if find_spec(name) is None]:
    sys.exit(
        f"{sys.executable} has no {', '.join(missing)}: a plan looks into networks, so that snakemake "
        f"must run in a Python with the packages of {HOME}/requirements.lock, also with --sdm conda"
    )

# Snakemake doesn't quote Python's path (its issue 2645); jobs start in this folder.
if shlex.quote(sys.executable) != sys.executable:
    sys.executable = os.path.relpath(sys.executable)
if shlex.quote(sys.executable) != sys.executable:
    sys.exit(
        f"Snakemake can't start jobs with {sys.executable}: take a Python whose path has no blanks "
        "or other special characters, or a .venv in this folder"
    )

STUDY_GIVEN = workflow.overwrite_configfiles or ({*config} - {*workflow.config_settings.config})
DEFAULT_STUDY = "config.yaml" if Path("config.yaml").exists() else str(HOME / "config.yaml")

from codespectra.errors import UserError
from codespectra.study.study_file import read_study_file

# Snakemake keeps the last of two values of a key, and doesn't say where a file is no YAML.
if workflow.is_main_process:
    try:
        for file in workflow.overwrite_configfiles or ([] if STUDY_GIVEN else [DEFAULT_STUDY]):
            read_study_file(file)
    except UserError as error:
        sys.exit(str(error))
