"""Progress of a capture, noted beside its growing file, from which it resumes after a kill."""

import logging
import time
from pathlib import Path

from codespectra.errors import UserError
from codespectra.files.manifests import read_signed, write_signed
from codespectra.files.plain_files import refuse_planted

log = logging.getLogger("codespectra")

# What a kill can cost; noting progress after every batch would cost more.
PROGRESS_SECONDS = 2.0


class Journal:
    """How far a capture has come, noted beside its file every few seconds.

    The first `done` stimuli are in the file; `correct` of them were predicted rightly. `digests`
    are those of their rows, by dataset, and under "" that of all else in the file. `whole` is what
    `done` and `correct` were at the last multiple of the layout's grain.
    """

    def __init__(self, file: Path, identity: str):
        """Of the capture `identity`, to be noted in `file`."""
        self.file, self.identity = file, identity
        self._begin()
        self.written = time.monotonic()

    def _begin(self) -> None:
        self.done, self.correct, self.digests, self.whole = 0, 0, {}, (0, 0)

    def read(self) -> None:
        """Go on from the note that a killed job of the same capture has left."""
        refuse_planted(self.file)
        if not self.file.exists():
            return
        try:
            note = read_signed(self.file)
            if note["identity"] == self.identity:
                self.done, self.correct = note["done"], note["correct"]
                self.digests, self.whole = note["digests"], tuple(note["whole"])
        except UserError as error:
            log.warning("%s; starting anew", error)

    def is_due(self) -> bool:
        """Whether the last note is old enough for another."""
        return time.monotonic() - self.written > PROGRESS_SECONDS

    def write(self) -> None:
        """Note how far the capture has come."""
        names = "identity", "done", "correct", "digests", "whole"
        write_signed(self.file, {name: getattr(self, name) for name in names})
        self.written = time.monotonic()

    def forget(self) -> None:
        """Start anew: remove the note, which mustn't outlive what it tells of."""
        self._begin()
        self.file.unlink(missing_ok=True)
