"""`python -m codespectra`: a new study's file, and what is wrong in one."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from codespectra.errors import UserError
from codespectra.study.check_file import check_file
from codespectra.study.new_study import PURPOSES, write_new

REMEMBERED = Path(".snakemake/codespectra")  # beside the results, as snakemake's own start does


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; 0, or 1 and one line a mistake on stderr."""
    parser = ArgumentParser("python -m codespectra", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    new = commands.add_parser("new", help="write a commented study, NAME.yaml")
    new.add_argument("name", help="of the study")
    new.add_argument("--for", dest="purpose", choices=PURPOSES, default="vision")
    check = commands.add_parser("check", help="say what is wrong in a study, without planning it")
    check.add_argument("file", type=Path)
    given = parser.parse_args(arguments)
    try:
        print(_new(given.name, given.purpose) if given.command == "new" else _check(given.file))
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _new(name: str, purpose: str) -> str:
    path = Path(f"{name.removesuffix('.yaml')}.yaml")
    write_new(path, purpose)
    return f"{path}: edit what its comments call yours, then python -m codespectra check {path}"


def _check(file: Path) -> str:
    plan = check_file(file, REMEMBERED)
    captured = sum(map(len, plan.captures.values()))
    counts = f"{len(plan.models)} networks, {len(plan.study.stimuli)} sets, {captured} layers"
    return f"{file}: no mistakes; {counts} to capture"


if __name__ == "__main__":
    sys.exit(main())
