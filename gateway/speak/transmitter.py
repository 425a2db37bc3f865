"""Speaking on one radio: one utterance at a time, when its turn has come and the channel is free.

    say ─► queue ─► voice (text becomes PCM) ─► channel free? ─► key up, play, release ─► event ─► Spoken

Everything here runs on the asyncio loop. What blocks is behind two seams: a voice, and a key-up on a thread
of its own, which releases the key whatever happens (see `keyup`).
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

import structlog

from gateway.clock import Clock
from gateway.events import AudioRef
from gateway.model import Pcm
from gateway.speak.utterance import NotSpoken, NoVoice, Priority, Reason, Says, Spoken, Utterance

__all__ = ["NotSpoken", "Priority", "Says", "Sent", "Spoken", "Transmitter"]

log = structlog.get_logger()

POLL_S = 0.05
"""How often a busy channel is looked at."""
TRY_AGAIN_S = 15.0
"""How often devices in trouble are tried while nothing is to be said."""
_RANKS: dict[Priority, int] = {"urgent": 0, "routine": 1}


async def _nothing(_: object) -> None:
    """Do nothing."""


async def _unsaid(_id: str, _audio: AudioRef | None) -> None:
    """Do nothing."""


class KeyUpFailed(Exception):
    """The radio was not keyed at all: a device, or the watchdog that must be there, is away."""


class Voice(Protocol):
    """Makes PCM of text."""

    async def render(self, text: str) -> Utterance:
        """Return `text` spoken, from the cache where it is. Raises NoVoice."""


Ended = Literal["complete", "timed_out", "device", "stopped"]
"""Why the key was released: all was said, the time-out timer, a device that failed, the gateway's end."""


@dataclass(frozen=True, slots=True)
class KeyUp:
    """One key-up that is over. Times are the monotonic clock's, in seconds."""

    pressed_s: float
    released_s: float
    ended: Ended = "complete"
    message: str = ""


class KeysUp(Protocol):
    """Keys the radio up and plays; see `keyup.KeyedSink`."""

    async def transmit(self, pcm: Pcm) -> KeyUp:
        """Key up, play, release. Raises KeyUpFailed when the key was never pressed."""

    async def ready(self) -> None:
        """Open what is keyed and played through, keying nothing. Raises KeyUpFailed."""

    def longest_s(self) -> float:
        """How long the sound of one key-up may be."""

    def cut(self) -> None:
        """Release the key now, whatever is on the air."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What was on the air, for the event `transmission.sent`.

    Before it is, `ended` says "killed", in case nobody lives to say more, and the times what is intended.
    """

    transmission_id: str
    text: str
    voice: str
    started_at: datetime
    ended_at: datetime
    duration_s: float
    ended: Ended | Literal["killed"]
    audio: AudioRef | None
    correlation_id: str | None


@dataclass(order=True, slots=True)
class _Turn:
    rank: int
    number: int
    text: str = field(compare=False)
    correlation_id: str | None = field(compare=False)
    outcome: asyncio.Future[Spoken | NotSpoken] = field(compare=False)


