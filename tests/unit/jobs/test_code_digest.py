"""Code digests: an edit counts where it is reached and changes what runs, and nowhere else."""

import ast
import sys
from itertools import count
from pathlib import Path

import pytest

from codespectra.jobs import code_digest as module
from codespectra.jobs.code_digest import LEFT_OUT, code_digest, reached_modules

SCRIPTS = Path(__file__).parents[3] / "scripts"
LIBRARY = SCRIPTS / "codespectra"
PROJECT = {
    "rule.py": '"""Rule."""\n\nfrom codespectra import direct\n\ndirect.run()\n',
    "codespectra/__init__.py": '"""Package."""\n',
    "codespectra/direct.py": (
        '"""Direct."""\n\nfrom codespectra.errors import WORDS\n\n\ndef run():\n    """Run."""\n'
        "    from codespectra.indirect import answer\n\n    return answer()\n"
    ),
    "codespectra/indirect.py": (
        '"""Indirect."""\n\n\nclass Unused:\n    """Nothing else."""\n\n\n'
        'def answer():\n    return "42"\n'
    ),
    "codespectra/unreached.py": "import codespectra.direct\n\nVALUE = 1\n",
    "codespectra/errors.py": 'WORDS = "No such file."\n',
    "codespectra/figures/__init__.py": '"""Figures."""\n',
    "codespectra/figures/style.py": "WIDTH = 1\n",
}
FOLDERS = count()


def write(root: Path, files: dict[str, str]) -> Path:
    """The script of a project written to a folder of its own, so that no cache knows it."""
    folder = root / str(next(FOLDERS))
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "rule.py"


def digest(root: Path, changes: dict[str, str] | None = None) -> str:
    return code_digest(write(root, PROJECT | (changes or {})))


def edited(file: str, old: str, new: str) -> dict[str, str]:
    assert old in PROJECT[file]
    return {file: PROJECT[file].replace(old, new)}


def test_another_place_and_time_change_nothing(tmp_path: Path) -> None:
    assert digest(tmp_path) == digest(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        edited("rule.py", "direct.run()", "direct.run(), 1"),
        edited("codespectra/direct.py", "return answer()", "return 2 * answer()"),
        edited("codespectra/indirect.py", '"42"', '"43"'),
        edited("codespectra/__init__.py", "\n", "\nVERSION = 2\n"),
    ],
    ids=["script", "direct", "indirect", "package"],
)
def test_reached_edit_counts(changes: dict[str, str], tmp_path: Path) -> None:
    assert digest(tmp_path, changes) != digest(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        edited("rule.py", '"""Rule."""', "# No docstring.\n"),
        edited("codespectra/direct.py", '    """Run."""\n', '    """Run it."""  # Twice.\n\n'),
        edited("codespectra/indirect.py", '"""Nothing else."""', "pass"),
        edited("codespectra/indirect.py", 'return "42"', "return (\n        '42'\n    )"),
        edited("codespectra/unreached.py", "VALUE = 1", "VALUE = 2"),
        edited("codespectra/figures/style.py", "WIDTH = 1", "WIDTH = 2"),
        edited("codespectra/errors.py", "No such file.", "There is no such file."),
    ],
    ids=[
        *("script docstring", "comment", "only a docstring", "layout", "unreached", "subpackage"),
        "left out",
    ],
)
def test_other_edit_does_not_count(changes: dict[str, str], tmp_path: Path) -> None:
    assert digest(tmp_path, changes) == digest(tmp_path)


