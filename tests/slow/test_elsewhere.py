"""The workflow away from home: beside an installed library, in another workflow, in any folder."""

import json
import os
import re
import shutil
import site
import subprocess
import sys
import threading
import venv
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from project import MINI, ROOT, Project, copy_project, read_config, share_memory, table_of_jobs

# Two jobs of few seconds.
FIGURE = "results/figures/mini/channel.png"
TABLE = "results/theory/capacity.csv"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    return copy_project(tmp_path_factory.mktemp("elsewhere"))


def run_by(
    python: str | Path, folder: Path, *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess:
    """Run a Python's snakemake on the mini study, with more in its environment."""
    return subprocess.run(
        [python, "-m", "snakemake", *arguments, "--configfile", MINI],
        cwd=folder,
        env=os.environ | (environment or {}),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


# Another library that is installed ----------------------------------------------------------------

# How another codespectra gets into every Python: at the end of its path, as by `pip install -e`; at
# its beginning; by a finder that is asked first.
INSTALLED = {
    "last": "sys.path.append(other)",
    "first": "sys.path.insert(0, other)",
    "found": """
class Finder:
    def find_spec(name, path=None, target=None):
        if name == "codespectra":
            places = [f"{other}/codespectra"]
            return spec_from_file_location(
                name, f"{other}/codespectra/__init__.py", submodule_search_locations=places
            )

sys.meta_path.insert(0, Finder)
""",
}


def beside_another(project: Project, folder: Path, way: str, *arguments: str) -> tuple[int, str]:
    """Run snakemake where another working copy's library, which says so, is installed that way."""
    other = copy_project(folder / "other").folder / "scripts"
    with (other / "codespectra/jobs/start.py").open("a", encoding="utf-8") as file:
        file.write('\nprint("the other library")\n')
    hook = folder / "site/sitecustomize.py"
    hook.parent.mkdir()
    head = "import sys\nfrom importlib.util import spec_from_file_location\n"
    hook.write_text(f"{head}other = {str(other)!r}\n{INSTALLED[way]}", "utf-8")
    path = {"PYTHONPATH": str(hook.parent)}
    done = run_by(sys.executable, project.folder, "--cores", "1", *arguments, environment=path)
    return done.returncode, done.stdout


def test_jobs_import_the_library_beside_their_script(project, tmp_path):
    status, said = beside_another(project, tmp_path, "last", "--forceall", TABLE)
    assert status == 0, said
    assert "the other library" not in said


def test_a_job_that_imported_another_library_refuses(project, tmp_path):
    status, _ = beside_another(project, tmp_path, "first", "--forceall", TABLE)
    assert status != 0
    log = project.folder / "results/logs/compute_channel.log"
    [line] = log.read_text("utf-8").splitlines()
    assert f"{tmp_path}/other/scripts/codespectra, not {project.folder}/scripts" in line
    assert "pip uninstall codespectra" in line


def test_a_start_that_would_import_another_library_refuses(project, tmp_path):
    status, said = beside_another(project, tmp_path, "found", "--dry-run", TABLE)
    assert status != 0
    assert f"{tmp_path}/other/scripts/codespectra/__init__.py is imported instead of" in said
    assert "Traceback" not in said and "the other library" not in said


def test_a_python_without_a_package_that_plans_need_is_named(project, tmp_path):
    (tmp_path / "sitecustomize.py").write_text('import sys\nsys.modules["timm"] = None\n')
    path = {"PYTHONPATH": str(tmp_path)}
    done = run_by(sys.executable, project.folder, "--dry-run", TABLE, environment=path)
    assert done.returncode != 0 and "Traceback" not in done.stdout
    assert f"{sys.executable} has no timm: " in done.stdout


# Another workflow ---------------------------------------------------------------------------------

MODULE = """
configfile: "outer.yaml"

module codespectra:
    snakefile: {snakefile}
    config: config["codespectra"]
    prefix: "deep/er"

use rule * from codespectra as cs_*

# Which reads the module's files, and so its config, again.
use rule main from codespectra as cs_main with:
    message: "All of it"

rule all:
    default_target: True
    input: "deep/er/{figure}"
"""
INCLUDE = """
configfile: "outer.yaml"

include: {snakefile}

rule all:
    default_target: True
    input: "{figure}"
"""


@pytest.fixture
def outer(project, tmp_path):
    """Writes another workflow's folder, whose config is the mini study with these sections."""

    def write(snakefile: str, nested: bool, source: str = "", **sections: Any) -> Project:
        source = source or repr(f"{project.folder}/Snakefile")
        places = {"snakefile": source, "figure": FIGURE}
        (tmp_path / "Snakefile").write_text(snakefile.format(**places), "utf-8")
        study = read_config(MINI) | sections
        config = {"codespectra": study} if nested else study
        (tmp_path / "outer.yaml").write_text(yaml.safe_dump(config), "utf-8")
        return Project(tmp_path)

    share_memory(tmp_path)
    return write


HOSTED = 'github("owner/codespectra", path="workflow/Snakefile", tag="v1")'


@pytest.fixture(scope="module")
def hosted(tmp_path_factory):
    """This project's repository, which git takes for the one that a hosting provider has."""
    folder = tmp_path_factory.mktemp("hosted")
    (folder / "owner").mkdir()
    copy_project(folder / "owner/codespectra")
    names = ("-c", "user.name=owner", "-c", "user.email=owner@example.org")
    for command in (["init", "-q"], ["add", "-A"], [*names, "commit", "-qm", "All"], ["tag", "v1"]):
        subprocess.run(["git", *command], cwd=folder / "owner/codespectra", check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_COUNT", "1")
        patch.setenv("GIT_CONFIG_KEY_0", f"url.file://{folder}/.insteadOf")
        patch.setenv("GIT_CONFIG_VALUE_0", "https://github.com/")
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield folder / "owner/codespectra"


# As snakedeploy 0.17 writes workflow/Snakefile, beside copies of config and profiles.
DEPLOYED = """
from snakemake.utils import min_version


min_version("6.10.0")


configfile: "config/config.yaml"


# declare https://github.com/owner/codespectra as a module
module codespectra:
    snakefile:
        {source}
    config:
        config


# use all rules from https://github.com/owner/codespectra
use rule * from codespectra
"""


@pytest.fixture(scope="module")
def main_jobs(project) -> dict[str, int]:
    return table_of_jobs(project.snakemake("--dry-run"))


@pytest.mark.parametrize("source", [HOSTED, 'gitfile("{}", path="workflow/Snakefile", tag="v1")'])
def test_what_snakedeploy_writes_plans_the_main_job(project, main_jobs, hosted, tmp_path, source):
    for folder in ("config", "profiles"):
        shutil.copytree(project.folder / folder, tmp_path / folder)
    (tmp_path / "config/config.yaml").write_text((ROOT / MINI).read_text("utf-8"))
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/Snakefile").write_text(DEPLOYED.format(source=source.format(hosted)))
    share_memory(tmp_path)
    planned = Project(tmp_path).snakemake("--dry-run", study=None)
    assert planned.returncode == 0, planned.stdout
    assert table_of_jobs(planned) == main_jobs


def test_a_module_keeps_everything_under_its_prefix(outer, project):
    copy = outer(MODULE, nested=True)
    done = copy.snakemake("--dry-run", "cs_everything", study=None)
    assert done.returncode == 0, done.stdout
    said = done.stdout
    assert said.count("What runs, and why:") == said.count("Job stats:")
    made = set(re.findall(r"\S*results/[^\s,:;]+", said))
    assert made and all(name.startswith("deep/er/results/") for name in made)
    jobs = {rule.removeprefix("cs_"): count for rule, count in table_of_jobs(done).items()}
    assert jobs.pop("everything") == 1
    assert jobs == project.would_run()


def test_a_module_runs_draws_and_reports(outer):
    copy = outer(MODULE, nested=True)
    done = copy.snakemake("--cores", "1", study=None)
    assert done.returncode == 0, done.stdout
    found = {path.name for path in copy.folder.iterdir()}
    assert found == {"Snakefile", "outer.yaml", "deep", ".snakemake"}
    assert len([*copy.folder.glob("deep/er/results/logs/**/*.log")]) == 2
    done = copy.snakemake("--report", "report.html", study=None)
    assert done.returncode == 0, done.stdout
    assert "capacity of dropout and power laws" in (copy.folder / "report.html").read_text("utf-8")


def content_of(file: Path) -> bytes | dict[str, Any]:
    """A file's bytes; JSON without what made it, which a module calls by another name."""
    if file.suffix != ".json":
        return file.read_bytes()
    content = json.loads(file.read_bytes())
    return {key: content[key] for key in content.keys() - {"made_by", "digest"}}


def test_the_main_job_of_a_module_makes_the_same_files(outer, hosted, mini):
    copy = outer(MODULE, nested=True, source=HOSTED)
    done = copy.snakemake("cs_main", "--cores", "2", study=None)
    assert done.returncode == 0, done.stdout
    made, expected = Project(copy.folder / "deep/er").outputs(), mini.outputs()
    # Second names are of the same content, and their index tells digests of what made it.
    first = [name for name in made if name.suffix not in {".kept", ".items"}]
    assert len(first) > 100
    assert not [name for name in first if content_of(made[name]) != content_of(expected[name])]
    again = copy.snakemake("cs_main", "--dry-run", study=None)
    assert again.returncode == 0 and table_of_jobs(again).keys() <= {"cs_main"}, again.stdout


def test_a_finished_capture_keeps_its_shards(outer):
    target = "deep/er/results/activations/untrained/test.h5"
    done = outer(MODULE, nested=True, capture={"shards": 2}).snakemake(
        target, "--cores", "2", study=None
    )
    assert done.returncode == 0, done.stdout
    again = outer(MODULE, nested=True, capture={"shards": 3})
    assert "Nothing to be done" in again.snakemake(target, "--dry-run", study=None).stdout


def test_an_include_runs_the_config_of_its_workflow(outer):
    copy = outer(INCLUDE, nested=False)
    done = copy.snakemake("--cores", "1", study=None)
    assert done.returncode == 0, done.stdout
    assert (copy.folder / FIGURE).exists()
    assert "Nothing to be done" in copy.snakemake("--dry-run", study=None).stdout


def test_every_job_of_an_include_runs_in_the_image_that_is_named(outer, project):
    copy = outer(INCLUDE, nested=False, source=repr(os.path.relpath(project.folder / "Snakefile")))
    snakefile = copy.folder / "Snakefile"
    relative = os.path.relpath(project.folder / "Snakefile", copy.folder)
    image = f'container: "codespectra.sif"\ninclude: {relative!r}\n'
    snakefile.write_text(image)
    linted = copy.snakemake("--lint", study=None)
    assert "Congratulations" in linted.stdout, linted.stdout
    said = "print({str(rule.container_img) for rule in workflow.rules})\n"
    snakefile.write_text(image + said)
    assert "{'codespectra.sif'}" in copy.snakemake("main", "--dry-run", study=None).stdout


def test_files_of_the_user_stay_where_they_are_under_a_prefix(outer):
    copy = outer(MODULE, nested=True)
    config = yaml.safe_load((copy.folder / "outer.yaml").read_text("utf-8"))
    models = config["codespectra"]["models"]
    models["untrained"] |= {"weights": "path", "path": "mine.pt"}
    (copy.folder / "outer.yaml").write_text(yaml.safe_dump(config), "utf-8")
    (copy.folder / "mine.pt").touch()
    target = "deep/er/results/checkpoints/untrained.pt"
    done = copy.snakemake("--dry-run", target, study=None)
    assert done.returncode == 0, done.stdout
    assert "cs_import_checkpoint" in done.stdout


def test_a_snakefile_from_the_net_is_refused_in_a_line(project, tmp_path):
    serve = partial(SimpleHTTPRequestHandler, directory=project.folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/Snakefile"
        (tmp_path / "Snakefile").write_text(
            f'module far:\n    snakefile: "{url}"\n\nuse rule * from far\n', "utf-8"
        )
        said = Project(tmp_path).failure("--dry-run", study=None)
        server.shutdown()
    assert "clone the repository" in said and "gitfile()" in said


# Any folder ---------------------------------------------------------------------------------------


def test_elsewhere_the_embedded_default_is_the_study(project, tmp_path):
    share_memory(tmp_path)
    start = ("--dry-run", "--snakefile", str(project.folder / "Snakefile"))
    for study in ("embedded-default", "own"):
        done = Project(tmp_path).snakemake(*start, study=None)
        assert done.returncode == 0 and f"results/figures/{study}/" in done.stdout, done.stdout
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(read_config() | {"study": "own"}))


def python_in(folder: Path) -> Path:
    """A Python of its own that has this one's packages."""
    venv.create(folder, with_pip=False)
    [packages] = folder.glob("lib/*/site-packages")
    (packages / "shared.pth").write_text("\n".join(site.getsitepackages()))
    return folder / "bin/python"


def test_an_environment_in_a_folder_with_any_name_runs_jobs(project, tmp_path):
    folder = copy_project(tmp_path / "R&D (1)").folder
    done = run_by(python_in(folder / ".venv"), folder, "--cores", "1", TABLE)
    assert done.returncode == 0, done.stdout
    assert (folder / TABLE).exists()


def test_an_environment_with_a_blank_elsewhere_is_refused_at_the_start(project, tmp_path):
    done = run_by(python_in(tmp_path / "a b"), project.folder, "--dry-run", TABLE)
    assert done.returncode != 0
    assert "a b/bin/python: take a Python whose path has no blanks" in done.stdout
    assert "Traceback" not in done.stdout


def test_names_of_files_mean_the_same_in_any_locale(project, tmp_path):
    share_memory(tmp_path)
    for name in ("Ä", "b"):
        (tmp_path / "images" / name).mkdir(parents=True)
        Image.new("RGB", (32, 32)).save(tmp_path / "images" / name / "ü.png")
    config = read_config(MINI)
    config["stimuli"]["own"] = {"source": "folder", "root": "images", "side": 32}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run(
        [sys.executable, "-m", "snakemake", "--snakefile", project.folder / "Snakefile"]
        + ["--cores", "1", "results/stimuli/own.json"],
        cwd=tmp_path,
        env=os.environ | locale,
        check=True,
    )
    manifest = json.loads((tmp_path / "results/stimuli/own.json").read_text("utf-8"))
    assert manifest["classes"] == ["b", "Ä"]