class Transmitter:
    """Speaks on one radio. Use from one asyncio loop: `start`, `say`, `stop`."""

    def __init__(
        self,
        radio_id: str,
        *,
        voice: Voice,
        key: KeysUp,
        is_busy: Callable[[], bool],
        busy_wait_s: float,
        clock: Clock,
        new_id: Callable[[], str],
        keep: Callable[[str, datetime, Pcm], Awaitable[AudioRef | None]],
        on_sent: Callable[[Sent], Awaitable[None]],
        on_sending: Callable[[Sent], Awaitable[None]] = _nothing,
        on_unsaid: Callable[[str, AudioRef | None], Awaitable[None]] = _unsaid,
        on_state: Callable[[bool], None] = lambda _: None,
        on_trouble: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        """Wire the transmitter up.

        Args:
            radio_id: whose it is.
            voice: makes PCM of text.
            key: keys up and plays.
            is_busy: whether somebody else is on the channel now.
            busy_wait_s: how long a busy channel is waited for.
            clock: dates what was said.
            new_id: names transmissions.
            keep: keeps what will be sent as evidence; None when the disk refuses.
            on_sent: makes the event, durably.
            on_sending: notes what is about to be sent, in case this process does not live to tell.
            on_unsaid: is told the id and the kept audio of what was then not keyed at all.
            on_state: is told when the radio begins and ends to transmit.
            on_trouble: is told what a device did wrong, and None when one did right.
        """
        self.radio_id = radio_id
        self._voice = voice
        self._key = key
        self._is_busy = is_busy
        self._busy_wait_s = busy_wait_s
        self._clock = clock
        self._new_id = new_id
        self._keep = keep
        self._on_sent = on_sent
        self._on_sending = on_sending
        self._on_unsaid = on_unsaid
        self._on_state = on_state
        self._on_trouble = on_trouble
        self._numbers = itertools.count()
        self._turns: asyncio.PriorityQueue[_Turn] = asyncio.PriorityQueue()
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._in_doubt = False

    def doubt(self) -> None:
        """Try the devices now and then until they open: an earlier run's trouble may be over."""
        self._in_doubt = True

    def start(self) -> None:
        """Begin to take turns. Once."""
        self._task = asyncio.create_task(self._take_turns(), name=f"speak-{self.radio_id}")

    async def stop(self) -> None:
        """Release the key and refuse what waits. May be called twice, and without `start`."""
        self._is_stopping = True
        self._key.cut()
        if self._task is not None:
            self._turns.put_nowait(_Turn(-1, 0, "", None, asyncio.get_running_loop().create_future()))
            await self._task
            self._task = None

    async def say(
        self, text: str, *, priority: Priority = "routine", correlation_id: str | None = None
    ) -> Spoken | NotSpoken:
        """Say it once its turn has come and the channel is free; return when PTT is released.

        Cancelling gives up a text that has not had its turn; one on the air is said to its end.
        """
        if self._is_stopping or self._task is None:
            return self._not("stopped", "the gateway is not running")
        outcome: asyncio.Future[Spoken | NotSpoken] = asyncio.get_running_loop().create_future()
        turn = _Turn(_RANKS[priority], next(self._numbers), text, correlation_id, outcome)
        self._turns.put_nowait(turn)
        return await outcome

    async def prepare(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Render what will be said, so that it goes on the air without a wait; return what cannot be."""
        failed: list[str] = []
        for text in texts:
            try:
                await self._voice.render(text)
            except NoVoice as error:
                log.warning("cannot be spoken", radio=self.radio_id, text=text, why=str(error))
                failed.append(text)
        return tuple(failed)

    async def _take_turns(self) -> None:
        while True:
            turn = await self._next_turn()
            if self._is_stopping:
                self._turns.put_nowait(turn)
                break
            if turn.outcome.cancelled():
                continue
            try:
                outcome = await self._speak(turn)
            except Exception as error:  # a radio that speaks no more, without a word, is the worst fault
                log.exception("could not speak", radio=self.radio_id)
                outcome = self._not("device", f"{type(error).__name__}: {error}")
            if not turn.outcome.done():
                turn.outcome.set_result(outcome)
        while not self._turns.empty():
            turn = self._turns.get_nowait()
            if not turn.outcome.done():
                turn.outcome.set_result(self._not("stopped", "the gateway is going down"))

    async def _next_turn(self) -> _Turn:
        """Wait for a turn; while a device is in trouble, try meanwhile whether it is back."""
        while self._in_doubt:
            try:
                async with asyncio.timeout(TRY_AGAIN_S):
                    return await self._turns.get()
            except TimeoutError:
                await self._try_devices()
        return await self._turns.get()

    async def _try_devices(self) -> None:
        try:
            await self._key.ready()
        except KeyUpFailed as error:
            self._trouble(str(error))
        else:
            self._trouble(None)

    def _trouble(self, trouble: str | None) -> None:
        self._in_doubt = trouble is not None
        self._on_trouble(trouble)

    async def _speak(self, turn: _Turn) -> Spoken | NotSpoken:
        try:
            utterance = await self._voice.render(turn.text)
        except NoVoice as error:
            return self._not("no_voice", str(error))
        longest_s = self._key.longest_s()
        if utterance.duration_s > longest_s:
            return self._not(
                "timed_out",
                f"takes {utterance.duration_s:.1f} s to say, at most {longest_s:.1f} s are allowed: "
                "say it in parts",
            )
        transmission_id = self._new_id()
        audio = await self._keep(transmission_id, self._clock.now(), utterance.pcm)
        if not await self._channel_is_free(turn):
            await self._on_unsaid(transmission_id, audio)
            return self._not("busy", f"the channel was in use for {self._busy_wait_s:.0f} s")
        if self._is_stopping or turn.outcome.cancelled():
            await self._on_unsaid(transmission_id, audio)
            return self._not("stopped", "it is not wanted any more")
        return await self._transmit(turn, utterance, transmission_id, audio)

    async def _transmit(
        self, turn: _Turn, utterance: Utterance, transmission_id: str, audio: AudioRef | None
    ) -> Spoken | NotSpoken:
        begun_at = self._clock.now()
        await self._on_sending(
            Sent(
                transmission_id, turn.text, utterance.voice, begun_at,
                begun_at + timedelta(seconds=utterance.duration_s), utterance.duration_s,
                "killed", audio, turn.correlation_id,
            )
        )  # fmt: skip
        self._on_state(True)
        try:
            key_up = await self._key.transmit(utterance.pcm)
        except KeyUpFailed as error:
            await self._on_unsaid(transmission_id, audio)
            if not self._is_stopping:
                self._trouble(str(error))
            return self._not("device", str(error))
        finally:
            self._on_state(False)
        started_at, ended_at = self._at(key_up.pressed_s), self._at(key_up.released_s)
        duration_s = key_up.released_s - key_up.pressed_s
        await self._on_sent(
            Sent(
                transmission_id,
                turn.text,
                utterance.voice,
                started_at,
                ended_at,
                duration_s,
                key_up.ended,
                audio,
                turn.correlation_id,
            )
        )
        if key_up.ended in {"timed_out", "device"}:
            self._trouble(key_up.message)
        elif key_up.ended == "complete":
            self._trouble(None)
        if key_up.ended != "complete":
            return NotSpoken(ended_at, key_up.ended, key_up.message)
        return Spoken(transmission_id, turn.text, utterance.voice, started_at, ended_at, duration_s, audio)

    async def _channel_is_free(self, turn: _Turn) -> bool:
        """Wait until nobody else is on the channel; false when that took too long."""
        until_s = self._clock.monotonic_s() + self._busy_wait_s
        while self._is_busy() and not self._is_stopping and not turn.outcome.cancelled():
            if self._clock.monotonic_s() >= until_s:
                return False
            await asyncio.sleep(POLL_S)
        return True

    def _at(self, monotonic_s: float) -> datetime:
        return self._clock.now() - timedelta(seconds=self._clock.monotonic_s() - monotonic_s)

    def _not(self, reason: Reason, message: str) -> NotSpoken:
        return NotSpoken(self._clock.now(), reason, message)
