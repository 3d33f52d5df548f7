"""A job's process: it ends with the snakemake that started it, and says why."""

import os
import select
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from io import FileIO
from pathlib import Path

import pytest

from codespectra.jobs import start

# A snakemake in a process group of its own, as a shell gives it, that starts a job and waits.
STARTER = """
import subprocess, sys, time

job = subprocess.Popen([sys.executable, "-c", *sys.argv[1:]])
time.sleep(3600)
"""
# A job that imports for as long as it is told to.
JOB = """
import os, sys, time
from codespectra.jobs.start import start_job

parent = os.getppid()
print("importing", flush=True)
while sys.argv[2] == "orphaned" and os.getppid() == parent:
    time.sleep(0.01)
if sys.argv[2] == "orphaned":
    print("adopted by", os.getppid(), flush=True)
start_job(sys.argv[1])
print("started", flush=True)
time.sleep(3600)
"""


def line(stream: FileIO) -> str:
    """The next line of a process, or nothing when it has ended; one of both must come.

    The stream holds nothing back, or a line that came with the one before would be waited for.
    """
    ready, _, _ = select.select([stream], [], [], 60)
    assert ready, "nothing in a minute"
    return stream.readline().decode()


@pytest.mark.parametrize("when", ["working", "orphaned"])
def test_a_job_ends_when_its_snakemake_is_killed(tmp_path, when):
    log = tmp_path / "job.log"
    snakemake = subprocess.Popen(
        [sys.executable, "-c", STARTER, JOB, log, when],
        env={"PYTHONPATH": str(Path(start.__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        process_group=0,
    )
    try:
        assert line(snakemake.stdout) == "importing\n"
        if when == "working":
            assert line(snakemake.stdout) == "started\n"
            assert log.read_text() == ""
        snakemake.send_signal(signal.SIGKILL)
        if when == "orphaned" and line(snakemake.stdout) != "adopted by 1\n":
            pytest.skip("here another process than 1 adopts orphans")
        # The job holds the other end of this pipe.
        while line(snakemake.stdout) == "started\n":
            pass
        assert "has been killed" in log.read_text()
    finally:
        with suppress(ProcessLookupError):  # both have ended
            os.killpg(snakemake.pid, signal.SIGKILL)
        snakemake.communicate()


@pytest.mark.parametrize("plant", [Path.symlink_to, Path.hardlink_to])
def test_a_log_is_a_new_file_whatever_lies_under_its_name(tmp_path, plant):
    precious, log = tmp_path / "precious", tmp_path / "job.log"
    precious.write_text("untouched")
    plant(log, precious)
    program = "from codespectra.jobs.start import start_job; start_job('job.log').info('new')"
    told = {"PYTHONPATH": str(Path(start.__file__).parents[2])}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=told, check=True)
    assert precious.read_text() == "untouched"
    assert log.read_text().endswith("INFO new\n") and not log.is_symlink()


SCRIPT = """
from types import SimpleNamespace

from codespectra.jobs.start import start_job

# As Snakemake puts it there.
snakemake = SimpleNamespace(rule="r", params=[], input=[], output=[], threads=1)
start_job("job.log").info("started")
"""


@pytest.mark.parametrize("beside", ["itself", "a link to it", "another", "none"])
def test_a_job_refuses_a_library_that_is_not_beside_its_script(tmp_path, beside):
    library = Path(start.__file__).parents[1]
    if beside == "itself":
        shutil.copytree(library, tmp_path / "codespectra")
    elif beside == "a link to it":
        (tmp_path / "codespectra").symlink_to(library)
    elif beside == "another":
        (tmp_path / "codespectra").mkdir()
    (tmp_path / "script.py").write_text(SCRIPT, "utf-8")
    first = tmp_path if beside == "itself" else library.parent
    done = subprocess.run(
        # -P: the script's folder isn't on the path, as it isn't where Snakemake runs a copy.
        [sys.executable, "-P", tmp_path / "script.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(first)},
        check=False,
    )
    [line] = (tmp_path / "job.log").read_text("utf-8").splitlines()
    if beside in {"itself", "a link to it"}:
        assert done.returncode == 0 and line.endswith("INFO started")
    else:
        assert done.returncode == 1
        assert f"{library}, not {tmp_path / 'codespectra'}" in line


@pytest.mark.parametrize(
    ("kind", "said", "told"),
    [
        ("AcceleratorError", "CUDA error: unspecified launch failure", "failure; rerun, which"),
        ("RuntimeError", "CUDA error: illegal access", "the GPU has failed: CUDA error: illegal"),
        ("OutOfMemoryError", "CUDA out of memory. Tried 2 GiB", "GiB; lower runtime.batch, or"),
        ("RuntimeError", "mat1 and mat2", None),
    ],
)
def test_a_gpu_that_fails_is_one_line(tmp_path, kind, said, told):
    program = """
import sys
from codespectra.jobs.start import start_job

start_job("job.log")
raise type(sys.argv[1], (RuntimeError,), {})(sys.argv[2] + "\\nIt might be reported later")
"""
    environment = {"PYTHONPATH": str(Path(start.__file__).parents[2])}
    command = [sys.executable, "-c", program, kind, said]
    assert subprocess.run(command, cwd=tmp_path, env=environment).returncode == 1
    lines = (tmp_path / "job.log").read_text().splitlines()
    if told is None:
        assert "Traceback" in lines[2]
    else:
        assert len(lines) == 1 and told in lines[0]


def test_a_log_holds_any_character_in_any_locale(tmp_path):
    log = tmp_path / "job.log"
    program = r"""
import sys
from codespectra.jobs.start import start_job
start_job(sys.argv[1]).warning("\N{HORIZONTAL ELLIPSIS} \N{GREEK SMALL LETTER ALPHA} \udcff")
"""
    ascii = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run(
        [sys.executable, "-c", program, log],
        env={"PYTHONPATH": str(Path(start.__file__).parents[2]), **ascii},
        check=True,
    )
    assert log.read_text("utf-8").endswith("WARNING … α \\udcff\n")
