"""Every working rule has what docs/development.md asks for."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from project import ROOT
from rules import BASE, TARGETS, packages_of, parsed_rules

from codespectra.jobs.code_digest import code_digest

RULES = parsed_rules()
WORKING = sorted(RULES.keys() - TARGETS - {BASE})
FIGURES = [name for name in WORKING if name.startswith("draw_")]
GPU_TAGGED = {
    "train_classifier",
    "train_vae",
    "recalibrate_statistics",
    "train_superposition",
    "estimate_information",
    "capture_activations",
    "capture_shard",
    "embed_stimuli",
    "embed_by_dreamsim",
    "compute_filters",
    "train_autoencoder",
    "train_autoencoder_grid",
    "measure_coactivation",
    "measure_sensitivity",
    "measure_stability",
    "measure_network",
    "attack_networks",
    "map_directions",
    "compare_people",
    "train_language_model",
    "capture_text",
    "capture_text_shard",
}
# Another rule's script, for other files.
SHARED = {"train_autoencoder_grid": "train_autoencoder.py"}


def test_the_rules_are_found():
    assert RULES.keys() >= TARGETS | GPU_TAGGED
    assert len(WORKING) >= 60
    assert len(FIGURES) >= 29


@pytest.mark.parametrize("name", WORKING)
def test_a_working_rule_is_complete(name):
    rule = RULES[name]
    assert rule.message and rule.output and rule.conda and len(rule.log) == 1
    assert rule.script == ("draw.py" if name in FIGURES else SHARED.get(name, f"{name}.py"))
    assert {"cfg", "code"} <= rule.params.keys()
    assert rule.benchmark.startswith("results/benchmarks/") and rule.benchmark.endswith(".jsonl")
    assert rule.log[0].startswith("results/logs/") and rule.log[0].endswith(".log")
    assert rule.resources["mem_mb"] >= 1000 and rule.resources["runtime"] >= 20


@pytest.mark.parametrize("name", WORKING)
def test_code_is_a_digest_of_what_runs(name):
    """Of the script; of a figure also of the module that `params.figure` names, and no other."""
    rule, module = RULES[name], None
    if name in FIGURES:
        module, function = rule.params["figure"].split(".")
        assert function == name
        module = f"figures/{module}.py"
        tree = ast.parse((ROOT / "scripts/codespectra" / module).read_text())
        assert function in {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
    assert rule.params["code"] == code_digest(ROOT / "scripts" / rule.script, None, module)


def test_each_figure_has_files_and_a_log_of_its_own():
    for part in ("log", "benchmark", "output"):
        assert len({str(getattr(RULES[name], part)) for name in FIGURES}) == len(FIGURES)
    for name in FIGURES:
        stems = {file.rpartition(".")[0] for _, file in RULES[name].output}
        assert [form for form, _ in RULES[name].output] == ["pdf", "png", "csv"]
        assert len(stems) == 1


@pytest.mark.parametrize("name", WORKING)
def test_inputs_and_outputs_are_named(name):
    # What `unpack` gives has names that only a function tells.
    assert all(key or file is None for key, file, _ in RULES[name].input)
    assert all(key for key, _ in RULES[name].output)


@pytest.mark.parametrize("name", WORKING)
def test_only_gpu_tagged_rules_ask_for_a_gpu(name):
    assert ("gpu" in RULES[name].resources) == (name in GPU_TAGGED)


@pytest.mark.parametrize("name", WORKING)
def test_large_files_are_taken_as_ancient_beside_their_manifest(name):
    """Where only a function tells the files, the names of the inputs tell which have a manifest."""
    names = [key or "" for key, _, _ in RULES[name].input]
    for key, file, ancient in RULES[name].input:
        if file is not None:
            assert ancient == file.endswith((".h5", ".pt")), file
        elif key is not None:
            stem = "" if key == "data" else key.removesuffix("s")
            described = any("manifest" in other and other.startswith(stem) for other in names)
            assert ancient == (described and "manifest" not in key), key


@pytest.mark.parametrize("script", sorted({RULES[name].script for name in WORKING}))
def test_a_script_starts_its_log_first(script):
    tree = ast.parse((ROOT / "scripts" / script).read_text())
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


@pytest.mark.parametrize("name", WORKING)
def test_an_environment_holds_what_its_scripts_import(name):
    file = ROOT / "envs" / RULES[name].conda
    *_, pip = yaml.safe_load(file.read_text())["dependencies"]
    held = {pin.split("==")[0] for pin in pip["pip"]}
    # open_clip's users install it; without it there is one line.
    assert packages_of(RULES[name]) - {"open_clip"} <= held


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
