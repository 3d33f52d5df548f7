"""Questions to an OpenAI-compatible endpoint: answers kept on disk, tokens never over a limit.

Each question has a file, named by the digest of its model, messages and sampling settings. It
holds the tokens that the question has cost and, once it is there, the answer. The file is charged
with all that a try may cost before the try is sent, so that a killed job leaves nothing uncounted.
The files and their folder are for the user's eyes alone.
"""

import json
import logging
import threading
from pathlib import Path
from typing import Any

import httpx2
import openai
from pydantic import BaseModel, ConfigDict, NonNegativeInt, ValidationError

from codespectra.errors import UserError
from codespectra.explanations.chat_budget import Budget
from codespectra.explanations.chat_endpoint import Endpoint
from codespectra.explanations.chat_http import BoundedTransport, Unreadable
from codespectra.files.json_files import content_digest
from codespectra.files.plain_files import refuse_planted
from codespectra.files.whole_files import atomic

# A chat template adds role marks, and some a standing instruction: tokens a message, at most.
TEMPLATE_TOKENS = 64
# No endpoint can have used more at a time.
MOST_TOKENS = 1 << 40
# Loggers that tell of addresses, and so of keys in them.
TALKATIVE = ("openai", "httpx2", "httpcore2")

Messages = list[dict[str, str]]

log = logging.getLogger("codespectra")


class NoAnswer(Exception):
    """This question has no usable answer, and others go on; the message says why."""


class Reply(BaseModel):
    """What a model wrote, or why it refused; `finished`: it wasn't cut off at `max_tokens`."""

    model_config = ConfigDict(extra="forbid")

    content: str = ""
    refusal: str | None = None
    finished: bool = True


class Record(BaseModel):
    """File of a question: tokens that all tries have cost, and the reply once it is there."""

    model_config = ConfigDict(extra="forbid")

    tokens: NonNegativeInt = 0
    reply: Reply | None = None


class _Question:
    """A question whose file is charged before each try, and credited with what a try left over."""

    def __init__(self, path: Path, bound: int, budget: Budget) -> None:
        """A try may cost `bound` tokens; what was spent and answered earlier is in the file."""
        self.record = _read(path)
        self.bound, self.is_open = bound, False
        self._path, self._budget = path, budget

    def charge(self) -> None:
        """Pay for a try before it is sent."""
        self._budget.reserve(self.bound)
        self.is_open = True
        self.record.tokens += self.bound
        self.write()

    def settle(self, cost: int) -> None:
        """The try that is open has cost this much."""
        self._budget.settle(self.bound, cost)
        self.is_open = False
        self.record.tokens += cost - self.bound

    def write(self) -> None:
        """Bring the file up to date."""
        with atomic(self._path, mode=0o600) as temporary:
            temporary.write_text(self.record.model_dump_json(indent=2) + "\n", "utf-8")


class _MeteredClient(openai.DefaultHttpxClient):
    """HTTP client in which each try is paid before it is sent, the retries of `openai` too.

    A try that the endpoint declines (redirection, 4xx, 503) or that finds nobody costs nothing.
    One that is lost (time-out, broken connection, other 5xx) may have been billed: it stays paid.
    """

    def __init__(self, seconds: float) -> None:
        """A try takes at most `seconds`."""
        super().__init__(
            transport=BoundedTransport(seconds),
            follow_redirects=False,
            headers={"accept-encoding": "gzip"},
        )
        # The question that a thread asks.
        self.asking = threading.local()

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        question: _Question = self.asking.question
        question.charge()
        try:
            response = super().send(request, **options)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol):
            question.settle(0)
            raise
        except Exception:
            question.settle(question.bound)
            raise
        if not response.is_success:
            declined = response.status_code < 500 or response.status_code == 503
            question.settle(0 if declined else question.bound)
        return response


