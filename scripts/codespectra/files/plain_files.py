"""Files whose names others can guess, such as locks, logs and partial files, opened unfollowed.

Whoever may write to a shared folder can plant a link under such a name; what is written would then
land in the file behind it.
"""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from codespectra.errors import UserError

LINKS = {errno.ELOOP, errno.EMLINK}
# What the system says of folders, pipes, sockets and devices that are opened as files are.
NO_FILES = {errno.EISDIR, errno.ENXIO, errno.ENODEV}


def open_plain(
    path: str | Path, flags: int, mode: int = 0o666, *, folder: int | None = None
) -> int:
    """Descriptor of a file that is no link, nor a second name of another file. Nothing is emptied.

    Args:
        path: of the file.
        flags: of `os.open`: whether it is read or written, and made if it is missing.
        mode: of a new file.
        folder: descriptor of the folder that it is in, instead of the one that `path` names.

    Raises:
        UserError: something else has that name.
        OSError: it can't be opened, or is missing and `flags` don't make it.
    """
    path = Path(path)
    name = path if folder is None else path.name
    try:
        # Unblocked, since a pipe would wait for its other end.
        file = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, mode, dir_fd=folder)
    except OSError as error:
        if error.errno in LINKS | NO_FILES:
            raise _planted(path, "a link" if error.errno in LINKS else "no file") from error
        raise
    found = os.fstat(file)
    if stat.S_ISREG(found.st_mode) and found.st_nlink <= 1:
        return file
    os.close(file)
    raise _planted(path, "a hard link" if stat.S_ISREG(found.st_mode) else "no file")


def refuse_planted(path: str | Path) -> None:
    """Refuse a link or anything but a file of one name; nothing there is as good as a file.

    Raises:
        UserError: names what is there.
    """
    with suppress(FileNotFoundError):
        os.close(open_plain(path, os.O_RDONLY))


def _planted(path: Path, found: str) -> UserError:
    return UserError(
        f"{path}: {found}, expected a file of the workflow's own with no other name: nothing is "
        "read or written there; remove that name, which leaves what is behind it, and rerun"
    )
