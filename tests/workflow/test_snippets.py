"""Commands of the documents: each is Snakemake's own, and plans what it says, or is listed here.

Their blocks of YAML and Python are tested in `test_docs`, those of `library.md` in `test_library`.
"""

import re
import runpy
import shlex
import sys
from argparse import Namespace
from pathlib import Path

import pytest
import yaml
from planned_jobs import job_counts
from project import MINI, ROOT, copy_project
from snakemake.cli import get_argument_parser

from codespectra.__main__ import main

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LANGUAGES = {"sh", "yaml", "python", "math"}
# Blocks of other languages: they are run elsewhere, or can't be.
OTHERS = {
    ("elsewhere.md", "snakemake"): "tests/slow/test_elsewhere.py runs the same",
    ("library.md", "py"): "need SAELens or overcomplete, as the page says",
}
# First words of commands that no test runs, with the reason.
NOT_RUN = {
    "make": "its targets are tested in test_docs; they run all",
    "mkdir": "the shell's",
    "cd": "the shell's",
    "export": "the shell's",
    "source": "the shell's",
    "pip": "installs from a registry",
    "uv": "installs from a registry",
    "snakedeploy": "fetches a repository; tests/slow/test_elsewhere.py plans what it writes",
    "docker": "no container can be run here",
    "apptainer": "no container can be run here",
    "benchmarks/gpu/run.sh": "needs a GPU; tests/slow rehearses it on the CPU",
}
# Studies whose data or weights are the reader's own, and one that an earlier command writes.
NOT_PLANNED = {
    "workflow/studies/imagenet_resnet50.yaml": "ImageNet; tests/slow/test_scale.py plans it",
    "workflow/studies/paper_coding.yaml": "CIFAR-10; tests/slow/test_paper_studies.py plans it",
    "workflow/studies/zoo.yaml": "ImageNet; tests/slow/test_scale.py plans it",
    "mystudy.yaml": "its folder of images is the reader's",
}


def fences() -> list[tuple[Path, str, str]]:
    """Page, language and text of each block that names a language."""
    fence = r"^```(\w+)\n((?:(?!```).*\n)*)```$"
    return [(page, *found) for page in PAGES for found in re.findall(fence, page.read_text(), re.M)]


def commands() -> list[tuple[str, tuple[str, ...]]]:
    """Page and words of each command of the shell blocks, each once."""
    found = []
    for page, language, text in fences():
        if language == "sh":
            for line in text.replace("\\\n", " ").splitlines():
                pieces = re.split(r"&&|;", re.sub(r"(^|\s)#.*", "", line))
                found += [(page.name, tuple(shlex.split(piece))) for piece in pieces]
    return [one for one in dict.fromkeys(found) if one[1]]


COMMANDS = commands()
SNAKEMAKE = {words: page for page, words in COMMANDS if words[0] == "snakemake"}


def test_a_block_is_of_a_language_that_is_tested_or_listed() -> None:
    others = {(page.name, name) for page, name, _ in fences() if name not in LANGUAGES}
    assert others == set(OTHERS)


def test_a_command_is_tested_or_listed() -> None:
    first = {words[0] for _, words in COMMANDS}
    assert first - {"snakemake", "python", ".venv/bin/python"} == set(NOT_RUN)


def parse(words: tuple[str, ...]) -> Namespace:
    """The arguments of a command as Snakemake understands them."""
    return get_argument_parser().parse_args([*words[1:]])


@pytest.mark.parametrize("words", SNAKEMAKE, ids=" ".join)
def test_a_command_has_options_of_snakemake_and_files_of_the_project(words) -> None:
    given = parse(words)
    for study in given.configfile or ():
        assert str(study) == "mystudy.yaml" or (ROOT / study).is_file()
    if given.workflow_profile:
        assert yaml.safe_load((ROOT / given.workflow_profile / "config.yaml").read_text())


def test_a_command_plans_jobs(tmp_path) -> None:
    targets: dict[str, set[str]] = {}
    for words in SNAKEMAKE:
        given = parse(words)
        study = str((given.configfile or ["config.yaml"])[0])
        if study not in NOT_PLANNED:
            targets.setdefault(study, set()).update(given.targets or ["main"])
    assert {"main", "atlas", "everything"} <= targets["config.yaml"]
    assert min(job_counts(copy_project(tmp_path), targets)) > 100


def test_commands_of_codespectra_do_what_they_say(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = [words[3:] for _, words in COMMANDS if words[:3] == ("python", "-m", "codespectra")]
    assert given
    for words in given:
        assert main(words) == 0 or words[0] == "check"
    assert Path("mystudy.yaml").is_file()


def test_the_list_of_layers_has_those_of_a_network(monkeypatch, capsys) -> None:
    (words,) = (words for _, words in COMMANDS if words[1:2] == ("scripts/list_layers.py",))
    ours = {"mystudy.yaml": MINI, "vit": "classifier"}
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", [ours.get(word, word) for word in words[1:]])
    runpy.run_path(words[1], run_name="__main__")
    said = capsys.readouterr().out
    assert re.match(r"classifier: \d+ layers\n", said) and "layer1.0.relu:1" in said
