"""The thread that decodes, and a way to go on without it when a decode never ends."""

import asyncio
import queue
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

from gateway.errors import Unavailable

T = TypeVar("T")
P = ParamSpec("P")

ENDS_WITHIN_S = 10.0
"""A decode takes two seconds or so; one that takes this long when the daemon stops hangs."""
MOST_LEFT_BEHIND = 3
"""Each keeps a model's memory, and may keep a core busy: with more of them only a restart helps."""


class DecodeHung(Unavailable):
    """A decode did not end in time. Its thread was left behind; the next decode has a new one."""


class DecodePool(Executor):
    """One decode at a time. A hung one can be told, and left behind: its thread ends with the process."""

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self._turn = asyncio.Lock()
        self._worker = _Worker()
        self.hangs = False
        """True when a decode did not end at the daemon's stop: the process can then only end by os._exit."""
        self.left_behind = 0
        """How many decodes did not end while the daemon ran."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do it when everything before it is done. Any thread may call."""
        future: Future[T] = Future()

        def work() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    result = fn(*args, **kwargs)
                except BaseException as error:  # noqa: BLE001 - carried to whoever waits
                    future.set_exception(error)
                else:
                    future.set_result(result)

        self._worker.work.put((future.cancel, work))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the thread when its work is done; with `cancel_futures` only what it is at."""
        self._worker.end(cancel=cancel_futures)
        if wait:
            self._worker.thread.join()

    async def decode(self, listen: Callable[[], Awaitable[T]]) -> T:
        """Let one decode have its turn and wait for it.

        Raises:
            DecodeHung: it did not end in time; what waits for a turn goes on without it.
        """
        async with self._turn:
            limit = asyncio.timeout(self._within_s)
            try:
                async with limit:
                    return await listen()
            except TimeoutError:
                if not limit.expired():
                    raise
                self.left_behind += 1
                self._worker.end(cancel=True)
                self._worker = _Worker()
                raise DecodeHung(f"a decode did not end within {self._within_s:.0f} s") from None

    async def ends(self, within_s: float = ENDS_WITHIN_S) -> bool:
        """Wait for what was given to the pool so far; False when it did not end in time."""
        last = asyncio.wrap_future(self.submit(_nothing))
        done, _ = await asyncio.wait((last,), timeout=within_s)
        self.hangs = not done
        return not self.hangs


class _Worker:
    """A thread that does one thing after the other. A daemon thread: nothing waits for it at the end."""

    def __init__(self) -> None:
        self.work: queue.SimpleQueue[tuple[Callable[[], object], Callable[[], None]] | None] = (
            queue.SimpleQueue()
        )
        """How to call it off, and what to do."""
        self.thread = threading.Thread(target=self._run, name="decode", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while (one := self.work.get()) is not None:
            one[1]()
            # What was decoded is not kept until the next.
            del one

    def end(self, *, cancel: bool) -> None:
        """Let the thread end after what it has to do, or with `cancel` after what it is at."""
        left = []
        while cancel:
            try:
                left.append(self.work.get_nowait())
            except queue.Empty:
                break
        for one in left:
            if one is not None:
                one[0]()
        self.work.put(None)


def _nothing() -> None:
    """Is done when everything before it is."""
