"""kill -9 of each kind of job, and of snakemake, at random moments: a plain rerun loses nothing."""

import math
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from project import MINI, Project, read_config

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")

# A longer soak: KILL_SEEDS=20 pytest tests/slow/test_nothing_lost.py
SEEDS = range(int(os.environ.get("KILL_SEEDS", "1")))
STUDY = "interrupted.yaml"
# One job of each kind, by its rule; none waits for another, and nothing else needs them.
JOBS = {
    "make_stimuli": "stimuli/spare.json",
    "train_classifier": "checkpoints/resumed.json",
    "train_vae": "checkpoints/vae-dropout0.4-seed0.json",
    "train_language_model": "checkpoints/gpt_resumed.json",
    "train_autoencoder": "directions/untrained/test/sae-1x-0.1.json",
    "capture_activations": "activations/wide/crowd.json",
    "capture_text": "activations/gpt/text.json",
    "find_directions": "directions/untrained/test/kmeans-4.json",
    "fit_spectra": "spectra/classifier/test/exponents.csv",
    "project_dot": "projections/classifier/dot/action.csv",
    "embed_stimuli": "embeddings/inhouse/test.json",
    "score_interpretability": "interpretability/classifier/tiles/directions.csv",
    "draw_information": "figures/mini/information.png",
    "judge_claims": "claims-theory.csv",
}
# Scripts that have another name than the rule; here one figure is drawn.
SCRIPTS = {"draw": "draw_information"}
# How the names of all that these jobs write begin.
OWN = (
    *(file.rpartition(".")[0] for file in JOBS.values()),
    *("spectra/classifier/test/", "projections/classifier/dot/"),
)
# Those that are killed after their first progress, and go on from there.
PROGRESS = {
    "train_classifier": "checkpoints/.resumed.partial",
    "train_language_model": "checkpoints/.gpt_resumed.partial",
    "capture_activations": "activations/wide/.crowd.h5.progress.json",
}
# Seconds in which a job's moment lies: from its start (most of them import for two), or from its
# first progress.
WITHIN = {rule: 0.3 if rule in PROGRESS else 3 for rule in JOBS}
LOGS = {rule: Path(*Path(JOBS[rule]).with_suffix(".log").parts[1:]) for rule in PROGRESS}


def interrupted_study() -> dict[str, Any]:
    """The mini study with jobs beside it that take long enough to be resumed."""
    study = read_config(MINI)
    models, language = study["models"], study["language"]["models"]
    study["stimuli"]["spare"] = study["stimuli"]["tiles"] | {"max_per_class": 6}
    study["stimuli"]["crowd"] = study["stimuli"]["train"] | {"per_class": 250}
    training = models["perceptual"]["training"] | {"epochs": 24}
    models["resumed"] = models["perceptual"] | {"training": training}
    wide = {"name": "bottleneck_resnet", "blocks": [2, 2, 2, 2], "stem_stride": 1}
    models["wide"] = {"architecture": wide, "weights": "random"}
    language["gpt_resumed"] = language["gpt"] | {"training": {"steps": 200, "batch": 4}}
    study["directions"]["runs"].append({"model": "wide", "stimuli": "crowd"})
    return study


def content(project: Project) -> dict[Path, bytes]:
    """What stands under final names in results, but logs and benchmarks."""
    files = project.outputs().items()
    final = ((n, file) for n, file in files if not any(part.startswith(".") for part in n.parts))
    return {name: file.read_bytes() for name, file in final}


