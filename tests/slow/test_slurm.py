"""The profile for Slurm on a real Slurm of one node: requests, retries, and one GPU for one job."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import pytest
import yaml
from project import MINI, ROOT, copy_project, read_config
from rules import parsed_rules
from slurm_cluster import GPU_MODEL, Cluster, SlurmJob, missing_programs, slurm_cluster

PROFILE = ROOT / "profiles/slurm/config.yaml"
RULES = parsed_rules()
GPU_TAGGED = {name for name, rule in RULES.items() if "gpu" in rule.resources}
STUDY = "slurm.yaml"
FIGURES, DIRECTIONS = 3, 2  # members of a group; other than the profile's, to fill two cores
GROUPED = set(yaml.safe_load(PROFILE.read_text())["groups"])
CANCELLED = "train_classifier_wildcards_perceptual"
EPOCHS = 150  # of its training: long enough to be met midway
WAIT_SECONDS = 400

# Rules named as the profile's groups want it; all need more memory than a first attempt has.
FAILING = """
rule all:
    input: "late", "hopeless", "drawn", "judged"

rule late:
    output: "late"
    log: "logs/late.log"
    resources:
        mem_mb=lambda wildcards, attempt: 500 * attempt,
        runtime=lambda wildcards, attempt: 2 * attempt,
    shell: "test {resources.mem_mb} = 1000 || (touch late_runs; sleep 300); touch {output}"

rule hopeless:
    output: "hopeless"
    log: "logs/hopeless.log"
    resources:
        mem_mb=lambda wildcards, attempt: 500 * attempt,
        runtime=lambda wildcards, attempt: 3 * attempt,
    shell: "echo no hope with {resources.mem_mb} MB >{log}; exit 3"

rule draw_action:
    output: "drawn"
    log: "logs/draw_action.log"
    resources:
        mem_mb=lambda wildcards, attempt: 600 * attempt,
        runtime=lambda wildcards, attempt: 4 * attempt,
    shell: "test {resources.mem_mb} = 1200; touch {output}"

rule judge_claims:
    output: "judged"
    log: "logs/judge_claims.log"
    resources:
        mem_mb=lambda wildcards, attempt: 500 * attempt,
        runtime=lambda wildcards, attempt: 5 * attempt,
    shell: "touch {output}"
"""

T = TypeVar("T")


@dataclass(frozen=True)
class Finished:
    """A snakemake that has ended: its status, what it said, its folder and its Slurm jobs."""

    status: int
    said: str
    folder: Path
    jobs: list[SlurmJob]

    def of(self, rule: str) -> list[SlurmJob]:
        """Jobs of a rule, or of a group, in the order of their start."""
        return [job for job in self.jobs if re.match(rf"{rule}(_|$)", job.rule)]

    def report(self, state: str, rule: str) -> str:
        """The path of Slurm's log that the report of a failed job names."""
        found = re.search(
            rf"Error in rule {rule}:\n    message: SLURM-job '\d+' failed, SLURM status is: "
            rf"'{state}'.*\n(?:    .*\n)*?    log: .*?(\S+/slurm_logs/rule_{rule}\S+\.log)",
            self.said,
        )
        assert found, self.said
        return found[1]


def start(cluster: Cluster, folder: Path, *arguments: str) -> subprocess.Popen:
    """Start snakemake by the profile; what it says goes into said.txt."""
    with (folder / "said.txt").open("w") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--workflow-profile", PROFILE.parent, *arguments],
            cwd=folder,
            env=cluster.environment,
            stdout=said,
            stderr=said,
        )


def finish(cluster: Cluster, process: subprocess.Popen, folder: Path) -> Finished:
    """Wait for its end and ask Slurm for its jobs."""
    status = process.wait(WAIT_SECONDS)
    jobs = [job for job in cluster.jobs() if job.folder == str(folder)]
    return Finished(status, (folder / "said.txt").read_text(), folder, jobs)


