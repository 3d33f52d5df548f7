"""The one exception that means: the user can mend this. It is shown without a traceback."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake in a config, a file or a machine; the message says what to do next."""


class ArgumentError(UserError, ValueError):
    """An argument of a library function that can't be right; the message begins with its name."""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Say which names are allowed, the nearest one first: `did you mean 'x'? allowed: x, y`."""
    allowed = list(allowed)
    close = difflib.get_close_matches(name, allowed, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    shown = ", ".join(allowed[:40]) + (f", … ({len(allowed)} in all)" if len(allowed) > 40 else "")
    return f"{hint}allowed: {shown or 'none'}"


def first_line(error: BaseException) -> str:
    """What a library's exception says first, or its name."""
    return str(error).strip().split("\n")[0] or type(error).__name__
