"""A hub on this machine, with one model, and an empty cache of the hub's client."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import huggingface_hub
import huggingface_hub.constants
import pytest

from codespectra.files.json_files import content_digest

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def empty_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, and a hub that nobody is at home in."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(folder / "hub"))
    use_hub(monkeypatch, port)
    return folder / "hub"


def use_hub(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    endpoint = f"http://127.0.0.1:{port}"
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", endpoint)
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


@contextmanager
def hub_with(files: dict[str, bytes], asked: list[str]) -> Iterator[int]:
    """A hub with one model of these files, on a port of its own; `asked` gets what is fetched."""

    class Hub(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/api/models/org/tiny/revision/v1":
                self.answer(json.dumps({"id": "org/tiny", "sha": COMMIT}).encode())
            elif path.startswith(f"/api/models/org/tiny/tree/{COMMIT}"):
                listed = [
                    {"type": "file", "path": name, "size": len(content), "oid": f"oid{i}"}
                    for i, (name, content) in enumerate(files.items())
                ]
                self.answer(json.dumps(listed).encode())
            else:
                name = path.partition("/resolve/")[2].partition("/")[2]
                asked.append(name)
                if name in files:
                    self.answer(files[name])
                else:
                    self.send_error(404)

        do_HEAD = do_GET

        def answer(self, content: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{content_digest(content.hex())}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
