"""The thread that owns the database, and does there what one asyncio loop asks for.

Steps that arrive while a commit is on its way to the disk wait together and are committed together: one wait
for the disk then serves them all. When a step fails, nothing of its group is kept: its halves are done again,
each as a transaction of its own, until the one that fails stands alone and takes nothing else with it. So a
step must do nothing but what the transaction takes back.
"""

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from gateway.errors import StoreUnavailable
from gateway.store.logbook import Logbook
from gateway.store.records import Notice

T = TypeVar("T")
GROUP_LIMIT = 256


@dataclass(slots=True)
class _Step:
    work: Callable[[Logbook], Any]
    outcome: asyncio.Future[Any]


_Told = list[tuple[asyncio.Future[Any], Any, Exception | None]]


class OwnerThread:
    """Opens a logbook on a thread of its own and does there what one asyncio loop asks for."""

    def __init__(self, open_logbook: Callable[[], Logbook]) -> None:
        """Start the thread. On the loop that will be told what came of each step."""
        self._loop = asyncio.get_running_loop()
        self._steps: queue.SimpleQueue[list[_Step] | None] = queue.SimpleQueue()
        self._gathered: list[_Step] = []
        self._is_closed = False
        self.opened: Future[tuple[Notice, ...]] = Future()
        self.locked_since_s: float | None = None
        """Since when another program's lock keeps a group from beginning, on the monotonic clock."""
        # A daemon thread: an app that dies without closing must end, and what was promised is durable.
        self._thread = threading.Thread(target=self._run, args=(open_logbook,), name="store", daemon=True)
        self._thread.start()

    def do(self, work: Callable[[Logbook], T]) -> asyncio.Future[T]:
        """Queue a step; the future is done when it is durable. On the loop.

        Raises:
            StoreUnavailable: the store is closed.
        """
        if self._is_closed:
            raise StoreUnavailable("the store is closed; nothing more is stored in this run")
        if not self._gathered:
            # What else is asked for in this turn of the loop goes along.
            self._loop.call_soon(self._pass_on)
        outcome: asyncio.Future[T] = self._loop.create_future()
        self._gathered.append(_Step(work, outcome))
        return outcome

    async def close(self) -> None:
        """Do what is queued, close the logbook and end the thread. On the loop; may be called twice."""
        if not self._is_closed:
            self._is_closed = True
            self._pass_on()
            self._steps.put(None)
        await asyncio.to_thread(self._thread.join)

    def _pass_on(self) -> None:
        if self._gathered:
            self._steps.put(self._gathered)
            self._gathered = []

    def _run(self, open_logbook: Callable[[], Logbook]) -> None:
        self.opened.set_running_or_notify_cancel()
        try:
            logbook = open_logbook()
        except BaseException as error:  # noqa: BLE001 - carried to the caller, whatever it is
            self.opened.set_exception(error)
            return
        self.opened.set_result(logbook.notices)
        with logbook:
            is_open = True
            while is_open:
                group, is_open = self._next_group()
                self._tell(self._done(logbook, group))

    def _next_group(self) -> tuple[list[_Step], bool]:
        group: list[_Step] = []
        gathered = self._steps.get()
        while gathered is not None:
            group += [step for step in gathered if not step.outcome.cancelled()]
            if len(group) >= GROUP_LIMIT or self._steps.empty():
                return group, True
            gathered = self._steps.get()
        return group, False

    def _done(self, logbook: Logbook, group: Sequence[_Step]) -> _Told:
        """Do these steps and say what came of each; the thread must live on, whatever it is."""
        if not group:
            return []
        try:
            self._begin(logbook)
        except Exception as error:  # noqa: BLE001 - no step's doing, so that each is told
            return [(step.outcome, None, error) for step in group]
        try:
            with logbook.begun():
                results = [step.work(logbook) for step in group]
        except Exception as error:  # noqa: BLE001 - the step is told
            if len(group) == 1:
                return [(group[0].outcome, None, error)]
            half = len(group) // 2
            return self._done(logbook, group[:half]) + self._done(logbook, group[half:])
        return [(step.outcome, result, None) for step, result in zip(group, results, strict=True)]

    def _begin(self, logbook: Logbook) -> None:
        """Wait for another program's lock, and let be seen that it is that which is waited for."""
        try:
            logbook.begin(while_locked=self._note_lock)
        finally:
            self.locked_since_s = None

    def _note_lock(self) -> None:
        self.locked_since_s = self.locked_since_s or time.monotonic()

    def _tell(self, told: _Told) -> None:
        """Wake the loop once for all of them. When that is closed, nobody waits any more."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(_hand_out, told)


def _hand_out(told: _Told) -> None:
    for outcome, result, failure in told:
        if outcome.done():
            continue
        if failure is not None:
            outcome.set_exception(failure)
        else:
            outcome.set_result(result)
