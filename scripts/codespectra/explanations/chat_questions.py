"""A question to a chat model: tokens as it sees them, and what it is told of a malformed reply."""

from collections.abc import Callable
from typing import TypeVar

from codespectra.explanations.chat_answers import Answers, Messages, NoAnswer, Reply

TRIES = 3

Content = TypeVar("Content")


class Malformed(Exception):
    """A reply that isn't what was asked for; the message says so to the model."""


def asked(
    answers: Answers,
    model: str,
    messages: Messages,
    max_tokens: int,
    read: Callable[[Reply], Content],
) -> Content:
    """What `read` makes of a reply; a model that gives a malformed one is told, and asked again."""
    for _ in range(TRIES):
        reply = answers.ask(model, messages, max_tokens=max_tokens)
        try:
            return read(reply)
        except Malformed as error:
            complaint = str(error)
        said = message("assistant", reply.content)
        messages = [*messages, said, message("user", complaint)]
    raise NoAnswer(f"malformed {TRIES} times: {complaint}")


def message(role: str, content: str) -> dict[str, str]:
    """A message as endpoints take it."""
    return {"role": role, "content": content}


def visible(token: str) -> str:
    """A token as prompts show it: in one line, and not blank."""
    return in_one_line(token) if token.strip() else "".join(map(_escaped, token))


def in_one_line(text: str) -> str:
    """A text whose characters that can't be seen are escapes, blanks left as they are."""
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
