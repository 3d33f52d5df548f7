"""Progress of a capture, noted beside its growing file, from which it resumes after a kill."""

import logging
import time
from pathlib import Path

from codespectra.errors import UserError
from codespectra.files.json_files import content_digest, read_json, write_json

log = logging.getLogger("codespectra")

# What a kill can cost; noting progress after every batch would cost more.
PROGRESS_SECONDS = 2.0


class Journal:
    """How far a capture has come, noted beside its file every few seconds.

    The first `done` stimuli are in the file; `correct` of them were predicted rightly.
    """

    def __init__(self, file: Path, identity: str):
        """Of the capture `identity`, to be noted in `file`."""
        self.file, self.identity = file, identity
        self.done, self.correct = 0, 0
        self.written = time.monotonic()

    def read(self) -> None:
        """Go on from the note that a killed job of the same capture has left."""
        if not self.file.exists():
            return
        try:
            note = read_json(self.file)
            same = note["identity"] == self._identity(note["done"], note["correct"])
        except UserError as error:
            log.warning("%s; starting anew", error)
            return
        if same:
            self.done, self.correct = note["done"], note["correct"]

    def is_due(self) -> bool:
        """Whether the last note is old enough for another."""
        return time.monotonic() - self.written > PROGRESS_SECONDS

    def write(self) -> None:
        """Note how far the capture has come."""
        identity = self._identity(self.done, self.correct)
        note = {"identity": identity, "done": self.done, "correct": self.correct}
        write_json(self.file, note)
        self.written = time.monotonic()

    def _identity(self, done: int, correct: int) -> str:
        """Digest of the capture and of these numbers: a damaged one is none."""
        return content_digest([self.identity, done, correct])
