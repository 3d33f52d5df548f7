"""Files that may be anybody's: opened where they are files at all, and of a size that fits.

Whatever goes wrong then becomes one line with the file, what was found, and what to do.
"""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from codespectra.errors import UserError, first_line

MOST_LETTERS = 300  # of what a library says; it may quote the file
# What opening or reading may wait for without end.
KINDS = {
    stat.S_ISDIR: "a folder",
    stat.S_ISFIFO: "a pipe (FIFO)",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}


def check_regular(path: str | Path, most: int | None = None) -> None:
    """Refuse what isn't a regular file, or has more than `most` bytes.

    Raises:
        OSError: it is missing or refused; says what it is.
    """
    found = Path(path).stat()
    for is_kind, name in KINDS.items():
        if is_kind(found.st_mode):
            raise OSError(f"it is {name}, not a regular file")
    if most is not None and found.st_size > most:
        raise OSError(f"it has {found.st_size:,} bytes, at most {most:,} are read")


def open_regular(path: str | Path, most: int | None = None) -> BufferedReader:
    """Open a file for reading as `check_regular` allows."""
    check_regular(path, most)
    return Path(path).open("rb")


def read_regular(path: str | Path, most: int) -> bytes:
    """Content of a file as `check_regular` allows."""
    with open_regular(path, most) as file:
        return file.read(most)


@contextmanager
def refusing(path: str | Path, found: str, remedy: str) -> Iterator[None]:
    """While open, anything that a library raises at a file becomes a `UserError`.

    Args:
        path: of the file.
        found: what it isn't, such as `not a readable image`.
        remedy: what to do; for a user's file never to delete it.
    """
    try:
        yield
    except (UserError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # A panic of a library in Rust is no Exception.
        raise UserError(f"{shown(path)}: {found} ({reason(error)}); {remedy}") from error


def reason(error: BaseException) -> str:
    """What a library's exception says in one line, without the file's name."""
    if words := getattr(error, "strerror", None):
        return words
    first, _, rest = str(error).strip().partition("\n")
    said = f"{first} {rest.split(chr(10))[0].strip()}" if first.endswith(":") else first_line(error)
    return shown(said if len(said) <= MOST_LETTERS else f"{said[:MOST_LETTERS]}…")


def shown(path: str | Path) -> str:
    """A path for a line of text: names on disk may hold line ends, and bytes that are no text."""
    return str(path) if str(path).isprintable() else ascii(str(path))