def wait_for(look: Callable[[], T | None], process: subprocess.Popen) -> T:
    """What `look` finds, as soon as it finds something, while the process runs."""
    while process.poll() is None:
        found = look()
        if found:
            return found
        time.sleep(0.2)
    raise ChildProcessError(f"{process.args} has ended without it")


def study() -> dict:
    """The mini study with less of what is only repeated, and one longer training."""
    config = read_config(MINI)
    methods = config["directions"]["methods"]
    kept = {name: methods[name] for name in ("neurons", "sae")}
    config["directions"]["methods"] = {**kept, "kmeans": {"k": [4], "starts": 1}}
    config["models"]["perceptual"]["training"]["epochs"] = EPOCHS
    return config


@pytest.fixture(scope="module")
def runs() -> Iterator[tuple[Finished, Finished]]:
    """The main job of the study and the failing workflow, side by side on one cluster.

    A training is cancelled when it has done an epoch; a job of the other is out of time soon.
    """
    if missing_programs():
        pytest.skip(f"{', '.join(missing_programs())} not installed: see tests/install_debian.sh")
    with TemporaryDirectory(prefix="slurm-") as place:
        for name in ("slurm", "study", "failing"):
            Path(place, name).mkdir()
        project = copy_project(Path(place, "study").resolve()).folder
        failing = Path(place, "failing").resolve()
        (project / STUDY).write_text(yaml.safe_dump(study()))
        (failing / "Snakefile").write_text(FAILING)
        with slurm_cluster(Path(place, "slurm"), cpus=6, memory_mb=60000) as cluster:
            first = start(
                *(cluster, project, "--configfile", STUDY),
                *("--group-components", f"figures={FIGURES}", f"directions={DIRECTIONS}"),
                *("--set-resources", f"embed_stimuli:gpu_model={GPU_MODEL}"),
                *("compute_filters:gpu=0", "compute_filters:gres=gpu:1"),
                *("--slurm-init-seconds-before-status-checks", "5"),
            )
            second = start(cluster, failing)
            wait_for((failing / "late_runs").exists, second)
            late = cluster.running("late")
            cluster.call("scontrol", "update", f"JobId={late}", "EndTime=now+1")
            wait_for((project / "results/checkpoints/.perceptual.partial").exists, first)
            cluster.call("scancel", cluster.running(CANCELLED))
            yield finish(cluster, first, project), finish(cluster, second, failing)


def rule_name(job: SlurmJob) -> str:
    """Name of a job's rule; of a group, no rule's."""
    return job.rule.partition("_wildcards_")[0]


def uncommented(lines: re.Match) -> str:
    """Lines of a profile as they are after someone took the # away."""
    return lines[1] + re.sub(r"^# ", "", lines[2], flags=re.M)


def test_the_profile_groups_every_figure_and_verdict():
    groups = yaml.safe_load(PROFILE.read_text())["groups"]
    figures = {rule for rule in RULES if rule.startswith("draw_")}
    figures |= {"judge_claims", "bind_atlas"}
    assert {rule for rule, group in groups.items() if group == "figures"} == figures
    assert set(groups) <= set(RULES) - GPU_TAGGED


def test_the_profile_shows_how_every_gpu_tagged_rule_asks_for_a_model():
    text = re.sub(
        r"^# (set-resources:\n)((?:#   .*\n)+)", uncommented, PROFILE.read_text(), flags=re.M
    )
    assert yaml.safe_load(text)["set-resources"] == {
        rule: {"gpu_model": "a100"} for rule in GPU_TAGGED
    }


def test_the_main_job_runs_to_completion(runs):
    study, _ = runs
    assert study.status == 0, study.said
    results = study.folder / "results"
    assert (results / "claims.csv").exists()
    assert len(list((results / "figures/mini").glob("*.png"))) == 10
    counts = dict(re.findall(r"^(\w+) +(\d+)$", study.said.partition("total")[0], re.M))
    single = {rule_name(job) for job in study.jobs} & set(RULES)
    assert single == set(counts) - GROUPED - {"main"}


