"""HTTP requests with a deadline for request and answer together, and a limit of the answer's size.

Time-outs of httpx are of one read each, so that a server that drips is never late. Here an exchange
is a task of an event loop, which can be ended wherever it waits, from the look-up of the name to
the last byte. It has a connection of its own, follows no redirection, keeps no cookie, and of the
answer's headers passes on three.
"""

import asyncio
import threading
import zlib
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2
import openai

LARGEST = 4 << 20  # bytes of an answer, decoded
HEEDED = ("retry-after", "retry-after-ms", "x-should-retry")
GZIP = zlib.MAX_WBITS | 16


class Unreadable(openai.OpenAIError):
    """An answer that isn't read to its end; the message says what it is, and no retry follows."""


class BoundedTransport(httpx2.BaseTransport):
    """Exchanges of at most `seconds` each, whose answers have at most `LARGEST` bytes.

    For several threads. A request's own time-out for connecting should be well below `seconds`,
    so that a late exchange is known to have been sent.
    """

    def __init__(self, seconds: float) -> None:
        """Nothing is connected before the first request."""
        self._seconds = seconds
        self._client = httpx2.AsyncClient(
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer, read whole.

        Raises:
            httpx2.RequestError: there is none, or it comes too late.
            Unreadable: it is too large, or its encoding isn't one that was asked for.
        """
        return asyncio.run_coroutine_threadsafe(self._exchange(request), _loop()).result()

    async def _exchange(self, request: httpx2.Request) -> httpx2.Response:
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._client.send(request, stream=True)
                try:
                    body = _decoded(await _body(response), response.headers)
                finally:
                    await response.aclose()
            headers = {name: response.headers[name] for name in HEEDED if name in response.headers}
            return httpx2.Response(response.status_code, headers=headers, content=body)
        except (httpx2.RequestError, Unreadable):
            raise
        except TimeoutError as error:
            raise httpx2.ReadTimeout(f"no whole answer within {self._seconds:g} s") from error
        except Exception as error:  # of any kind, at what no server should send
            raise httpx2.RemoteProtocolError(type(error).__name__) from error


async def _body(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for block in response.aiter_raw():
        body += block
        _check_size(body)
    return bytes(body)


def _decoded(body: bytes, headers: httpx2.Headers) -> bytes:
    """A body without its gzip, which is undone no further than `LARGEST` bytes."""
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding == "gzip":
        try:
            body = zlib.decompressobj(GZIP).decompress(body, LARGEST + 1)
        except zlib.error:
            raise Unreadable("isn't the gzip that it claims to be") from None
        _check_size(body)
    elif encoding != "identity":
        raise Unreadable(f"is encoded as {encoding!r}, expected gzip or nothing")
    return body


def _check_size(body: bytes | bytearray) -> None:
    if len(body) > LARGEST:
        raise Unreadable(f"is larger than {LARGEST >> 20} MiB")


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """The event loop of all exchanges, in a thread that ends with the process."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop
