"""A key is taken out however it is quoted, and ordinary text stays as it is."""

import json
import random
import re
import string
from base64 import b64encode, encodebytes, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from codespectra.explanations.chat_endpoint import Endpoint
from codespectra.explanations.chat_redaction import HIDDEN, PHRASE, RUN, Redaction

SETTINGS = settings(deadline=None, derandomize=True, database=None)
DOCUMENTS = Path(__file__).parents[3]
SIGNS = string.ascii_letters + string.digits + "-_"
PRINTABLE = "".join(map(chr, range(ord("!"), ord("~") + 1))).translate(
    {ord("\\"): "", ord("%"): ""}
)


def spaced(text: str, rng: random.Random) -> str:
    return text[0] + "".join(rng.choice(["", " ", "\n", "\r\n\t", "\u200b"]) + c for c in text[1:])


def dotted(text: str, rng: random.Random) -> str:
    return text[0] + "".join(rng.choice(["", "-", ". ", "', '", "\n| "]) + c for c in text[1:])


def in_json(text: str, rng: random.Random) -> str:
    """JSON of JSON: as a server quotes what another one sent."""
    escaped = [rng.choice([json.dumps(c)[1:-1], f"\\u{ord(c):04x}"]) for c in text]
    return escaped[0] + "".join(rng.choice(["", "\\n", "\\t"]) + c for c in escaped[1:])


def percent(text: str, rng: random.Random) -> str:
    return "".join(rng.choice([quote(c, safe=""), f"%{ord(c):02x}"]) for c in text)


def in_base64(text: str, rng: random.Random) -> str:
    """Within something longer, at any alignment."""
    before, after = (rng.randbytes(rng.randrange(4)) for _ in range(2))
    return b64encode(before + text.encode() + after).decode()


WAYS: dict[str, Callable[[str, random.Random], str]] = {
    "as it is": lambda text, rng: text,
    "upper case": lambda text, rng: text.upper(),
    "other case": lambda text, rng: text.swapcase(),
    "blanks": spaced,
    "percent signs": percent,
    "percent signs where need be": lambda text, rng: quote(text),
    "JSON": in_json,
    "JSON with its slashes": lambda text, rng: text.replace("/", "\\/"),
    "base64": in_base64,
    "base64 for URLs": lambda text, rng: urlsafe_b64encode(text.encode()).decode(),
    "base64 in lines": lambda text, rng: encodebytes(3 * text.encode()).decode(),
    "hexadecimal": lambda text, rng: text.encode().hex(),
    "hexadecimal pairs": lambda text, rng: text.encode().hex(":").upper(),
    "hexadecimal numbers": lambda text, rng: ", ".join(f"{byte:#04x}" for byte in text.encode()),
}


def check(key: str, part: str, way: str, rng: random.Random) -> None:
    """Nothing is left of what is said, and all of what stands around it."""
    left = Redaction([key]).clean(f"¿ {WAYS[way](part, rng)} ?")
    assert left.startswith("¿ ") and left.endswith(" ?") and HIDDEN in left
    assert not re.search(r"[^\W_]", left.replace(HIDDEN, "")), (WAYS[way](part, rng), left)


@pytest.mark.parametrize("way", WAYS)
@SETTINGS
@given(st.data(), st.randoms(use_true_random=False))
def test_a_key_and_its_parts_are_taken_out(way: str, data, rng: random.Random) -> None:
    key = data.draw(st.text(SIGNS, min_size=RUN, max_size=60))
    assume(not PHRASE.fullmatch(key))
    start = data.draw(st.integers(0, len(key) - RUN))
    end = data.draw(st.integers(start + RUN, len(key)))
    check(key, key[start:end], way, rng)


@pytest.mark.parametrize("way", WAYS)
@SETTINGS
@given(st.data(), st.randoms(use_true_random=False))
def test_any_sign_may_be_part_of_a_key(way: str, data, rng: random.Random) -> None:
    """But signs of escapes, which no service gives: what is said can't be unescaped for sure."""
    key = data.draw(st.text(PRINTABLE, min_size=RUN, max_size=60))
    assume(re.search(r"[^\W_]", key))
    left = Redaction([key]).clean(f"¿ {WAYS[way](key, rng)} ?")
    assert HIDDEN in left
    assert not re.search(r"[^\W_]", left.replace(HIDDEN, ""))


