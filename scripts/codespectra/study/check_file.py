"""All mistakes of a study's file, without planning a job."""

from pathlib import Path

from codespectra.study import remembered
from codespectra.study.plan import Plan, make_plan
from codespectra.study.sections.study import load_study
from codespectra.study.study_file import read_study_file


def check_file(path: Path, notes: Path) -> Plan:
    """The plan of a study's file; paths in it start at the current folder, as snakemake's do.

    Args:
        path: of the YAML.
        notes: folder of what is remembered of networks and files (`remembered`).

    Raises:
        UserError: one line a mistake.
    """
    return make_plan(
        load_study(read_study_file(path)),
        remembered.cached_layers(notes),
        remembered.cached_classes(notes),
        remembered.cached_language_layers(notes),
        remembered.cached_recorded(notes),
    )
