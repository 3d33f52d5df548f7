"""`make doctor`: what of this folder and machine would stop a run, in words.

It imports neither the library nor packages, and runs in any Python 3, since these may be what is
wrong.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OLDEST = (3, 11)
ENVIRONMENT_GB, RESULTS_GB = 7, 3  # of disk: .venv, and what `make` writes
WRITTEN = ("", "results", ".snakemake", ".venv")
VERSIONS = "from importlib.metadata import distributions as all\n" + (
    "for one in all(): print(one.metadata['Name'], one.version)"
)


class Trouble(Exception):
    """What is wrong, and what to do."""


def check_python(folder, version=sys.version_info):
    """Return which Python runs this; 3.11 is the oldest that does."""
    found = ".".join(map(str, version[:3]))
    if tuple(version[:2]) < OLDEST:
        raise Trouble(f"{found} is too old, 3.11 or newer is needed: make PYTHON=python3.11")
    return f"{found}, {sys.executable}"


def check_writing(folder):
    """Return that files can be written here and where results are."""
    for place in (folder / name for name in WRITTEN):
        if place.exists():
            try:
                tempfile.TemporaryFile(dir=str(place)).close()
            except OSError as error:
                raise Trouble(f"{place}: {error.strerror}; let yourself write there") from error
    return f"{folder} can be written to"


def check_disk(folder, usage=shutil.disk_usage):
    """Return how much of the disk is free: enough for `make`, and for .venv where none is."""
    needed = RESULTS_GB + (0 if (folder / ".venv").exists() else ENVIRONMENT_GB)
    said = f"{usage(str(folder)).free / 1e9:.1f} GB are free, {needed} are needed"
    if usage(str(folder)).free < needed * 1e9:
        raise Trouble(f"{said}; `snakemake` says of a study how much it takes before it starts")
    return said


def check_packages(folder):
    """Return that the packages of .venv are those of the lock."""
    python = folder / ".venv/bin/python"
    if not python.exists():
        raise Trouble("there is no .venv yet: make sets it up")
    listed = subprocess.run([str(python), "-c", VERSIONS], stdout=subprocess.PIPE, check=False)
    if listed.returncode:
        raise Trouble(f"{python} doesn't start: remove .venv, then make")
    lines = (line.split() for line in listed.stdout.decode().splitlines())
    installed = {re.sub("[-_.]+", "-", name).lower(): version for name, version in lines}
    lock = (folder / "requirements.lock").read_text("utf-8")
    pinned = {}  # by name: a version for each kind of machine
    for name, version, condition in re.findall(r"^([\w.-]+)==(\S+)( ;)?", lock, re.M):
        pinned.setdefault(name, set()).update({version, None} if condition else {version})
    wrong = [
        f"{name} {installed.get(name, 'is missing')}, not {' or '.join(filter(None, versions))}"
        for name, versions in sorted(pinned.items())
        if installed.get(name) not in versions
    ]
    if wrong:
        raise Trouble(
            f"{len(wrong)} differ from requirements.lock: {'; '.join(wrong[:3])}; "
            "touch requirements.lock, then make"
        )
    return f"{len(installed)}, as requirements.lock has them"


def check_lock(folder, processes=Path("/proc")):
    """Return that no snakemake holds this folder, or that the one which does runs."""
    locks = folder / ".snakemake/locks"
    if not (locks.is_dir() and any(locks.iterdir())):
        return "no snakemake holds this folder"
    for process in processes.glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            if b"snakemake" in command and (process / "cwd").samefile(folder):
                return f"a snakemake runs in this folder, process {process.name}: wait for it"
        except OSError:  # another user's, or over
            continue
    raise Trouble(
        "a snakemake holds this folder that doesn't run on this machine: if it was killed, "
        "snakemake --unlock"
    )


def check_gpu(folder, program="nvidia-smi"):
    """Return which GPUs the driver lists; none is needed."""
    query = [program, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    mend = "mend the driver, or set runtime.device: cpu"
    try:
        listed = subprocess.run(
            query, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False
        )
    except OSError:
        return "none, so all runs on the CPU"
    except subprocess.TimeoutExpired:
        raise Trouble(f"{program} doesn't answer: {mend}") from None
    said = "; ".join(listed.stdout.decode("utf-8", "replace").splitlines())
    if listed.returncode:
        raise Trouble(f"{program}: {said}: {mend}")
    return said


CHECKS = {
    "Python": check_python,
    "writing": check_writing,
    "disk": check_disk,
    "packages": check_packages,
    "lock": check_lock,
    "GPU": check_gpu,
}


def main(folder):
    """Print a line a check; 1 where something is wrong."""
    wrong = 0
    for name, check in CHECKS.items():
        try:
            print(f"{name:9} fine   {check(folder)}")
        except Trouble as trouble:
            wrong = 1
            print(f"{name:9} WRONG  {trouble}")
    return wrong


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