def scripts_at_work(folder: Path) -> dict[int, str]:
    """The rules of the jobs that run in a working copy, orphans too, by their process."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode()
        except OSError:  # ended meanwhile
            continue
        script = re.search(rf"\0{folder}/.snakemake/scripts/\w+\.(\w+)\.py\0", command)
        if script:
            found[int(process.name)] = SCRIPTS.get(script[1], script[1])
    return found


def stamp_of(file: Path) -> tuple[int, int]:
    """Inode and date: of a file that was written again, others."""
    stat = file.stat()
    return stat.st_ino, stat.st_mtime_ns


class Disturbed:
    """A working copy in which all jobs are done, to be done again under disturbance."""

    def __init__(self, project: Project, seed: int) -> None:
        self.project, self.results = project, project.folder / "results"
        self.said = project.folder / "said.txt"
        self.random = random.Random(seed)
        self.undisturbed = content(project)
        for file in JOBS.values():
            (self.results / file).unlink()
        # What mustn't be written again; grows as snakemake reports jobs as finished.
        others = [name for name in self.undisturbed if not str(name).startswith(OWN)]
        self.finished = {name: stamp_of(self.results / name) for name in others}
        self.resumed: set[str] = set()

    def start(self) -> subprocess.Popen:
        """Start snakemake on all jobs in a process group of its own, as a shell does."""
        command = [sys.executable, "-m", "snakemake", *(f"results/{f}" for f in JOBS.values())]
        with self.said.open("w") as said:
            return subprocess.Popen(
                [*command, "--cores", "2", "--configfile", STUDY],
                cwd=self.project.folder,
                stdout=said,
                stderr=subprocess.STDOUT,
                process_group=0,
            )

    def scripts(self) -> dict[int, str]:
        """The rules of the jobs that run here, by their process."""
        return scripts_at_work(self.project.folder)

    def kill_each_job(self) -> set[str]:
        """Run once, killing each job at a random moment; returns the rules that were hit."""
        moments, killed = {}, set()
        run = self.start()
        while run.poll() is None:
            for process, rule in self.scripts().items():
                if rule not in moments and self.has_progress(rule):
                    moments[rule] = time.monotonic() + self.random.uniform(0, WITHIN[rule])
                if rule not in killed and time.monotonic() > moments.get(rule, math.inf):
                    os.kill(process, signal.SIGKILL)
                    killed.add(rule)
            time.sleep(0.05)
        self.check()
        return killed

    def has_progress(self, rule: str) -> bool:
        """Whether a running job may be killed: any, but those that are to be resumed."""
        return rule not in PROGRESS or (self.results / PROGRESS[rule]).exists()

    def kill_snakemake(self, kill: Callable[[int, int], None]) -> None:
        """Kill a run, or its whole process group, at a random moment at which a job is running."""
        run = self.start()
        self.wait_until_jobs_run(run)
        time.sleep(self.random.uniform(0, 6))
        self.wait_until_jobs_run(run)
        assert run.poll() is None, self.said.read_text()
        kill(run.pid, signal.SIGKILL)
        run.wait()
        # Jobs end by themselves.
        give_up = time.monotonic() + 60
        while self.scripts():
            assert time.monotonic() < give_up, self.scripts()
            time.sleep(0.05)
        self.check()

    def wait_until_jobs_run(self, run: subprocess.Popen) -> None:
        while run.poll() is None and not self.scripts():
            time.sleep(0.05)

    def check(self) -> None:
        """Nothing stands half-written under a final name, and finished work wasn't repeated."""
        found = content(self.project)
        assert [str(n) for n in found if found[n] != self.undisturbed[n]] == []
        again = {str(n) for n, was in self.finished.items() if was != stamp_of(self.results / n)}
        assert again == set()
        for rule in re.findall(r"Finished jobid: \d+ \(Rule: (\w+)\)", self.said.read_text()):
            name = Path(JOBS[rule])
            self.finished[name] = stamp_of(self.results / name)
        for rule, log in LOGS.items():
            file = self.results / "logs" / rule / log
            if file.exists() and "resuming" in file.read_text():
                self.resumed.add(rule)


@pytest.fixture(scope="module")
def done(mini, tmp_path_factory) -> Project:
    """The mini study and the longer jobs, undisturbed."""
    project = mini.copy(tmp_path_factory.mktemp("nothing_lost") / "project")
    (project.folder / STUDY).write_text(yaml.safe_dump(interrupted_study()))
    targets = (f"results/{file}" for file in JOBS.values())
    run = project.snakemake(*targets, "--cores", "2", study=STUDY)
    assert run.returncode == 0, run.stdout
    return project


@pytest.mark.parametrize("seed", SEEDS)
def test_a_rerun_after_kills_ends_as_undisturbed_and_repeats_nothing(done, seed):
    disturbed = Disturbed(done, seed)
    killed = disturbed.kill_each_job()
    print("seed", seed, "killed", sorted(killed))
    assert {*PROGRESS} <= killed  # jobs of a second or less may end before they are hit
    for kill in (os.kill, os.killpg):
        disturbed.kill_snakemake(kill)
        # What docs/troubleshooting.md says to type.
        unlocked = done.snakemake("--unlock", study=STUDY)
        assert unlocked.returncode == 0, unlocked.stdout
    run = disturbed.start()
    assert run.wait() == 0, disturbed.said.read_text()
    disturbed.check()
    assert content(done) == disturbed.undisturbed
    assert disturbed.resumed == {*PROGRESS}
    # Notes alone, locks, and moments that are of use to a later run.
    hidden = [f for f in disturbed.results.rglob(".*") if f.suffix != ".lock"]
    hidden = [f for f in hidden if f.name != ".moments.h5.kept"]
    assert [f for f in hidden if not f.with_name(f.stem[1:]).exists()] == []
    # All else is up to date; the claims were judged for the study with more networks.
    assert done.would_run() == {"judge_claims": 1, "draw_claims": 1}
