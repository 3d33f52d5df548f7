"""A GPU for each process: a lock on every device of the machine, held until its process ends.

Snakemake counts GPUs but doesn't say which one a job gets. So a job takes the first device that no
other process holds, and CUDA is shown nothing else. The lock is flock's: the kernel frees it
however the process ends, kill -9 included.
"""

import fcntl
import logging
import os
import re
import shutil
import subprocess
import time
from itertools import takewhile
from pathlib import Path
from urllib.parse import quote

from codespectra.errors import UserError, first_line
from codespectra.files.plain_files import open_plain

VISIBLE = "CUDA_VISIBLE_DEVICES"
# Names the folder of locks; all jobs of a user on a machine must meet in one. Its default isn't in
# TMPDIR, which Snakemake and Slurm may set anew for each job.
FOLDER = "CODESPECTRA_GPU_LOCKS"
LOCKS = Path(os.environ.get(FOLDER) or f"/tmp/codespectra-gpus-{os.getuid()}")
POLL_SECONDS = 0.5
LISTING_SECONDS = 120

log = logging.getLogger("codespectra")

# Descriptors that hold this process's lock: closing them frees it.
_held: list[int] = []


def take_device(folder: Path = LOCKS) -> str | None:
    """Take a GPU that no other process holds, waiting for one; CUDA sees only that one then.

    Call it before CUDA is initialized, which reads CUDA_VISIBLE_DEVICES once. A second call in
    the same process gives the same device.

    Args:
        folder: of the lock files; it is made if it is missing.

    Returns:
        The device, as CUDA_VISIBLE_DEVICES now names it; None if there is none.

    Raises:
        UserError: `folder` isn't a folder of this user alone, or can't be written.
    """
    if _held:
        return os.environ[VISIBLE]
    devices = list_devices()
    if not devices:
        return None
    try:
        os.environ[VISIBLE] = device = _hold_one(devices, folder)
    except OSError as error:
        raise UserError(
            f"{folder}: locks of GPUs can't be kept there ({error.strerror}); set {FOLDER} to a "
            "folder of your own, on a disk of this machine with space, for all your jobs"
        ) from error
    log.info("GPU: %s", device)
    return device


def release_device() -> None:
    """Free the device of this process, for when CUDA doesn't work with it."""
    while _held:
        os.close(_held.pop())


# A forked child shares the descriptors, and would keep the lock after its parent's end.
os.register_at_fork(after_in_child=release_device)


def list_devices() -> list[str]:
    """GPUs that CUDA would see: UUIDs of GPUs or of their MIG instances, in the order of CUDA.

    CUDA_VISIBLE_DEVICES chooses as CUDA reads it: indices (in nvidia-smi's order), UUIDs or
    beginnings of them; the first entry that names no device ends the list. Its entries are
    taken as they are where no nvidia-smi tells their UUIDs. CUDA is not initialized.
    """
    gpus = _listed_gpus()
    chosen = os.environ.get(VISIBLE)
    if chosen is None:
        return [device for gpu in gpus for device in _usable(gpu)]
    entries = takewhile(
        lambda entry: re.fullmatch(r"[0-9]+|(GPU|MIG)-.+", entry), map(str.strip, chosen.split(","))
    )
    named = (_named(entry, gpus) for entry in entries) if gpus else entries
    return list(dict.fromkeys(takewhile(lambda device: device is not None, named)))


def _listed_gpus() -> list[list[str]]:
    """UUID of each GPU, followed by those of its MIG instances."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        done = subprocess.run(
            [program, "-L"],
            capture_output=True,
            encoding="utf-8",
            check=True,
            timeout=LISTING_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("GPUs can't be listed (%s): jobs may share one", first_line(error))
        return []
    gpus: list[list[str]] = []
    for kind, uuid in re.findall(r"^ *(GPU|MIG) .*\(UUID: (\S+)\)", done.stdout, flags=re.M):
        if kind == "GPU":
            gpus.append([])
        gpus[-1].append(uuid)
    return gpus


def _usable(gpu: list[str]) -> list[str]:
    """The MIG instances of a GPU that is divided, else the GPU itself."""
    return gpu[1:] or gpu


def _named(entry: str, gpus: list[list[str]]) -> str | None:
    """The listed device that an entry of CUDA_VISIBLE_DEVICES means; None: there is none such."""
    if entry.isdecimal():
        return _usable(gpus[int(entry)])[0] if int(entry) < len(gpus) else None
    meant = [
        uuid if uuid in _usable(gpu) else _usable(gpu)[0]
        for gpu in gpus
        for uuid in gpu
        if uuid.startswith(entry)
    ]
    return meant[0] if len(meant) == 1 else None


def _hold_one(devices: list[str], folder: Path) -> str:
    """Lock the first free device; while there is none, say once who holds them and wait."""
    place = _open_folder(folder)
    # tmpfiles.d(5): old files of a folder that is locked are not cleaned away.
    fcntl.flock(place, fcntl.LOCK_SH)
    told = False
    while True:
        for device in devices:
            lock = _lock(folder / _file_name(device), place)
            if lock is not None:
                _held.extend([place, lock])
                return device
        if not told:
            log.warning("every GPU is taken: %s; waiting for one", _holders(devices, folder))
            told = True
        time.sleep(POLL_SECONDS)


def _lock(path: Path, place: int) -> int | None:
    """Descriptor of this lock, with our process id in it; None: another holds it.

    `place` is the descriptor of its folder.
    """
    lock = open_plain(path, os.O_RDWR | os.O_CREAT, 0o600, folder=place)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    return lock


def _open_folder(folder: Path) -> int:
    """Descriptor of the folder of locks, made if it is missing, after a look at whose it is."""
    folder.mkdir(mode=0o700, exist_ok=True)
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    found = os.fstat(place)
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        os.close(place)
        raise UserError(
            f"{folder}: expected a folder of user {os.getuid()} with mode 700 for the locks of "
            f"GPUs, found user {found.st_uid}, mode {found.st_mode & 0o777:o}; have it removed, or "
            f"set {FOLDER} to another for all your jobs"
        )
    return place


def _holders(devices: list[str], folder: Path) -> str:
    """Each device with the process that holds it, for the log."""
    pids = {device: (folder / _file_name(device)).read_text("utf-8") for device in devices}
    return ", ".join(f"{device} by process {pid or 'unknown'}" for device, pid in pids.items())


def _file_name(device: str) -> str:
    return f"{quote(device, safe='')}.lock"
