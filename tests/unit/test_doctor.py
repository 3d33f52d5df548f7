"""The doctor tells each bad situation apart, in a line that says what to do."""

import os
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from project import ROOT

import doctor

Usage = namedtuple("Usage", "free")


def read_only(folder: Path) -> Callable:
    (folder / "results").symlink_to("/proc/self")  # where root can't write either
    return doctor.check_writing


def killed(folder: Path) -> Callable:
    (folder / ".snakemake/locks").mkdir(parents=True)
    (folder / ".snakemake/locks/0.input.lock").touch()
    return partial(doctor.check_lock, processes=folder)


def python_that(said: str) -> Callable[[Path], Callable]:
    def write(folder: Path) -> Callable:
        (folder / ".venv/bin").mkdir(parents=True)
        (folder / ".venv/bin/python").write_text(f"#!/bin/sh\n{said}\n")
        (folder / ".venv/bin/python").chmod(0o755)
        lock = 'a-b==1.0 \\\n    --hash=x\nc==1 ; python_version < "3"\nd==2 ; x\nd==3 ; y\n'
        (folder / "requirements.lock").write_text(lock)
        return doctor.check_packages

    return write


def driver(said: str) -> Callable[[Path], Callable]:
    def write(folder: Path) -> Callable:
        (folder / "smi").write_text(f"#!/bin/sh\n{said}\n")
        (folder / "smi").chmod(0o755)
        return partial(doctor.check_gpu, program=str(folder / "smi"))

    return write


WRONG = {
    "old Python": (
        lambda _: partial(doctor.check_python, version=(3, 10, 4)),
        "3.10.4 is too old, 3.11 or newer is needed: make PYTHON=",
    ),
    "read-only": (read_only, "results: "),
    "full disk": (
        lambda _: partial(doctor.check_disk, usage=lambda _: Usage(9.9e9)),
        "9.9 GB are free, 10 are needed",
    ),
    "killed": (killed, "if it was killed, snakemake --unlock"),
    "no environment": (lambda _: doctor.check_packages, "there is no .venv yet: make"),
    "broken environment": (python_that("exit 1"), "doesn't start: remove .venv"),
    "another version": (python_that("echo a.b 2.0; echo d 3"), "1 differ from.*a-b 2.0, not 1.0"),
    "a package missing": (python_that("echo d 2"), "1 differ from.*a-b is missing, not 1.0"),
    "broken driver": (driver("echo NVML: mismatch; exit 9"), "NVML: mismatch: mend the driver"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_in_a_line(tmp_path, case):
    build, words = WRONG[case]
    with pytest.raises(doctor.Trouble, match=words) as trouble:
        build(tmp_path)(tmp_path)
    assert "\n" not in str(trouble.value)


FINE = {
    "the locked versions": (python_that("echo A_b 1.0; echo d 3; echo own 7"), "3, as"),
    "a GPU": (driver("echo H200, 140 GiB"), "H200, 140 GiB"),
    "no GPU": (lambda _: partial(doctor.check_gpu, program="no-such-smi"), "on the CPU"),
    "no lock": (lambda _: doctor.check_lock, "no snakemake holds"),
}


@pytest.mark.parametrize("case", FINE)
def test_what_is_fine_is_told(tmp_path, case):
    build, words = FINE[case]
    assert words in build(tmp_path)(tmp_path)


def test_a_snakemake_that_runs_is_waited_for(tmp_path):
    check = killed(tmp_path)
    process = tmp_path / "123"
    process.mkdir()
    (process / "cmdline").write_bytes(b"python\0snakemake\0")
    (process / "cwd").symlink_to(tmp_path)
    assert "process 123: wait for it" in check(tmp_path)


def test_it_needs_no_package_and_says_all(tmp_path):
    done = subprocess.run(
        [sys.executable, "-S", "-I", ROOT / "scripts/doctor.py"],
        cwd=tmp_path,
        env=os.environ | {"PATH": ""},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1 and not done.stderr  # no .venv there
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(doctor.CHECKS)
