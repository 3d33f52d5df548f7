"""Keys and passwords are taken out of what a server says, however it quotes them.

The rule: `RUN` characters in a row of a secret are taken out, or all of a shorter one. Blanks in
between don't count, nor the case, nor escapes (`%2F`, `\\x2f`, `\\u002f`, `\\/`); nor punctuation,
if it leaves `RUN` letters and digits in a row. So are the same characters in hexadecimal, and in
base64 of any alignment. Letters and digits that touch what is taken out go with it.

Seven characters or fewer stay, as in `sk-…wxyz`. In a text of n characters a random key of length L
finds one of its runs by accident with a probability under 2 n L (2 / 62)^8, one in 10,000 for a
million characters and a key of 50. A key made of words in lower case (`no-key-required`) is a
placeholder: one of its words that stands alone stays, for an answer may well hold it.
"""

import re
from array import array
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

RUN = 8
# A shorter secret is a placeholder of a local server, and a word that an answer may well hold.
SHORTEST = 6
HIDDEN = "[redacted]"

# What is read of a text: all that can be seen, or letters and digits alone.
VISIBLE, LETTERS = re.compile(r"[\w!-~]+"), re.compile(r"[^\W_]+")
# The two alphabets of base64 are one; İ is the one letter whose lower case has two characters.
FOLDED = str.maketrans("-_İ", "+/i")
# An escape, whose last group says what it stands for, or other text.
PART = re.compile(r"\\u([0-9a-fA-F]{4})|(?:%|\\x)([0-9a-fA-F]{2})|\\([^ux])|[^\\%]+|.", re.DOTALL)
PHRASE = re.compile(r"[a-z]+([-_][a-z]+)+")
TOUCHING = re.compile(r"[A-Za-z0-9_+/=%-]+")


class Redaction:
    """Secrets, and all forms in which they are taken out of a text."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Secrets shorter than `SHORTEST` are none."""
        known = {secret for secret in secrets if len(_read(secret, VISIBLE)[0]) >= SHORTEST}
        phrases = (re.split("[-_]", secret) for secret in known if PHRASE.fullmatch(secret))
        self._words = {word for phrase in phrases for word in phrase}
        # Forms by their beginnings, as each reading shows them.
        self._forms = {kept: defaultdict(set) for kept in (VISIBLE, LETTERS)}
        for kept, forms in self._forms.items():
            for form in {form for secret in known for form in _forms(secret, kept)}:
                forms[form[:SHORTEST]].add(form)

    def clean(self, text: str) -> str:
        """`text` without the secrets; it takes about a second a million characters."""
        hidden = bytearray(len(text))
        count = range(len(text) + 1)
        self._mark(hidden, text, count[:-1], count[1:])
        if "\\" in text or "%" in text:
            self._mark(hidden, *_unescaped(text))
        if not any(hidden):
            return text
        for word in TOUCHING.finditer(text):
            if any(hidden[slice(*word.span())]):
                _hide(hidden, *word.span())
        shown, end = [], 0
        for found in re.finditer(b"\1+", hidden):
            said = text[slice(*found.span())]
            shown += [text[end : found.start()], said if said.lower() in self._words else HIDDEN]
            end = found.end()
        return "".join([*shown, text[end:]])

    def _mark(
        self, hidden: bytearray, text: str, starts: Sequence[int], ends: Sequence[int]
    ) -> None:
        """Mark what is secret; `starts` and `ends`: of each character of `text` in the original."""
        for kept, forms in self._forms.items():
            read, places = _read(text, kept)
            for first in range(len(read) - SHORTEST + 1):
                for form in forms.get(read[first : first + SHORTEST], ()):
                    if read.startswith(form, first):
                        last = places[first + len(form) - 1]
                        _hide(hidden, starts[places[first]], ends[last])


def _forms(secret: str, kept: re.Pattern[str]) -> Iterator[str]:
    """What gives a secret away where `kept` is read of a text."""
    least = min(RUN, len(_read(secret, VISIBLE)[0]))
    encoded = (form for run in _runs(secret) for form in _encoded(run.encode()))
    for form in (*_runs(_read(secret, kept)[0]), *(_read(form, kept)[0] for form in encoded)):
        if len(form) >= least:
            yield form


def _runs(text: str) -> list[str]:
    return [text[start : start + RUN] for start in range(max(1, len(text) - RUN + 1))]


def _encoded(run: bytes) -> Iterator[str]:
    """Hexadecimal, and what of base64 the run alone decides wherever it stands in a longer text."""
    yield run.hex()
    yield "".join(f"0x{byte:02x}" for byte in run)
    for before in range(3):
        bits = 8 * before
        first, last = -(-bits // 6), (bits + 8 * len(run)) // 6
        yield b64encode(bytes(before) + run).decode()[first:last]


def _read(text: str, kept: re.Pattern[str]) -> tuple[str, array]:
    """What a pattern keeps of a text, folded, and where each of its characters stands."""
    places, pieces = array("L"), []
    for found in kept.finditer(text):
        places.extend(range(*found.span()))
        pieces.append(found[0])
    return "".join(pieces).translate(FOLDED).lower(), places


def _unescaped(text: str) -> tuple[str, array, array]:
    """A text without its escapes, and where each of its characters starts and ends in `text`."""
    starts, ends, pieces = array("L"), array("L"), []
    for part in PART.finditer(text):
        start, end = part.span()
        if part.lastindex:
            starts.append(start)
            ends.append(end)
            pieces.append(_meant(part))
        else:
            starts.extend(range(start, end))
            ends.extend(range(start + 1, end + 1))
            pieces.append(part[0])
    return "".join(pieces), starts, ends


def _meant(escape: re.Match[str]) -> str:
    """The character that an escape stands for; a blank for that of a line's end."""
    if code := escape[1] or escape[2]:
        return chr(int(code, 16))
    return " " if escape[3] in "bfnrt" else escape[3]


def _hide(hidden: bytearray, start: int, end: int) -> None:
    hidden[start:end] = b"\1" * (end - start)
