"""Which voice speaks a text: the first that can, in the order the station wants them.

text ─► recorded by the station? ─► kept from before? ─► natural voice ─► espeak-ng ─► at the radio's level
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import structlog

from gateway.model import Pcm
from gateway.speak.sound import at_level
from gateway.speak.utterance import NoVoice, Utterance
from gateway.speak.voicecache import VoiceCache
from gateway.speak.wording import folded

log = structlog.get_logger()


class Engine(Protocol):
    """One way to make sound of text."""

    @property
    def name(self) -> str:
        """What the event calls it."""

    @property
    def cache_key(self) -> str | None:
        """Names voice and settings where its sound is kept on disk; None for recordings, which are there."""

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with what it speaks from, one sentence each; empty where nothing can be."""

    def look(self) -> None:
        """Find out what is wrong, saying nothing. Blocks."""

    def speak(self, text: str) -> Pcm:
        """Return `text` spoken. Raises NoVoice."""


class Voices:
    """All voices of a station, shared by its radios. `render` on the loop; the work on a thread of its own.

    A voice that fails is passed over for that text; the warning is logged once for each reason.
    """

    def __init__(
        self,
        engines: Sequence[Engine],
        cache: VoiceCache,
        level_dbfs: float,
        *,
        on_faults: Callable[[tuple[str, ...]], None] = lambda _: None,
    ) -> None:
        """Wire them up. `on_faults` is told on the loop what is wrong with the station's recordings."""
        self._engines = tuple(engines)
        self._cache = cache
        self._level_dbfs = level_dbfs
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="voice")
        self._complained: set[str] = set()
        self._on_faults = on_faults

    async def render(self, text: str) -> Utterance:
        """Return `text` spoken at the radio's level. Raises NoVoice."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self.speak, text)
        finally:
            self._tell_faults()

    async def look(self) -> None:
        """Have each voice look at what it speaks from, and tell."""
        for engine in self._engines:
            await asyncio.get_running_loop().run_in_executor(self._pool, engine.look)
        self._tell_faults()

    def speak(self, text: str) -> Utterance:
        """Return `text` spoken at the radio's level; blocks. Raises NoVoice, naming what each voice said."""
        if not folded(text):
            raise NoVoice("there is nothing to say in it")
        refusals: list[str] = []
        for engine in self._engines:
            try:
                pcm = self._sound(engine, text)
            except NoVoice as error:
                refusals.append(f"{engine.name}: {error}")
                continue
            self._complain(refusals)
            return Utterance(text, engine.name, at_level(pcm, self._level_dbfs))
        raise NoVoice("; ".join(refusals) or "no voice is configured; see speak.voices")

    def close(self) -> None:
        """Let go of the thread; what it renders now is finished first. May be called twice."""
        self._pool.shutdown(cancel_futures=True)

    def _tell_faults(self) -> None:
        self._on_faults(tuple(fault for engine in self._engines for fault in engine.faults))

    def _sound(self, engine: Engine, text: str) -> Pcm:
        key = engine.cache_key
        if key is None:
            return engine.speak(text)
        pcm = self._cache.find(key, text)
        if pcm is None:
            pcm = engine.speak(text)
            self._cache.keep(key, text, pcm)
        return pcm

    def _complain(self, refusals: list[str]) -> None:
        # That nobody recorded a text is how most texts are, and no reason to say anything.
        for refusal in refusals:
            if not refusal.startswith("prompts: nobody") and refusal not in self._complained:
                self._complained.add(refusal)
                log.warning("a voice could not be used", why=refusal)
