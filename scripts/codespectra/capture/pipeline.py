"""Reading, computing and writing at the same time: a thread before a computation, one after it.

Little is held: one batch is read ahead, and what waits to be written is bounded in bytes. An error
of either thread comes out where the computation asks for the next batch or hands over the next
output, at the latest at the end; both threads have ended when it does.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self

import torch

# Bytes that may wait to be written; one output may be larger.
ROOM = 1 << 25


class ReadAhead:
    """Loads a batch while the one before it is computed."""

    def __init__(self, load: Callable[[slice], Any]):
        """Take the function that loads some rows."""
        self._load, self._pool = load, ThreadPoolExecutor(1, "reading")
        self._rows: slice | None = None
        self._loaded: Future[Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def __call__(self, rows: slice, then: slice) -> Any:
        """What is loaded for `rows`; loading `then`, the rows to be asked for next, begins."""
        if rows != self._rows:
            self._begin(rows)
        loaded = self._loaded.result()
        self._begin(then)
        return loaded

    def _begin(self, rows: slice) -> None:
        self._rows = rows
        self._loaded = self._pool.submit(self._without_gradients, rows)

    def _without_gradients(self, rows: slice) -> Any:
        with torch.inference_mode():  # which holds for one thread
            return self._load(rows) if rows.start < rows.stop else None


class WriteBehind:
    """Works off tasks one after the other in its thread; none follows one that failed."""

    def __init__(self) -> None:
        """Start with nothing to do."""
        self._pool = ThreadPoolExecutor(1, "writing")
        self._waiting: deque[tuple[Future[None], int]] = deque()
        self._last: Future[None] | None = None
        self._held = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Work off all that has been handed over, after an error too."""
        self._pool.shutdown()
        if kind is None and self._last is not None:
            self._last.result()

    def __call__(self, task: Callable[..., None], *given: Any, size: int = 0) -> None:
        """Hand over a task that holds `size` bytes; waits while more than ROOM are held."""
        self._last = self._pool.submit(_after, self._last, task, *given)
        self._waiting.append((self._last, size))
        self._held += size
        while self._waiting and (self._held > ROOM or self._waiting[0][0].done()):
            done, freed = self._waiting.popleft()
            done.result()
            self._held -= freed


def _after(last: Future[None] | None, task: Callable[..., None], *given: Any) -> None:
    if last is not None:
        last.result()  # the one thread has done it; its error is this one's
    task(*given)


def on_its_way(values: torch.Tensor) -> Callable[[], torch.Tensor]:
    """Begin to copy a tensor to the CPU, if it isn't there; the answer waits for the copy."""
    if not values.is_cuda:
        return lambda: values
    copy = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
    copy.copy_(values, non_blocking=True)
    arrived = torch.cuda.Event()
    arrived.record()

    def wait() -> torch.Tensor:
        arrived.synchronize()
        return copy

    return wait
