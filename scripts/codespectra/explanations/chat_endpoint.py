"""The endpoint of chat models: URL and key, which never reach a file or a log."""

import re
import textwrap
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote, urlsplit

import httpx2

from codespectra.errors import UserError
from codespectra.explanations.chat_redaction import Redaction

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
        return self._redaction.clean(text).encode("utf-8", "replace").decode()

    def quoted(self, text: str) -> str:
        """`clean` text in one line, shortened."""
        return textwrap.shorten(self.clean(text), QUOTED, placeholder=" …")

    @cached_property
    def _redaction(self) -> Redaction:
        """A user and password in the URL are sent in base64; a user alone is a secret itself."""
        parts = urlsplit(self.url or "")
        login = parts.netloc.rpartition("@")[0]
        password = parts.password or parts.username or ""
        sent = b64encode(unquote(login).encode()).decode()
        return Redaction([self.key, password, unquote(password), sent])


def _is_http(url: str) -> bool:
    try:
        parts, _ = urlsplit(url), httpx2.URL(url)  # each refuses what the other lets pass
    except (ValueError, httpx2.InvalidURL):
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
