"""A study to begin with, for one purpose: its YAML, commented."""

from pathlib import Path

from codespectra.errors import UserError
from codespectra.study.commented import with_comments

TEMPLATES = Path(__file__).with_name("new")
PURPOSES = tuple(sorted(file.stem for file in TEMPLATES.glob("*.yaml")))


def new_study(name: str, purpose: str) -> str:
    """The text of a study of that name: `vision`, `language` or `activations`.

    Raises:
        UserError: it can't be the name of a study.
    """
    text = (TEMPLATES / f"{purpose}.yaml").read_text("utf-8")
    return HEAD + with_comments(text.replace("study: NAME", f"study: {name}", 1))


def write_new(path: Path, purpose: str) -> None:
    """Write a new study into a file that isn't there yet, and which it is called after.

    Raises:
        UserError: the file is there, or can't be written.
    """
    text = new_study(path.stem, purpose)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UserError(f"{path}: is there already; choose another name") from error
    except OSError as error:
        raise UserError(f"{path}: can't be written ({error.strerror})") from error


HEAD = """\
# A study to begin with. What is left out has the value that it has in config.yaml.
#   python -m codespectra check FILE        says what is wrong in it
#   snakemake --configfile FILE         runs it; paths start from the folder where that is said
"""
