"""The gateway's ears: the speech model, loaded while the radios listen, and what is done when it hangs."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from gateway.alarms import Alarms
from gateway.decodepool import MOST_LEFT_BEHIND, DecodeHung, DecodePool
from gateway.errors import Unavailable
from gateway.listener import Heard, Listener
from gateway.model import Pcm
from gateway.recognise.base import Recogniser
from gateway.remedies import HUNG_ACTION, RELOAD_ACTION

log = structlog.get_logger()

RELOAD_S = 30.0
"""How long until a model that could not be loaded anew is tried again."""


class Ears:
    """Listens to one transmission after the other. On one asyncio loop: `open`, calls, `end`, `close`."""

    def __init__(
        self,
        pool: DecodePool,
        alarms: Alarms,
        load: Callable[[], Awaitable[Listener]],
        index: Callable[[], Awaitable[None]],
        *,
        reload_s: float = RELOAD_S,
    ) -> None:
        """Wire them up. `load` and `index` are called by `open`; words are understood when both are done."""
        self._pool = pool
        self._alarms = alarms
        self._load = load
        self._index = index
        self._reload_s = reload_s
        self._listener: Listener | None = None
        self._ready: asyncio.Task[Listener] | None = None

    def open(self) -> asyncio.Task[Listener]:
        """Begin to load the model; the task ends when words can be read, or fails as the loading did."""
        self._ready = asyncio.create_task(self._prepare(), name="load-model")
        return self._ready

    async def _prepare(self) -> Listener:
        listener, _ = await asyncio.gather(self._load(), self._index())
        self._listener = listener
        return listener

    async def _prepare_again(self) -> Listener:
        """Load the model anew until that works; what is heard meanwhile waits in the spool."""
        while True:
            try:
                listener = await self._prepare()
            except Exception as error:
                # Whatever it is: ears that are gone and do not say so are worse.
                log.exception("the model cannot be loaded anew")
                message = f"the model cannot be loaded anew after a decode that hung: {error}"
                self._alarms.fault("recogniser/model", message, RELOAD_ACTION)
                await asyncio.sleep(self._reload_s)
            else:
                self._alarms.recovered("recogniser/model")
                return listener

    @property
    def recogniser(self) -> Recogniser | None:
        """What reads the words, None while it is loaded for the first time."""
        return self._listener.recogniser if self._listener is not None else None

    async def __call__(self, audio: Pcm) -> Heard:
        """Listen within a bound: a decode that hangs costs its call, not the radios.

        Raises:
            Unavailable: the decode hung, or the model cannot be loaded.
        """
        assert self._ready is not None
        listener = await asyncio.shield(self._ready)
        try:
            heard = await self._pool.decode(lambda: listener(audio))
        except DecodeHung as error:
            log.exception("decode left behind", hung=self._pool.left_behind)
            self._alarms.fault("recogniser", f"{error}; the model is loaded anew", HUNG_ACTION)
            if self._pool.left_behind > MOST_LEFT_BEHIND:
                raise Unavailable(f"{error}, {self._pool.left_behind} times: only a restart helps") from None
            # The hung one may hold the model's own lock for ever.
            self._ready = asyncio.create_task(self._prepare_again(), name="reload-model")
            raise
        self._alarms.recovered("recogniser")
        return heard

    async def end(self) -> bool:
        """Let the decode under way end; False when it hangs, which is told, and it is left behind."""
        if self._ready is None or not self._ready.done() or await self._pool.ends():
            return True
        message = "a decode did not end when the gateway stopped; the process ended without it"
        self._alarms.fault("recogniser", message, HUNG_ACTION)
        return False

    def close(self) -> None:
        """Let go of the model; after the pool's end. Of one that hangs only the process's end lets go."""
        if self._ready is not None:
            self._ready.cancel()
        if self._listener is not None and not self._pool.hangs:
            self._listener.close()
