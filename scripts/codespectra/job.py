"""What every rule's script does first: a log that also gets the crash, and quiet user errors."""

import logging
import sys
from pathlib import Path

from codespectra.errors import UserError


def start(log_file: str) -> logging.Logger:
    """Send log records, warnings and uncaught exceptions to `log_file` and to stderr.

    A `UserError` is logged as its message alone; anything else with its traceback. Snakemake
    itself writes nothing to `log:` when a script crashes.
    """
    Path(log_file).parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        datefmt="%H:%M:%S",
        handlers=[logging.FileHandler(log_file, mode="w"), logging.StreamHandler()],
        force=True,
    )
    logging.captureWarnings(True)
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of every glyph of a PDF
    sys.excepthook = _log_uncaught
    return logging.getLogger("codespectra")


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: object) -> None:
    expected = issubclass(kind, UserError | KeyboardInterrupt)
    logging.getLogger("codespectra").error(
        "%s", error or kind.__name__, exc_info=None if expected else (kind, error, trace)
    )
