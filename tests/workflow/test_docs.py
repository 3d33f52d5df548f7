"""Documents: all that they and the code refer to exists, and commands and keys are as they say."""

import ast
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from project import ROOT, read_config
from snakemake.cli import get_argument_parser

from codespectra.claims.catalogue import CLAIMS
from codespectra.study.sections.study import load_study

LIBRARY = ROOT / "scripts/codespectra"
HABITS = [ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "config/README.md")]
PAGES = [ROOT / "README.md", *HABITS, *sorted((ROOT / "docs").glob("*.md"))]
TEXT = {".py", ".smk", ".yaml", ".rst", ".md", ".toml", ".sh", ".cff"}
SOURCES = [
    *(path for path in ROOT.iterdir() if path.suffix in TEXT or path.stem.endswith("file")),
    *(
        path
        for folder in ("scripts", "workflow", "tests", "docs", "profiles", "envs", "benchmarks")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in TEXT and path != Path(__file__)
    ),
]
CONFIG = read_config()


def mentions(pattern: str, files: list[Path] = PAGES) -> list[Any]:
    """A parameter for each distinct first group of a pattern in the text of files."""
    return [
        pytest.param(file, found, id=f"{file.relative_to(ROOT)}: {found}"[:100])
        for file in files
        for found in dict.fromkeys(re.findall(pattern, file.read_text(), re.M))
    ]


def blocks(language: str) -> list[Any]:
    """The fenced blocks of the pages in a language."""
    return mentions(rf"^```{language}\n((?:(?!```).*\n)*)```$")


def headings(page: Path) -> list[str]:
    return re.findall(r"^#+ (.*)$", page.read_text(), re.M)


@pytest.mark.parametrize(("file", "sections"), mentions(r"methods ((?:§\d+(?:, )?)+)", SOURCES))
def test_a_section_of_the_methods_exists(file: Path, sections: str) -> None:
    known = {heading.split()[0] for heading in headings(ROOT / "docs/methods.md")}
    assert set(re.findall(r"§\d+", sections)) <= known


@pytest.mark.parametrize(("file", "name"), mentions(r"""(?<!["\w/.-])([\w/.-]+\.md)\b""", SOURCES))
def test_a_document_that_is_referred_to_exists(file: Path, name: str) -> None:
    assert any((folder / name).is_file() for folder in (ROOT, ROOT / "docs", file.parent))


@pytest.mark.parametrize(("page", "target"), mentions(r"\]\(([^)]+)\)"))
def test_a_link_leads_somewhere(page: Path, target: str) -> None:
    assert (page.parent / target.partition("#")[0]).exists()