class Answers:
    """Answers of chat models, from their files or from the endpoint; for several threads.

    One process at a time may use a folder, for it doesn't see what another one spends.
    """

    def __init__(
        self, folder: Path, endpoint: Endpoint, *, token_limit: int, timeout: float, retries: int
    ) -> None:
        """Answers in `folder`.

        Args:
            folder: of the questions' files; made if need be.
            endpoint: where to ask.
            token_limit: that prompts and answers of all files in the folder may cost together.
            timeout: seconds that a try may take, from the look-up of the endpoint's name to the
                last byte of its answer.
            retries: tries after the first when the endpoint is busy or away, with the back-off of
                the `openai` client, which heeds Retry-After up to two minutes.
        """
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        _make_private(folder)
        self._folder, self._endpoint = folder, endpoint
        self._timeout, self._retries = timeout, retries
        self.budget = Budget(token_limit, sum(_read(file).tokens for file in folder.glob("*.json")))
        self._locks: dict[str, threading.Lock] = {}
        self._failure: BaseException | None = None
        self._http = _MeteredClient(timeout)
        self._client = openai.OpenAI(
            api_key=endpoint.key,
            base_url=endpoint.url,
            timeout=httpx2.Timeout(timeout, connect=timeout / 3),
            max_retries=retries,
            http_client=self._http,
        )

    def ask(self, model: str, messages: Messages, *, max_tokens: int) -> Reply:
        """A model's reply at temperature 0, from its file if it is there.

        A try may cost the prompt's UTF-8 bytes, `TEMPLATE_TOKENS` a message and `max_tokens`: an
        upper bound for tokenizers that are made of bytes. It is what counts where the endpoint
        doesn't tell the usage.

        Args:
            model: its name at the endpoint.
            messages: `role` and `content` each.
            max_tokens: of the reply.

        Raises:
            NoAnswer: the model, or a content filter, refused.
            LimitReached: the limit could be exceeded.
            UserError: the endpoint can't be used. Every later question then fails alike.
        """
        settings = {
            "model": model,
            "messages": messages,
            "max_tokens": max_tokens,
            "temperature": 0,
        }
        digest = content_digest(settings)
        # Equal questions of two threads are one: the second finds the answer of the first.
        with self._locks.setdefault(digest, threading.Lock()):
            bound = _most_tokens(messages, max_tokens)
            question = _Question(self._folder / f"{digest}.json", bound, self.budget)
            reply = question.record.reply or self._ask_endpoint(question, settings)
        if reply.refusal is not None:
            raise NoAnswer(f"refused: {reply.refusal}")
        return reply

    def stop(self, failure: BaseException) -> None:
        """Let no thread ask the endpoint further; the first failure is the one that they raise."""
        self._failure = self._failure or failure

    def _ask_endpoint(self, question: _Question, settings: dict[str, Any]) -> Reply:
        """Ask until there is a reply, and keep it with what it cost."""
        if self._failure:
            raise self._failure
        self._http.asking.question = question
        try:
            question.record.reply = self._try(question, settings)
        except UserError as error:
            self.stop(error)
            raise
        finally:
            if question.is_open:
                question.settle(question.bound)
            question.write()
        return question.record.reply

    def _try(self, question: _Question, settings: dict[str, Any]) -> Reply:
        """The endpoint's reply, or what stands in its way."""
        try:
            answer = self._client.post("/chat/completions", body=settings, cast_to=httpx2.Response)
            completion = json.loads(answer.content)
            reply = self._reply_of(completion["choices"][0])
            question.settle(_usage(completion) or question.bound)
        except openai.OpenAIError as error:
            if getattr(error, "code", None) == "content_filter":
                return Reply(refusal=self._endpoint.quoted(str(error)))
            raise UserError(self._complaint(error, settings["model"])) from None
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
            raise UserError(
                f"the endpoint's answer for model {settings['model']!r} is no chat completion; "
                "check OPENAI_BASE_URL (it often ends in /v1)"
            ) from None
        return reply

    def _reply_of(self, choice: dict[str, Any]) -> Reply:
        """What a choice says, the secrets left out."""
        message, reason = choice["message"], choice.get("finish_reason")
        content, refusal = message.get("content"), message.get("refusal")
        if refusal or content is None or reason == "content_filter":
            why = refusal or f"no content (finish_reason {reason})"
            return Reply(refusal=self._endpoint.quoted(why))
        return Reply(content=self._endpoint.clean(content), finished=reason != "length")

    def _complaint(self, error: openai.OpenAIError, model: str) -> str:
        """What went wrong for good, and what to do."""
        kept = "answers so far are kept"
        if isinstance(error, openai.APITimeoutError):
            return (
                f"the endpoint gave no answer within {self._timeout:g} s, {self._retries + 1} "
                f"times; raise timeout or lower concurrency of explainers.openai; {kept}"
            )
        if isinstance(error, openai.APIConnectionError):
            is_answered = isinstance(error.__cause__, httpx2.RemoteProtocolError)
            found = "answers in no whole HTTP" if is_answered else "can't be reached"
            return f"the endpoint {found}; check OPENAI_BASE_URL and that it runs; {kept}"
        status = getattr(error, "status_code", None)
        # Whoever refuses a key tends to quote it, sometimes in part: not a word of it is shown.
        if status in (401, 403):
            return (
                f"the endpoint refuses the key (status {status}); check OPENAI_API_KEY, that it "
                f"belongs to OPENAI_BASE_URL and may use model {model!r}"
            )
        said = self._endpoint.quoted(str(error))
        if isinstance(error, Unreadable):
            return (
                f"the endpoint's answer for model {model!r} {said}; check OPENAI_BASE_URL; {kept}"
            )
        if status and status < 400:
            return (
                f"the endpoint sends elsewhere (status {status}), where neither key nor questions "
                f"go; set OPENAI_BASE_URL to that address; {kept}"
            )
        if status == 404:
            return (
                f"the endpoint has no model {model!r} ({said}); check OPENAI_MODEL, "
                "OPENAI_SIMULATOR_MODEL and the path of OPENAI_BASE_URL (it often ends in /v1)"
            )
        return f"the endpoint declines model {model!r} ({said}); mend that and rerun; {kept}"


def _make_private(folder: Path) -> None:
    """Make a folder that nobody else can enter."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise UserError(
            f"{folder}: can't be closed to others ({error.strerror}), as answers of chat models "
            "must be; delete it if it is another's, or take another disk by --directory"
        ) from error


def _read(path: Path) -> Record:
    """A question's file; empty if there is none, or it is damaged."""
    refuse_planted(path)
    try:
        return Record.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Record()
    except ValidationError:
        log.warning("%s: damaged; its question is asked again and its cost is forgotten", path)
        return Record()


def _most_tokens(messages: Messages, max_tokens: int) -> int:
    """Tokens that a try costs at most."""
    prompt = sum(len(message["content"].encode()) + TEMPLATE_TOKENS for message in messages)
    return prompt + max_tokens


def _usage(completion: dict[str, Any]) -> int | None:
    """Tokens of prompt and reply, if the endpoint says so."""
    usage = completion.get("usage")
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    return total if isinstance(total, int) and 0 < total < MOST_TOKENS else None