@pytest.mark.parametrize(
    "line, reached",
    [
        (
            "from codespectra import unreached",
            {"unreached.py", "direct.py", "indirect.py", "errors.py"},
        ),
        ("from codespectra.indirect import answer", {"indirect.py"}),
        ("import codespectra.indirect", {"indirect.py"}),
        ("import codespectra.indirect as i, json", {"indirect.py"}),
        (
            "from codespectra.figures.style import WIDTH",
            {"figures/__init__.py", "figures/style.py"},
        ),
        ("from codespectra.figures import style", {"figures/__init__.py", "figures/style.py"}),
        ("import codespectra.figures.style", {"figures/__init__.py", "figures/style.py"}),
        ("import codespectra.figures", {"figures/__init__.py"}),
        ("import codespectra", set()),
    ],
)
def test_imports_are_followed(line: str, reached: set[str], tmp_path: Path) -> None:
    script = write(tmp_path, PROJECT | {"rule.py": line + "\n"})
    library = script.parent / "codespectra"
    found = {str(path.relative_to(library)) for path in reached_modules(script)}
    assert found == reached | {"__init__.py"}


def test_a_module_that_a_script_imports_by_name_counts_with_its_imports(tmp_path: Path) -> None:
    def told(name: str, changes: dict[str, str] | None = None) -> str:
        return code_digest(write(tmp_path, PROJECT | (changes or {})), None, name)

    own = edited("codespectra/unreached.py", "VALUE = 1", "VALUE = 2")
    style = edited("codespectra/figures/style.py", "WIDTH = 1", "WIDTH = 2")
    assert told("unreached.py") not in {digest(tmp_path), told("unreached.py", own)}
    assert told("unreached.py") == told("unreached.py", style)
    assert told("figures/style.py") == told("figures/style.py", own)
    imported = {"codespectra/unreached.py": "from codespectra.figures import style\n"}
    assert told("unreached.py", imported) != told("unreached.py", imported | style)


def test_foreign_imports_are_left_out(tmp_path: Path) -> None:
    script = write(
        tmp_path, PROJECT | {"rule.py": "import json\nfrom codespectral import direct\n"}
    )
    assert reached_modules(script) == set()


def test_what_is_remembered_of_a_file_follows_from_its_reader(tmp_path: Path, monkeypatch) -> None:
    notes, found = tmp_path / "notes", []
    for reader in (b"one", b"one", b"another"):
        monkeypatch.setattr(module, "READER", reader)
        code_digest(write(tmp_path, PROJECT), notes)
        found.append({*notes.iterdir()})
    assert found[0] == found[1] < found[2]


# The library -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_knows_no_numbers(name: str) -> None:
    """It imports the standard library, tqdm and others left out, so nothing with arrays."""
    tree = ast.parse((LIBRARY / name).read_text())
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    named = {
        node.module if isinstance(node, ast.ImportFrom) else alias.name
        for node in nodes
        for alias in node.names
    }
    assert {top.split(".")[0] for top in named} <= sys.stdlib_module_names | {"codespectra", "tqdm"}
    own = {str(path.relative_to(LIBRARY)) for path in reached_modules(LIBRARY / name)}
    assert {path for path in own if not path.endswith("__init__.py")} <= {*LEFT_OUT}


def reaching(name: str) -> set[str]:
    """Scripts that import a library module, themselves or through others."""
    return {
        script.stem for script in SCRIPTS.glob("*.py") if LIBRARY / name in reached_modules(script)
    }


def test_what_is_left_out_is_reached() -> None:
    assert all(reaching(name) for name in LEFT_OUT)


def test_training_does_not_follow_from_how_photographs_are_cut() -> None:
    assert reaching("data/photographs.py") == {"make_stimuli"}
    assert "train_classifier" in reaching("data/stimulus_file.py")


def test_only_what_builds_a_network_follows_from_its_modules() -> None:
    assert reaching("models/resnet_vae.py") == reaching("models/small_resnet.py")
    analyses = {"fit_spectra", "find_directions", "project_dot", "score_interpretability"}
    assert not reaching("models/resnet_vae.py") & (analyses | {"judge_claims", "draw"})
    assert reaching("models/layer_listing.py") > {"capture_text", "capture_activations"}


@pytest.mark.parametrize(
    "name", ["claims/catalogue.py", "figures/index_methods.py", "interpretability/index_means.py"]
)
def test_a_word_of_the_tables_brings_no_similarity(name: str) -> None:
    assert LIBRARY / "interpretability/similarity.py" not in reached_modules(LIBRARY / name)
