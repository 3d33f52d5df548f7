"""The endpoint of chat models: URL and key, which never reach a file or a log."""

import re
import textwrap
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

import httpx2

from codespectra.errors import UserError

# A shorter key is a placeholder of a local server, and a word that an answer may well hold.
SHORTEST_SECRET = 6
KEY = re.compile("[!-~]+")
# What others wrote is quoted no longer than this.
QUOTED = 300


@dataclass(frozen=True)
class Endpoint:
    """URL and key of an OpenAI-compatible endpoint.

    Attributes:
        url: base URL; None: that of the `openai` client.
        key: sent with each question.
    """

    url: str | None
    key: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Endpoint":
        """The endpoint of OPENAI_BASE_URL and OPENAI_API_KEY.

        Raises:
            UserError: there is no key, it can't be one, or the URL isn't one.
        """
        key, url = environment.get("OPENAI_API_KEY"), environment.get("OPENAI_BASE_URL") or None
        if not key:
            raise UserError(
                "OPENAI_API_KEY: not set, expected the endpoint's key; set it (any word will do "
                "for a server that wants none) and rerun"
            )
        if not KEY.fullmatch(key):
            raise UserError(
                "OPENAI_API_KEY: has a blank, a line's end or another character that no key has; "
                "set it anew and rerun"
            )
        if url and not _is_http(url):
            raise UserError(
                "OPENAI_BASE_URL: not a URL, expected one such as http://127.0.0.1:8000/v1; set it "
                "anew and rerun"
            )
        return cls(url, key)

    def clean(self, text: str) -> str:
        """`text` that can be written: valid Unicode, without the key or the URL's password."""
        for secret in self._secrets():
            text = text.replace(secret, "[redacted]")
        return text.encode("utf-8", "replace").decode()

    def quoted(self, text: str) -> str:
        """`clean` text in one line, shortened."""
        return textwrap.shorten(self.clean(text), QUOTED, placeholder=" …")

    def _secrets(self) -> list[str]:
        """Strings that must not be written, the longest first.

        A user and password in the URL are sent in base64.
        """
        parts = urlsplit(self.url or "")
        login = unquote(parts.netloc.rpartition("@")[0])
        sent = b64encode(login.encode()).decode()
        known = [self.key, login, unquote(parts.password or ""), sent]
        forms = {form for text in known for form in (text, quote(text), quote(text, safe=""))}
        return sorted((form for form in forms if len(form) >= SHORTEST_SECRET), key=len)[::-1]


def _is_http(url: str) -> bool:
    try:
        parts, _ = urlsplit(url), httpx2.URL(url)  # each refuses what the other lets pass
    except (ValueError, httpx2.InvalidURL):
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
