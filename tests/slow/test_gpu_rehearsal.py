"""The script that measures a GPU, rehearsed on the CPU: all its parts run and agree."""

import json
import os
import subprocess
import sys
from pathlib import Path

from project import ROOT


def test_every_part_runs(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}
    command = [ROOT / "benchmarks/gpu/run.sh", "--small", "--out", tmp_path]
    done = subprocess.run(command, env=environment, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads((tmp_path / "gpu.json").read_text())["rows"]
    assert len(rows) == 6 and all(row["ratio"] > 0 for (row,) in rows.values())