def test_gpu_tagged_jobs_held_the_gpu_one_at_a_time_and_others_none(runs):
    study, failing = runs
    tagged = [job for job in study.jobs if rule_name(job) in GPU_TAGGED]
    assert len(tagged) == 12  # one of them twice
    assert {job.gpus for job in tagged} == {f"gpu:{GPU_MODEL}:1"}
    assert all(before.end <= after.start for before, after in pairwise(tagged))
    assert {job.gpus for job in [*study.jobs, *failing.jobs] if job not in tagged} == {""}


def test_a_job_takes_the_gpu_that_slurm_gave_it(runs):
    log = runs[0].folder / "results/logs/capture_activations/classifier/test.log"
    assert "GPU: 0" in log.read_text()
    assert "torch can't use 0: computing on the CPU" in log.read_text()


def test_jobs_ask_for_what_their_rules_say(runs):
    for job in runs[0].jobs:
        if rule := RULES.get(rule_name(job)):
            times = 2 if job.rule == CANCELLED and job.state == "COMPLETED" else 1
            assert job.memory_mb == rule.resources["mem_mb"] * times, job
            assert job.minutes == rule.resources["runtime"] * times, job
            assert job.cpus == 1


def test_a_group_asks_for_the_time_of_all_members_and_the_memory_of_one(runs):
    figures, directions = runs[0].of("figures"), runs[0].of("directions")
    asked = RULES["find_directions"].resources
    assert len(figures) == 4 and len(directions) == 2
    assert {job.cpus for job in figures + directions} == {1}
    assert (
        sum(job.minutes for job in figures) == 10 * 20 + RULES["judge_claims"].resources["runtime"]
    )
    assert sorted(job.memory_mb for job in figures) == [1000, 1000, 1000, 2000]
    assert {job.minutes for job in directions} == {2 * asked["runtime"]}
    assert {job.memory_mb for job in directions} == {asked["mem_mb"]}


def test_a_cancelled_training_is_reported_and_goes_on_from_its_last_epoch(runs):
    study, _ = runs
    jobs = [job for job in study.jobs if job.rule == CANCELLED]
    assert [job.state for job in jobs] == ["CANCELLED", "COMPLETED"]
    assert Path(study.report("CANCELLED", "train_classifier")).exists()
    log = (study.folder / "results/logs/train_classifier/perceptual.log").read_text()
    assert re.search(r"resuming after epoch \d+ from \S*\.perceptual\.partial", log)
    epochs = (study.folder / "results/checkpoints/perceptual.csv").read_text()
    assert len(epochs.splitlines()) == 1 + EPOCHS


def test_a_job_out_of_time_is_reported_and_gets_more(runs):
    _, failing = runs
    jobs = failing.of("late")
    assert [job.state for job in jobs] == ["TIMEOUT", "COMPLETED"]
    assert (jobs[1].minutes, jobs[1].memory_mb) == (4, 1000)
    assert Path(failing.report("TIMEOUT", "late")).exists()


def test_a_job_that_exits_non_zero_is_tried_three_times_and_stops_no_other(runs):
    _, failing = runs
    jobs = failing.of("hopeless")
    assert [job.state for job in jobs] == ["FAILED"] * 3
    assert [(job.minutes, job.memory_mb) for job in jobs] == [(3, 500), (6, 1000), (9, 1500)]
    assert Path(failing.report("FAILED", "hopeless")).exists()
    assert "logs/hopeless.log:" in failing.said and "no hope with 1500 MB" in failing.said
    assert failing.status != 0
    assert {"late", "drawn", "judged"} < {file.name for file in failing.folder.iterdir()}


def test_a_group_with_a_failed_member_is_tried_again_as_a_whole(runs):
    _, failing = runs
    jobs = failing.of("figures")
    assert [job.state for job in jobs] == ["FAILED", "COMPLETED"]
    assert [(job.minutes, job.memory_mb) for job in jobs] == [(4 + 5, 600), (8 + 10, 1200)]
    assert "Error in group figures" in failing.said
    log = re.search(r"log: (\S+/slurm_logs/group_figures\S+\.log)", failing.said)[1]
    assert Path(log).exists()