@pytest.mark.parametrize(
    ("page", "path"),
    mentions(r"\b((?:scripts|workflow|tests|docs|profiles|envs|benchmarks)/[\w/.-]*\w)"),
)
def test_a_path_of_the_project_exists(page: Path, path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize(("page", "target"), mentions(r"(?:`|^)make (\w[\w-]*)"))
def test_a_target_of_make_exists(page: Path, target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M)


SNAKEMAKE = [ROOT / "Snakefile", *sorted((ROOT / "workflow/rules").glob("*.smk"))]
RULES = {
    name
    for file in SNAKEMAKE
    for name in re.findall(r"^(?:use )?rule (?:\w+ as )?(\w+)(?: with)?:", file.read_text(), re.M)
}


@pytest.mark.parametrize(
    ("page", "names"),
    [
        *mentions(r"(?:`|^)snakemake ([a-z]\w*)(?!/)\b"),
        *mentions(r"^    ([\w, ]+) \(\d+ jobs?\): "),
        *mentions(r"(?:follow|follows) from (\w+)$"),
    ],
)
def test_a_target_or_rule_of_snakemake_exists(page: Path, names: str) -> None:
    assert set(names.split(", ")) <= RULES


def has_target(command: str) -> bool:
    """Whether Snakemake takes `language` in a command for the target."""
    try:
        arguments = get_argument_parser().parse_args(shlex.split(command))
    except (SystemExit, Exception):
        return False
    return arguments.targets == ["language"]


@pytest.mark.parametrize(
    ("page", "row"), mentions(r"^\| (`snakemake.*)$", [ROOT / "docs/troubleshooting.md"])
)
def test_options_take_targets_as_the_table_says(page: Path, row: str) -> None:
    wrong, right = (re.findall(r"`snakemake ([^`]+)`", cell) for cell in row.split(" | ")[:2])
    assert not any(map(has_target, wrong)) and all(map(has_target, right))


def with_change(config: Any, change: Any) -> Any:
    """A config with what a snippet says of it."""
    if not (isinstance(config, dict) and isinstance(change, dict)):
        return change
    return config | {key: with_change(config.get(key), value) for key, value in change.items()}


@pytest.mark.parametrize(("page", "text"), blocks("yaml"))
def test_a_snippet_of_config_is_valid(page: Path, text: str) -> None:
    load_study(with_change(CONFIG, yaml.safe_load(text)))


SECTIONS = "|".join(CONFIG)


@pytest.mark.parametrize(("page", "text"), mentions(rf"`((?:{SECTIONS})(?:\.\w+)+)(?<!\.csv)`"))
def test_a_key_of_config_exists(page: Path, text: str) -> None:
    here = CONFIG
    for key in text.split("."):
        here = here[key]


@pytest.mark.parametrize(("page", "text"), mentions(rf"`((?:{SECTIONS})(?:\.\w+)*: [^`…]+)`"))
def test_a_value_of_config_is_valid(page: Path, text: str) -> None:
    keys, _, value = text.partition(": ")
    change = yaml.safe_load(value)
    for key in reversed(keys.split(".")):
        change = {key: change}
    load_study(with_change(CONFIG, change))


@pytest.mark.parametrize(
    ("page", "text"), [one for one in blocks("python") if one.values[0].name != "library.md"]
)
def test_a_snippet_of_python_runs(page: Path, text: str) -> None:
    exec(text, {})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_inline_mathematics_has_nothing_that_markdown_takes(page: Path) -> None:
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page.read_text(), flags=re.M | re.S)
    for paragraph in text.split("\n\n"):
        for line in paragraph.split("\n") if paragraph.startswith("|") else [paragraph]:
            _, *odd = line.split("$")
            assert len(odd) % 2 == 0, line
            for formula in odd[::2]:
                assert not re.search(r"\n|\*|\}_|\\[^A-Za-z]|^\s|\s$", formula), formula


def test_readme_is_a_front_door() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 150
    pages = {f"docs/{page.name}" for page in PAGES if page.parent.name == "docs"}
    assert pages <= set(re.findall(r"\]\(([^)]+)\)", text))


def test_every_claim_is_in_the_methods() -> None:
    section = (ROOT / "docs/methods.md").read_text().partition("## §10")[2]
    named = set()
    for letter, first, last in re.findall(r"\b([ABC])(\d+)(?:–[ABC](\d+))?", section):
        named |= {f"{letter}{number}" for number in range(int(first), int(last or first) + 1)}
    assert named == {claim.id for claim in CLAIMS}


def test_the_table_of_rooms_is_that_of_the_library() -> None:
    text = (ROOT / "docs/development.md").read_text().partition("## To add")[0]
    rooms = dict(re.findall(r"^\| `([\w/]+)` \| (.*) \|$", text, re.M))
    packages = [path.parent for path in LIBRARY.rglob("__init__.py") if path.parent != LIBRARY]
    said = {
        path.relative_to(LIBRARY).as_posix(): ast.get_docstring(
            ast.parse((path / "__init__.py").read_text())
        )
        for path in packages
    }
    assert rooms == {name: " ".join(words.split()) for name, words in said.items()}
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = linter["contracts"][0]["layers"]
    floors = [name for name in rooms if "/" not in name]
    assert floors == [name for name in reversed(layers) if name in floors]


@pytest.mark.parametrize(
    ("page", "path"), mentions(r"`(\w+/\w+(?:\.py)?)`", [ROOT / "docs/development.md"])
)
def test_a_place_in_the_library_exists(page: Path, path: str) -> None:
    assert (LIBRARY / path).exists() or (ROOT / path).exists()
