"""Every working rule has what docs/development.md asks for."""

import ast
import re
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from project import ROOT

from codespectra.jobs.code_digest import reached_modules

TARGETS = {"main", "coding", "interpretability", "language", "theory", "everything"}
GPU_TAGGED = {
    "train_classifier",
    "train_vae",
    "recalibrate_statistics",
    "train_superposition",
    "estimate_information",
    "capture_activations",
    "capture_shard",
    "embed_stimuli",
    "compute_filters",
    "train_autoencoder",
    "measure_coactivation",
    "measure_sensitivity",
    "compare_people",
    "train_language_model",
    "capture_text",
    "capture_text_shard",
}
NEEDED = (
    "message",
    "output",
    "params",
    "log",
    "benchmark",
    "threads",
    "resources",
    "conda",
    "script",
)


def rules() -> dict[str, str]:
    """Source of every rule, by name."""
    found = {}
    for file in [ROOT / "Snakefile", *sorted((ROOT / "workflow/rules").glob("*.smk"))]:
        parts = re.split(r"^rule (\w+):\n", file.read_text(), flags=re.M)
        for name, body in zip(parts[1::2], parts[2::2], strict=True):
            found[name] = re.split(r"^\S", body, maxsplit=1, flags=re.M)[0]
    return found


RULES = rules()
WORKING = sorted(set(RULES) - TARGETS)


def directive(body: str, name: str) -> str:
    """Text of one directive of a rule."""
    match = re.search(rf"^    {name}:(.*?)(?=^    \w+:|\Z)", body, flags=re.M | re.S)
    return match[1] if match else ""


def test_the_rules_are_found():
    assert set(RULES) >= TARGETS | GPU_TAGGED
    assert len(WORKING) >= 15


@pytest.mark.parametrize("name", WORKING)
def test_a_working_rule_is_complete(name):
    body = RULES[name]
    missing = [key for key in NEEDED if not directive(body, key).strip()]
    assert not missing
    assert "cfg=" in directive(body, "params")
    assert f'code=code_of("{name}.py")' in directive(body, "params")
    assert f'scripts/{name}.py"' in directive(body, "script")
    assert directive(body, "benchmark").strip().endswith('.jsonl"')
    assert {"mem_mb=", "runtime="} <= set(re.findall(r"\w+=", directive(body, "resources")))


@pytest.mark.parametrize("name", WORKING)
def test_inputs_and_outputs_are_named(name):
    for key in ("input", "output"):
        text = directive(RULES[name], key)
        for line in filter(None, (line.strip() for line in text.splitlines())):
            depth_one = re.match(r"^( {8})\S", f"        {line}")
            assert depth_one
        entries = re.findall(r"^ {8}(\S.*)$", text, flags=re.M)
        named = re.compile(r"^\w+=|^\*\*|^unpack\(|^[)\]}]")
        assert all(named.match(entry) for entry in entries), entries


@pytest.mark.parametrize("name", WORKING)
def test_only_gpu_tagged_rules_ask_for_a_gpu(name):
    assert ("gpu=gpu_request" in directive(RULES[name], "resources")) == (name in GPU_TAGGED)


@pytest.mark.parametrize("name", WORKING)
def test_large_files_are_taken_as_ancient_beside_their_manifest(name):
    entries = re.split(r"^ {8}(?=\w)", directive(RULES[name], "input"), flags=re.M)
    for entry in entries:
        if re.search(r"\.(h5|pt)\"", entry):
            assert "ancient(" in entry, entry


@pytest.mark.parametrize("name", WORKING)
def test_a_script_starts_its_log_first(name):
    tree = ast.parse((ROOT / "scripts" / f"{name}.py").read_text())
    statements = [
        node
        for node in tree.body
        if not isinstance(node, ast.Import | ast.ImportFrom)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]
    assert "start_job(snakemake.log[0])" in ast.unparse(statements[0])


def test_the_library_knows_neither_snakemake_nor_the_results_tree():
    for file in (ROOT / "scripts/codespectra").rglob("*.py"):
        names = {n.id for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Name)}
        assert "snakemake" not in names, file
        assert "results/" not in file.read_text(), file


def test_environments_pin_what_the_lock_pins():
    lock = (ROOT / "requirements.lock").read_text()
    for file in (ROOT / "envs").glob("*.yaml"):
        *_, pip = yaml.safe_load(file.read_text())["dependencies"]
        assert pip["pip"]
        for pin in pip["pip"]:
            assert re.search(rf"^{re.escape(pin)}[ \\]", lock, flags=re.M), f"{file.name}: {pin}"


PACKAGES = {
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "huggingface_hub": "huggingface-hub",
}


def packages_of(name: str) -> set[str]:
    """Packages that a rule's script imports, itself or by the modules that it reaches."""
    script = ROOT / "scripts" / f"{name}.py"
    files = [script, *reached_modules(script)]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    modules = {a.name for node in nodes if isinstance(node, ast.Import) for a in node.names}
    modules |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    tops = {module.split(".")[0] for module in modules} - sys.stdlib_module_names - {"codespectra"}
    return {PACKAGES.get(top, top) for top in tops}


@pytest.mark.parametrize("name", WORKING)
def test_an_environment_holds_what_its_scripts_import(name):
    file = ROOT / "envs" / re.search(r"envs/(\w+\.yaml)", RULES[name])[1]
    *_, pip = yaml.safe_load(file.read_text())["dependencies"]
    held = {pin.split("==")[0] for pin in pip["pip"]}
    assert packages_of(name) <= held


def test_every_profile_entry_has_a_comment():
    for file in (ROOT / "profiles").glob("*/config.yaml"):
        lines = file.read_text().splitlines()
        for before, line in pairwise(lines):
            if re.match(r"^[a-z-]+:", line):
                assert before.startswith("#"), f"{file}: {line}"


def test_the_snakefile_stays_small():
    assert len((ROOT / "Snakefile").read_text().splitlines()) <= 60
    assert (
        max(len(f.read_text().splitlines()) for f in Path(ROOT, "workflow/rules").iterdir()) <= 250
    )
