"""Exchanges over HTTP end in time and within a size, whatever the server does."""

import gzip
import socket
import threading
import tracemalloc
import zlib

import httpx2
import openai
import pytest
from chat_server import endless, serving
from fastapi.responses import Response

from codespectra.explanations.chat_http import LARGEST, BoundedTransport, Unreadable

OK = b"HTTP/1.1 200 OK\r\n"
WHOLE = OK + b"content-length: 1000000\r\n\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"
MEBIBYTE = 1 << 20


def post(url: str, seconds: float = 0.5) -> httpx2.Response:
    timeout = httpx2.Timeout(seconds, connect=seconds / 3)
    with httpx2.Client(transport=BoundedTransport(seconds), timeout=timeout) as client:
        return client.post(f"{url}/chat/completions", json={})


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (OK + b"x: ", b"y"),
        (OK, b"x: y\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (WHOLE, b" "),
        (WHOLE[:-2] + b"content-encoding: gzip\r\n\r\n", b"\x1f"),
        (CHUNKED, b"1\r\n \r\n"),
        (CHUNKED, b"0"),
    ],
    ids=["a header", "headers", "interim answers", "body", "gzip", "chunks", "a chunk's size"],
)
def test_a_server_that_drips_is_late(start: bytes, drop: bytes) -> None:
    """Each read is in time; the answer as a whole never is."""
    with endless(start, drop, pause=0.05) as server:
        with pytest.raises(httpx2.ReadTimeout, match="no whole answer within 0"):
            post(server.url)
        assert server.hung_up.wait(10)


def test_a_handshake_that_drips_was_not_sent() -> None:
    """So it costs nothing."""
    record = b"\x16\x03\x03\x40\x00"  # announces 16 KiB
    with endless(record, b"\0", pause=0.05) as server:
        with pytest.raises(httpx2.ConnectTimeout):
            post(server.url.replace("http", "https"))
        assert server.hung_up.wait(10)


def test_a_look_up_of_the_name_that_hangs_was_not_sent(monkeypatch) -> None:
    asked, released = threading.Event(), threading.Event()

    def hang(*where: object, **how: object) -> list:
        asked.set()
        released.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with pytest.raises(httpx2.ConnectTimeout):
        post("http://localhost:9/v1")
    released.set()
    assert asked.is_set()


@pytest.mark.parametrize("encoding", [b"", b"content-encoding: gzip\r\n"], ids=["plain", "gzip"])
def test_an_endless_answer_is_read_to_the_limit(encoding: bytes) -> None:
    block = b"10000\r\n" + bytes(1 << 16) + b"\r\n"
    with endless(CHUNKED[:-2] + encoding + b"\r\n", block) as server:
        tracemalloc.start()
        with pytest.raises(Unreadable, match="is larger than 4 MiB"):
            post(server.url, 60)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert server.hung_up.wait(10)
    assert peak < 3 * LARGEST


@pytest.mark.parametrize("start", [OK, b"HTTP/1.1 200 " + b"O" * 1000])
def test_endless_headers_are_no_answer(start: bytes) -> None:
    with endless(start, b"x: " + b"y" * 1000) as server:
        with pytest.raises(httpx2.RemoteProtocolError):
            post(server.url, 60)
        assert server.hung_up.wait(10)


def packed(content: bytes, encoding: str) -> Response:
    return Response(content, headers={"content-encoding": encoding})


def test_gzip_is_undone_no_further_than_the_limit() -> None:
    """A quarter of a gigabyte in a quarter of a megabyte."""
    pack = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    zeros = bytes(MEBIBYTE)
    bomb = b"".join(pack.compress(zeros) for _ in range(256)) + pack.flush()
    with serving(lambda body, request: packed(bomb, "gzip")) as server:
        tracemalloc.start()
        with pytest.raises(Unreadable, match="is larger than 4 MiB"):
            post(server.url, 60)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 5 * LARGEST


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        (gzip.compress(gzip.compress(b"{}")), "gzip, gzip", "encoded as 'gzip, gzip', expected"),
        (b"{}", "br", "encoded as 'br'"),
        (b"{}", "gzip", "isn't the gzip that it claims to be"),
    ],
    ids=["twice", "brotli", "no gzip"],
)
def test_another_encoding_is_not_read(content: bytes, encoding: str, message: str) -> None:
    with (
        serving(lambda body, request: packed(content, encoding)) as server,
        pytest.raises(Unreadable, match=message),
    ):
        post(server.url, 10)


@pytest.mark.parametrize("size", [2, LARGEST])
@pytest.mark.parametrize("encoding", ["identity", "gzip", "GZip"])
def test_an_answer_within_the_limit_is_read_whole(size: int, encoding: str) -> None:
    content = bytes(size)
    sent = content if encoding == "identity" else gzip.compress(content)
    with serving(lambda body, request: packed(sent, encoding)) as server:
        assert post(server.url, 60).content == content


def test_what_the_headers_say_of_text_and_cookies_is_not_heeded() -> None:
    """A charset may be a compression, too."""
    heard = []

    def play(body: dict, request: object) -> Response:
        heard.append(request.headers.get("cookie"))
        kind = {"content-type": "text/plain; charset=bz2", "set-cookie": "a=b", "retry-after": "7"}
        return Response(b"{}", headers=kind)

    with (
        serving(play) as server,
        httpx2.Client(transport=BoundedTransport(10)) as client,
    ):
        answers = [client.post(f"{server.url}/chat/completions", json={}) for _ in range(2)]
    assert [answer.text for answer in answers] == ["{}", "{}"]
    assert dict(answers[0].headers) == {"retry-after": "7", "content-length": "2"}
    assert heard == [None, None]


@pytest.mark.parametrize("location", ["http://127.0.0.1:9/", "//[", "http://\xff:x/", "\xff", "a:"])
def test_a_redirection_is_not_followed(location: str) -> None:
    answer = Response(status_code=307, headers={"location": location})
    with serving(lambda body, request: answer) as server:
        assert post(server.url, 10).status_code == 307
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0" * 99,
        b"HTTP/9 200\r\n\r\n",
        b"HTTP/1.1 999999 OK\r\n\r\n",
        OK + b"\xff\r\n",
        OK + b"retry-after: \xff\r\ncontent-length: 0",
    ],
)
def test_what_is_no_http_is_a_protocol_error(answer: bytes) -> None:
    with endless(answer, b"\r\n\r\n\0\r\n") as server, pytest.raises(httpx2.RemoteProtocolError):
        post(server.url, 10)


def test_the_openai_client_does_not_retry_what_is_unreadable() -> None:
    with serving(lambda body, request: packed(b"{}", "br")) as server:
        client = openai.OpenAI(
            api_key="any",
            base_url=server.url,
            max_retries=5,
            http_client=openai.DefaultHttpxClient(transport=BoundedTransport(10)),
        )
        with pytest.raises(Unreadable):
            client.post("/chat/completions", body={}, cast_to=httpx2.Response)
        assert len(server.asked) == 1