@SETTINGS
@given(st.text(SIGNS, min_size=RUN, max_size=60), st.randoms(use_true_random=False))
def test_punctuation_between_the_signs_hides_nothing(key: str, rng: random.Random) -> None:
    assume(len(re.sub("[-_]", "", key)) >= RUN)
    left = Redaction([key]).clean(f"¿ {dotted(key, rng)} ?")
    assert not re.search(r"[^\W_]", left.replace(HIDDEN, ""))


@pytest.mark.parametrize("secret", ["hunter", "hunter2", "a-b c:d", "pässwörd", "секрет-ключ"])
@pytest.mark.parametrize("way", ["as it is", "other case", "blanks"])
def test_a_short_secret_is_taken_out_whole(secret: str, way: str) -> None:
    check(secret, secret, way, random.Random(0))
    assert Redaction([secret]).clean(f"x {secret[:5]} y") == f"x {secret[:5]} y"


def test_what_stands_beside_is_kept() -> None:
    key = "sk-4fGh7Jk2Lm9Np3Qr"
    redaction = Redaction([key])
    assert redaction.clean(f"Bad key {key}, see docs.") == f"Bad key {HIDDEN}, see docs."
    assert redaction.clean(f"{key} {key}") == f"{HIDDEN} {HIDDEN}"
    assert redaction.clean(f'{{"key": "{key}"}}') == f'{{"key": "{HIDDEN}"}}'
    assert redaction.clean(f"Bearer {b64encode(key.encode()).decode()}") == f"Bearer {HIDDEN}"
    # As services abbreviate a key.
    assert redaction.clean("sk-4fGh****p3Qr") == "sk-4fGh****p3Qr"


def test_ordinary_text_stays() -> None:
    """Words, numbers and answers of a simulator, with random keys of each common form."""
    rng = random.Random(1)
    files = [*DOCUMENTS.glob("*.md"), *DOCUMENTS.glob("*.yaml"), *DOCUMENTS.glob("docs/*.md")]
    words = "".join(file.read_text() for file in files)[:150_000]
    numbers = "".join(f".\t{rng.randrange(11)}\n" for _ in range(10_000))
    hexadecimal = "\n".join(rng.randbytes(4).hex() for _ in range(5_000))
    text = words + numbers + hexadecimal
    for signs in (SIGNS, "0123456789abcdef", string.ascii_lowercase):
        for _ in range(3):
            key = "sk-" + "".join(rng.choices(signs, k=48))
            assert Redaction([key]).clean(text) == text


@pytest.mark.parametrize("key", ["sk-no-key-required", "lm-studio", "not-needed", "EMPTY", "any"])
def test_words_of_a_placeholder_may_stand_in_an_answer(key: str) -> None:
    said = "words for what is required or needed in a studio, EMPTY or any"
    assert Endpoint(None, key).clean(said) == said
    if len(key) >= RUN:
        assert Endpoint(None, key).clean(f"it is {key}") == f"it is {HIDDEN}"


def test_more_than_a_word_of_a_placeholder_is_taken_out() -> None:
    redaction = Redaction(["sk-no-key-required"])
    assert redaction.clean("Required!") == "Required!"
    for said in ("key required", "re-quired", "requiredly", "bm8ta2V5LXJlcXVpcmVk"):
        assert redaction.clean(f"¿ {said} ?") == f"¿ {HIDDEN} ?"


@SETTINGS
@given(st.text(st.characters()))
def test_any_text_comes_back_as_valid_unicode(text: str) -> None:
    """Signs that no key has, half characters too."""
    clean = Endpoint("http://me:secret-word@there/v1", "sk-4fGh7Jk2Lm9Np3Qr").clean(text)
    assert clean == text.encode("utf-8", "replace").decode()
