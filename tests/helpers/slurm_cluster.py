"""A Slurm of one node with a pretended GPU, in a folder of its own, for as long as a test needs it.

No systemd, no cgroups, no accounting database and nothing under /etc: what Debian's packages
slurmctld, slurmd, slurm-client and munge bring is enough.
"""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from subprocess import PIPE

DAEMONS = ("munged", "slurmctld", "slurmd")
CLIENTS = ("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
ADMIN = "/usr/sbin:/usr/bin:/sbin:/bin"
START_SECONDS = 30
GPU_MODEL = "pretended"

# No accounting database: squeue itself remembers all jobs (MinJobAge). What may never run is
# refused at once, and a job over its time ends quickly. More CPUs and memory than are there may be
# claimed (config_overrides), since the jobs of the test are small.
SLURM_CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MinJobAge=86400
SchedulerParameters=batch_sched_delay=0,sched_min_interval=100000,bf_interval=2
KillWait=2
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
EnforcePartLimits=ALL
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory_mb} Gres=gpu:{model}:1
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""

# Snakemake's jobs unset SLURM_* before they call srun, so that the commands must know by themselves
# where the configuration is.
WRAPPER = """\
#!/bin/sh
SLURM_CONF={folder}/slurm.conf exec {program} "$@"
"""


@dataclass(frozen=True)
class SlurmJob:
    """What Slurm remembers of a job that has ended.

    Attributes:
        rule: its rule or group, with wildcards, as the executor's comment says.
        gpus: that it was given, such as gpu:pretended:1; empty if none.
    """

    rule: str
    state: str
    folder: str
    cpus: int
    memory_mb: int
    minutes: int
    gpus: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Cluster:
    """A running Slurm."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Environment in which Slurm's commands are those of this cluster."""
        return os.environ | {"PATH": f"{self.folder}/bin:{os.environ['PATH']}"}

    def call(self, program: str, *arguments: str) -> str:
        """Stdout of one of Slurm's commands."""
        return subprocess.run(
            [self.folder / "bin" / program, *arguments], text=True, stdout=PIPE, check=True
        ).stdout

    def running(self, rule: str) -> str | None:
        """Number of a running job of a rule, wildcards included."""
        lines = self.call("squeue", "--noheader", "--states=RUNNING", "--format=%i %k").splitlines()
        numbers = [line.split()[0] for line in lines if line.split()[1:] == [f"rule_{rule}"]]
        return numbers[0] if numbers else None

    def jobs(self) -> list[SlurmJob]:
        """All jobs that have ended, in the order of their start."""
        lines = self.call("scontrol", "--details", "--oneliner", "show", "job").splitlines()
        jobs = [_job(dict(re.findall(r"(\S+?)=(\S*)", line))) for line in lines if "JobId=" in line]
        return sorted(jobs, key=lambda job: job.start)


def _job(fields: dict[str, str]) -> SlurmJob:
    days, _, clock = fields["TimeLimit"].rpartition("-")
    hours, minutes, _ = map(int, clock.split(":"))
    return SlurmJob(
        rule=fields["Comment"].removeprefix("rule_"),
        state=fields["JobState"],
        folder=fields["WorkDir"],
        cpus=int(fields["NumCPUs"]),
        memory_mb=int(fields["MinMemoryNode"].removesuffix("M")),
        minutes=(int(days or 0) * 24 + hours) * 60 + minutes,
        gpus=fields["JOB_GRES"].replace("(null)", ""),
        start=datetime.fromisoformat(fields["StartTime"]),
        end=datetime.fromisoformat(fields["EndTime"]),
    )


def missing_programs() -> list[str]:
    """Programs of Slurm and munge that aren't installed here."""
    return [name for name in (*DAEMONS, *CLIENTS) if shutil.which(name, path=ADMIN) is None]


@contextmanager
def slurm_cluster(folder: Path, *, cpus: int, memory_mb: int) -> Iterator[Cluster]:
    """A cluster that lives in `folder` (of a short path, for its sockets) until the block ends."""
    _configure(folder, cpus, memory_mb)
    cluster = Cluster(folder)
    daemons = []
    try:
        for command in _commands(folder):
            with (folder / f"{command[0]}.out").open("w") as output:
                daemons.append(
                    subprocess.Popen(
                        command, env=os.environ | {"PATH": ADMIN}, stdout=output, stderr=output
                    )
                )
        _await_node(cluster)
        yield cluster
        cluster.call("scancel", "--user", str(os.getuid()))
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait(20)


def _configure(folder: Path, cpus: int, memory_mb: int) -> None:
    """Write what the daemons and the commands read."""
    for name in ("bin", "state", "spool"):
        (folder / name).mkdir()
    folder.chmod(0o755)
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(os.urandom(1024))
    host = socket.gethostname().split(".")[0]
    (folder / "slurm.conf").write_text(
        SLURM_CONF.format(
            folder=folder,
            host=host,
            user=os.getuid(),
            ports=_free_ports(),
            cpus=cpus,
            memory_mb=memory_mb,
            model=GPU_MODEL,
        )
    )
    # Slurm wants a device, and sets CUDA_VISIBLE_DEVICES by the number in its name.
    (folder / "gpu0").symlink_to("/dev/null")
    (folder / "gres.conf").write_text(
        f"NodeName={host} Name=gpu Type={GPU_MODEL} File={folder}/gpu0\n"
    )
    for name in CLIENTS:
        wrapper = folder / "bin" / name
        program = shutil.which(name, path=ADMIN)
        wrapper.write_text(WRAPPER.format(folder=folder, program=program))
        wrapper.chmod(0o755)


def _free_ports() -> list[int]:
    """Two ports that nobody listens on."""
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        return [one.getsockname()[1], two.getsockname()[1]]


def _commands(folder: Path) -> list[list[str]]:
    """The daemons in the order of their start, none of them in the background."""
    conf, munge = f"{folder}/slurm.conf", f"{folder}/munge"
    return [
        [
            "munged",
            "--foreground",
            "--force",
            f"--socket={munge}.socket",
            f"--key-file={munge}.key",
            f"--pid-file={munge}.pid",
            f"--log-file={munge}.log",
            f"--seed-file={munge}.seed",
        ],
        ["slurmctld", "-D", "-f", conf],
        ["slurmd", "-D", "-f", conf],
    ]


def _await_node(cluster: Cluster) -> None:
    """Wait until jobs are taken."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            if cluster.call("sinfo", "-h", "-o", "%T").strip() == "idle":
                return
        except subprocess.CalledProcessError:
            pass
        time.sleep(0.1)
    raise TimeoutError("no node is idle")
