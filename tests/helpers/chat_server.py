"""Servers on loopback: one that plays a script, one that never ends, and `transformers serve`."""

import asyncio
import contextlib
import os
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

HOST = "127.0.0.1"
NUMBERS = count()


@dataclass
class Served:
    """A running server: where it is, and what it was asked."""

    url: str
    asked: list[dict[str, Any]] = field(default_factory=list)


def says(content: str | None, *, tokens: int = 7, **choice: Any) -> Response:
    """A chat completion that costs `tokens`."""
    message = {"role": "assistant", "content": content, "refusal": choice.pop("refusal", None)}
    answer = {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "any",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"} | choice],
        "usage": {
            "prompt_tokens": tokens - 1,
            "completion_tokens": 1,
            "total_tokens": tokens,
        },
    }
    return JSONResponse(answer)


def contexts_of(body: dict[str, Any]) -> list[str]:
    """Contexts that a judge of detection or fuzzing is asked about; none in other questions."""
    task, question = (body["messages"][place]["content"] for place in (0, -1))
    return question.split("\n")[2:] if task.startswith("You judge") else []


def fails(status: int, message: str, **headers: str) -> Response:
    """An error as OpenAI words it."""
    return JSONResponse({"error": {"message": message}}, status_code=status, headers=headers)


async def falls_silent(seconds: float) -> Response:
    """An answer that comes too late."""
    await asyncio.sleep(seconds)
    return says("too late")


Play = Callable[[dict[str, Any], Request], Any]
PLAYS: dict[str, tuple[Play, Served]] = {}


@cache
def address() -> str:
    """Of one server for all tests of this process: to start and stop it takes a fifth of a second.

    It answers by what is played at the first part of a path.
    """
    app = FastAPI()

    @app.post("/{name}/v1/chat/completions")
    async def complete(name: str, request: Request) -> Response:
        play, served = PLAYS[name]
        body = await request.json()
        served.asked.append(body)
        answer = play(body, request)
        return await answer if asyncio.iscoroutine(answer) else answer

    listener = socket.create_server((HOST, 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    threading.Thread(target=server.run, args=([listener],), daemon=True).start()
    return f"http://{HOST}:{listener.getsockname()[1]}"


@contextlib.contextmanager
def serving(play: Play) -> Iterator[Served]:
    """Serve chat completions that `play` makes of a request's body, a `Response` or awaitable."""
    name = f"play{next(NUMBERS)}"
    served = Served(f"{address()}/{name}/v1")
    PLAYS[name] = play, served
    yield served
    del PLAYS[name]


def nowhere() -> str:
    """An address at which nobody is."""
    with socket.create_server((HOST, 0)) as listener:
        return f"http://{HOST}:{listener.getsockname()[1]}/v1"


@dataclass
class Endless:
    """A server that answers for ever: where it is, and who has hung up on it."""

    url: str
    hung_up: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def endless(start: bytes, drop: bytes, pause: float = 0) -> Iterator[Endless]:
    """Answer with `start`, and then a `drop` every `pause` seconds until nobody listens."""

    class Answer(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1 << 16)
            with contextlib.suppress(OSError):
                self.request.sendall(start)
                while True:
                    self.request.sendall(drop)
                    time.sleep(pause)
            served.hung_up.set()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server((HOST, 0), Answer) as server:
        served = Endless(f"http://{HOST}:{server.server_address[1]}/v1")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def transformers_serving(model: Path, log: Path) -> Iterator[Served]:
    """Serve a folder's model with the command that transformers installs, off the network."""
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
    command = [Path(sys.executable).with_name("transformers"), "serve", model]
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--host", HOST, "--port", str(port), "--device", "cpu"],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        )
    try:
        _wait_for(f"http://{HOST}:{port}/health", process, log)
        yield Served(f"http://{HOST}:{port}/v1")
    finally:
        process.kill()
        process.wait()


def _wait_for(url: str, process: subprocess.Popen, log: Path) -> None:
    while True:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(urllib.error.URLError):
            urllib.request.urlopen(url).close()
            return
        time.sleep(0.1)
