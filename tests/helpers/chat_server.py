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
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

HOST = "127.0.0.1"


@dataclass
class Served:
    """A running server: where it is, and what it was asked."""

    url: str
    asked: list[dict[str, Any]] = field(default_factory=list)


def says(content: str | None, *, tokens: int | None = 7, **choice: Any) -> Response:
    """A chat completion; `tokens` None leaves the usage out."""
    message = {"role": "assistant", "content": content, "refusal": choice.pop("refusal", None)}
    answer = {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "any",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"} | choice],
    }
    if tokens is not None:
        answer["usage"] = {
            "prompt_tokens": tokens - 1,
            "completion_tokens": 1,
            "total_tokens": tokens,
        }
    return JSONResponse(answer)


def fails(status: int, message: str, **headers: str) -> Response:
    """An error as OpenAI words it."""
    return JSONResponse({"error": {"message": message}}, status_code=status, headers=headers)


async def falls_silent(seconds: float) -> Response:
    """An answer that comes too late."""
    await asyncio.sleep(seconds)
    return says("too late")


@contextlib.contextmanager
def serving(play: Callable[[dict[str, Any], Request], Any]) -> Iterator[Served]:
    """Serve chat completions that `play` makes of a request's body, a `Response` or awaitable."""
    app = FastAPI()
    served = Served("")

    @app.post("/v1/chat/completions")
    async def complete(request: Request) -> Response:
        body = await request.json()
        served.asked.append(body)
        answer = play(body, request)
        return await answer if asyncio.iscoroutine(answer) else answer

    with socket.create_server((HOST, 0)) as listener:
        served.url = f"http://{HOST}:{listener.getsockname()[1]}/v1"
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield served
        finally:
            server.should_exit = server.force_exit = True
            thread.join()


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
