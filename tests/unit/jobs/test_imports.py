"""What scripts import at start: heavy libraries only where every run of the script needs them."""

import ast
from functools import cache
from pathlib import Path

import pytest

from codespectra.jobs.code_digest import PACKAGE

SCRIPTS = Path(__file__).parents[3] / "scripts"
# CPU seconds that an import takes beside torch's 1.1 and pandas' .3: sklearn .9, seaborn .8,
# scipy.stats .5, torchvision and what transformers brings 1.7, timm 3.
HEAVY = {"scipy.stats", "seaborn", "sklearn", "timm", "torchvision", "transformers"}
NEEDED = {
    "capture_text": {"transformers"},
    "capture_text_shard": {"transformers"},
    "compare_people": {"sklearn", "torchvision"},
    "embed_by_dreamsim": {"timm"},
    "embed_manifold": {"sklearn"},
    "import_gguf": {"transformers"},
    "import_language_model": {"transformers"},
    "initialise_language_model": {"transformers"},
    "judge_claims": {"scipy.stats"},
    "place_directions": {"sklearn"},
    "recover_planted": {"scipy.stats", "sklearn"},
    "train_language_model": {"transformers"},
}


@cache
def at_start(file: Path) -> frozenset[str]:
    """Names that a file imports whenever it is run or imported, not on a call or a condition."""
    names, pending = set(), list(ast.parse(file.read_text()).body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.If):
            pending += ast.iter_child_nodes(node)
    return frozenset(names)


def heavy_at_start(file: Path) -> set[str]:
    """Heavy libraries that a file imports at start, itself or by way of the package's modules."""
    found, seen, pending = set(), set(), [file]
    while pending:
        for name in at_start(pending.pop()):
            module = SCRIPTS.joinpath(*name.split(".")).with_suffix(".py")
            if name.startswith(f"{PACKAGE}.") and module.is_file() and module not in seen:
                seen.add(module)
                pending.append(module)
            found |= {heavy for heavy in HEAVY if f"{name}.".startswith(f"{heavy}.")}
    return found


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.stem)
def test_a_script_imports_at_start_what_all_its_runs_need(script):
    assert heavy_at_start(script) == NEEDED.get(script.stem, set())


def test_no_figure_imports_a_heavy_library_at_start():
    figures = (SCRIPTS / PACKAGE / "figures").glob("*.py")
    assert {figure.stem: heavy for figure in figures if (heavy := heavy_at_start(figure))} == {}
