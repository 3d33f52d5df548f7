"""Code digests: an edit counts where it is reached and changes what runs, and nowhere else."""

from itertools import count
from pathlib import Path

import pytest

from codespectra.jobs.code_digest import code_digest, reached_modules

SCRIPTS = Path(__file__).parents[3] / "scripts"
PROJECT = {
    "rule.py": '"""Rule."""\n\nfrom codespectra import direct\n\ndirect.run()\n',
    "codespectra/__init__.py": '"""Package."""\n',
    "codespectra/direct.py": (
        '"""Direct."""\n\n\ndef run():\n    """Run."""\n'
        "    from codespectra.indirect import answer\n\n    return answer()\n"
    ),
    "codespectra/indirect.py": (
        '"""Indirect."""\n\n\nclass Unused:\n    """Nothing else."""\n\n\n'
        'def answer():\n    return "42"\n'
    ),
    "codespectra/unreached.py": "import codespectra.direct\n\nVALUE = 1\n",
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
    ],
    ids=["script docstring", "comment", "only a docstring", "layout", "unreached", "subpackage"],
)
def test_other_edit_does_not_count(changes: dict[str, str], tmp_path: Path) -> None:
    assert digest(tmp_path, changes) == digest(tmp_path)


@pytest.mark.parametrize(
    "line, reached",
    [
        ("from codespectra import unreached", {"unreached.py", "direct.py", "indirect.py"}),
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
    found = {str(path.relative_to(library)) for path in reached_modules(script, library)}
    assert found == reached | {"__init__.py"}


def test_foreign_imports_are_left_out(tmp_path: Path) -> None:
    script = write(
        tmp_path, PROJECT | {"rule.py": "import json\nfrom codespectral import direct\n"}
    )
    assert reached_modules(script, script.parent / "codespectra") == set()


def test_stimuli_rerun_for_image_files_but_not_for_training() -> None:
    library = SCRIPTS / "codespectra"
    reached = {path.stem for path in reached_modules(SCRIPTS / "make_stimuli.py", library)}
    assert {"stimuli", "photographs", "image_files", "hdf5_files", "errors"} <= reached
    assert reached.isdisjoint({"training", "models", "checkpoints", "config"})
