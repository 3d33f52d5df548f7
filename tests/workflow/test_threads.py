"""A job uses as many threads as its rule has, in each library that computes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from project import ROOT

SNAKEFILE = """
rule all:
    input: "first.json", "second.json"
rule first:
    output: "first.json"
    log: "first.log"
    script: "scripts/look.py"
rule second:
    output: "second.json"
    log: "second.log"
    script: "scripts/look.py"
"""
# K-Means multiplies by the BLAS of NumPy, eigenvalues are of SciPy's, networks run in torch.
LOOK = """
import json
import scipy.linalg, torch
from threadpoolctl import threadpool_info
from codespectra.directions import kmeans
from codespectra.jobs.start import start_job

start_job(snakemake.log[0])
pools = {(pool["internal_api"], pool["num_threads"]) for pool in threadpool_info()}
with open(snakemake.output[0], "w") as file:
    json.dump({"torch": torch.get_num_threads(), "pools": sorted(pools)}, file)
"""


@pytest.mark.parametrize("told", ["command line", "profile"])
def test_threads_are_those_of_the_rule(tmp_path: Path, told: str) -> None:
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/look.py").write_text(LOOK)
    (tmp_path / "scripts/codespectra").symlink_to(ROOT / "scripts/codespectra")
    asked = ["--set-threads", "second=2"]
    if told == "profile":
        (tmp_path / "config.yaml").write_text("set-threads: {second: 2}\n")
        asked = ["--workflow-profile", "."]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", *asked],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "7"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for name, threads in (("first", 1), ("second", 2)):
        found = json.loads((tmp_path / f"{name}.json").read_text())
        assert found["torch"] == threads
        assert {"openblas", "openmp"} <= {api for api, _ in found["pools"]}
        assert {count for _, count in found["pools"]} == {threads}


def test_no_job_takes_other_threads() -> None:
    """Each begins by `start_job`, as test_rules holds."""
    files = (ROOT / "scripts").rglob("*.py")
    setting = {f.name for f in files if re.search("set_num_threads|threadpool_l", f.read_text())}
    assert setting == {"start.py"}
