"""How long a start takes, all new and all done: the embedded default, and five networks.

These have twenty layers each and twelve methods, on one set of images and on as many as make 5,000
jobs. Results and Snakemake's records of them are made up: empty files, and what each job would have
been recorded with. A start is one thread, so that on an idle machine a person waits for its CPU
seconds.
"""

import asyncio
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from forked import in_fork
from planned_jobs import let_stand, parsed
from project import copy_project, read_config
from side_by_side import Row, judged, show

# CPU seconds of a start.
GOALS = {"default": 3.0, "one set": 3.0, "large": 10.0}
SETS = 62  # which is 5,000 jobs
STUDIES = ("default", "one set", "large")
SMALL = {"STUDIES": ()}  # tests/workflow starts them


def large_study(count: int) -> dict[str, Any]:
    """Five untrained networks on so many sets of images."""
    networks, sets = [f"net{n}" for n in range(5)], [f"set{n}" for n in range(count)]
    default = read_config()["directions"]
    layers = [{"type": "ReLU"}, "layer1"]  # 19 and one more
    return {
        "study": "large",
        "stimuli": {
            name: {"source": "photograph_tiles", "seed": at} for at, name in enumerate(sets)
        },
        "models": {
            name: {
                "architecture": {"name": "bottleneck_resnet", "width": 8, "blocks": [1, 2, 2, 1]},
                "weights": "random",
                "seed": at,
            }
            for at, name in enumerate(networks)
        },
        "spectra": {"models": networks, "stimuli": sets, "layers": layers, "ranks": [2, 12]},
        "filters": {"layers": ["layer1"]},
        "directions": {
            "runs": [{"model": model, "stimuli": one} for model in networks for one in sets],
            "analysis_set": sets[0],
            "layers": layers,
            "methods": default["methods"],
        },
        "index": {"backbones": []},
    }


def pretend(study: str) -> int:
    """Make up the results of a study in this folder; how many jobs made them."""
    from snakemake.settings.types import DAGSettings, ExecutionSettings

    with parsed(Path.cwd(), study) as flow:
        flow.dag(DAGSettings()).printrulegraph()
        flow._workflow.execution_settings = ExecutionSettings()
        dag, records = flow._workflow.dag, flow._workflow.persistence

        async def finish() -> int:
            jobs = [job for level in dag.toposorted() for job in level if job.output]
            for job in jobs:
                for file in map(Path, job.output):
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.touch()
                if hasattr(job.params, "holds"):
                    let_stand([job])
                await records.finished(job)
            return len(jobs)

        return asyncio.run(finish())


def start(folder: Path, study: str) -> float:
    """CPU seconds of `snakemake -n -q`."""
    command = [sys.executable, "-m", "snakemake", "-n", "-q", f"--configfile={study}"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, text=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stderr)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def rows() -> Iterator[Row]:
    studies = {"default": read_config(), "one set": large_study(1), "large": large_study(SETS)}
    for name in STUDIES:
        with tempfile.TemporaryDirectory() as temporary:
            folder = copy_project(Path(temporary)).folder
            (folder / "study.yaml").write_text(yaml.safe_dump(studies[name]))
            start(folder, "study.yaml")  # what it need not work out again
            new = start(folder, "study.yaml")
            jobs = in_fork(pretend, folder, "study.yaml")
            done = start(folder, "study.yaml")
        for what, seconds in {"new": new, "done": done}.items():
            yield judged(
                f"start, all {jobs:,} jobs {what}, CPU seconds",
                "a person's patience",
                seconds,
                at_most=GOALS[name],
                ours=seconds,
            )


if __name__ == "__main__":
    show(rows())
