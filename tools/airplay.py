"""A roll-call on the air in simulated time: a crew that answers in words, a clock that waits for nobody.

Everything behind the recogniser is the product's own: pipeline, conversation, conductor, store. The words of
each answer are given, not heard; nothing waits in real time but the disk.
"""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from gateway.clock import IdSource, ManualClock
from gateway.conduct.conductor import Conductor
from gateway.conduct.office import RollcallOffice
from gateway.conduct.seams import NotOnAir, OnAir
from gateway.events import CloudEvent
from gateway.hear.capture import Completed, Opened
from gateway.hear.classify import Classification
from gateway.interpreter import Knowledge
from gateway.listener import Heard, Listen
from gateway.model import End, Pcm, SoundClass, Transcript, Transmission
from gateway.pipeline import RadioPipeline
from gateway.rollcallsettings import RollcallSettings
from gateway.store.records import SpooledAudio
from gateway.store.store import Store
from gateway.timekeeping import ClockReader
from gateway.understand.conversation import Conversation

EIGHT = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
SAYING_S, HANG_S, RECOGNITION_S = 3.0, 0.9, 1.2
PRE_ROLL_S = 0.3
KEPT = SpooledAudio(ref="spool/2026-05-01/x.wav", sha256="00", size_bytes=44, duration_s=3.0)


@dataclass(frozen=True, slots=True)
class Answer:
    """Somebody keys up `after_s` after the gateway's release and says `text` for `length_s`."""

    text: str
    after_s: float = 1.5
    length_s: float = 2.5
    sound: SoundClass = SoundClass.SPEECH
    dropped_frames: int = 0
    audio: Pcm | None = field(default=None, repr=False)
    """What is heard, for a play with a listener; else the words are given."""


Crew = Callable[[str], Sequence[Answer]]
"""Who answers to what the gateway has said."""


@dataclass
class _Alarm:
    play: "AirPlay"
    number: int = 0

    def set(self, delay_s: float, ring: Callable[[], None]) -> None:
        """Ring in simulated time."""
        self.number += 1
        mine = self.number

        async def perhaps() -> None:
            if mine == self.number:
                ring()

        self.play.later(max(0.0, delay_s), perhaps)

    def clear(self) -> None:
        """Do not ring."""
        self.number += 1


class _Voice:
    def __init__(self, play: "AirPlay") -> None:
        self._play = play

    async def say(self, text: str, rollcall_id: str) -> OnAir | NotOnAir:
        """Say it in simulated time, then let the crew answer."""
        del rollcall_id
        play = self._play
        play.said.append((play.clock.mono_s, text))
        if play.channel_busy(text):
            return NotOnAir("channel_busy")
        began_s = play.clock.mono_s
        over = asyncio.get_running_loop().create_future()

        async def release() -> None:
            if not over.done():
                over.set_result(None)

        play.later(SAYING_S, release)
        await over
        for answer in play.crew(text):
            play.answer(answer)
        return OnAir(began_s, play.clock.mono_s)

    def prepare(self, texts: Sequence[str]) -> None:
        """Know what comes."""
        self._play.prepared.update(texts)

    def hush(self) -> None:
        """Nothing waits here."""


@dataclass
class AirPlay:
    """One radio in simulated time. `run` plays until nothing happens any more."""

    store: Store
    knowledge: Knowledge
    clock: ManualClock = field(default_factory=lambda: ManualClock(EIGHT))
    settings: RollcallSettings = field(default_factory=RollcallSettings)
    crew: Crew = lambda _text: ()
    channel_busy: Callable[[str], bool] = lambda _text: False
    said: list[tuple[float, str]] = field(default_factory=list)
    """(monotonic seconds, text) of everything the gateway wanted to say."""
    prepared: set[str] = field(default_factory=set)
    events: list[CloudEvent] = field(default_factory=list)
    shown: dict[str, Mapping[str, Any] | None] = field(default_factory=dict)
    """The retained state document of each roll-call, None once cleared."""
    faults: list[str] = field(default_factory=list)
    listener: Listen | None = None

    def __post_init__(self) -> None:
        self.ids = IdSource(self.clock)
        self._queue: list[tuple[float, int, Callable[[], Awaitable[None]]]] = []
        self._order = itertools.count()
        self._words: dict[bytes, Heard] = {}
        self._turn = asyncio.Lock()
        self.new_process()

    def new_process(self, stored: Mapping[str, str] | None = None) -> None:
        """Forget everything that is not in the store, as a process that was killed does.

        `stored` are the conversations to begin with, by radio.
        """
        self._queue.clear()
        talk = (stored or {}).get("ch1")
        self.office = RollcallOffice(
            self.store,
            self.settings,
            "指挥中心",
            self.clock,
            self.ids,
            ClockReader(self.clock),
            on_events=self.events.extend,
            publish_state=self._keep,
            on_fault=lambda what, message, _action: self.faults.append(f"{what}: {message}"),
            on_recovered=lambda what: self.faults.append(f"{what}: recovered"),
        )
        self.pipeline = self._radio("ch1", (), Conversation.model_validate_json(talk) if talk else None)

    def _radio(
        self, radio_id: str, streets: Sequence[str], conversation: Conversation | None = None
    ) -> RadioPipeline:
        pipeline = RadioPipeline(
            radio_id,
            streets=frozenset(streets),
            knowledge=lambda: self.knowledge,
            listen=self._listen,
            store=self.store,
            ids=self.ids,
            read_clock=ClockReader(self.clock),
            rollcall=self.office.rollcall_of(radio_id, None),
            conversation=conversation,
        )
        self.office.add(radio_id, pipeline, streets, lambda: 0)
        self.office.give_voice(radio_id, _Voice(self), _Alarm(self))
        return pipeline

    def another_radio(self, radio_id: str, streets: Sequence[str]) -> Conductor:
        """Add a radio that can speak, too; answers are heard on the first one only."""
        conductor = self._radio(radio_id, streets).rollcall.conductor
        assert conductor is not None
        return conductor

    @property
    def conductor(self) -> Conductor:
        """What holds the roll-call."""
        conductor = self.pipeline.rollcall.conductor
        assert conductor is not None
        return conductor

    def _keep(self, suffix: str, document: Mapping[str, Any] | None) -> None:
        self.shown[suffix] = document

    async def _listen(self, audio: Pcm) -> Heard:
        given = self._words.get(audio.tobytes())
        if given is not None:
            return given
        assert self.listener is not None
        return await self.listener(audio)

    def later(self, delay_s: float, do: Callable[[], Awaitable[None]]) -> None:
        """Have something happen."""
        heapq.heappush(self._queue, (self.clock.mono_s + delay_s, next(self._order), do))

    def answer(self, answer: Answer) -> None:
        """Somebody keys up, is heard to the end, and is understood."""
        number = next(self._order)
        audio = answer.audio
        if audio is None:
            audio = np.frombuffer(f"{number:016d}".encode(), np.int16)
            transcript = Transcript(answer.text, answer.text, "given", "given", 0.1, 0.9)
            sound = Classification(answer.sound, answer.length_s, -20.0, 20.0, 0.0)
            self._words[audio.tobytes()] = Heard(sound, transcript)

        async def open_() -> None:
            opened_at, opened_s = self.clock.now(), self.clock.mono_s
            transmission = Transmission(
                id=self.ids.new(),
                radio_id="ch1",
                started_at=opened_at - timedelta(seconds=PRE_ROLL_S),
                duration_s=PRE_ROLL_S + answer.length_s,
                audio=audio,
                end=End.CARRIER,
                dropped_frames=answer.dropped_frames,
                signal_s=(PRE_ROLL_S, PRE_ROLL_S + answer.length_s),
                started_mono_s=opened_s - PRE_ROLL_S,
            )
            self.pipeline.notice(Opened("ch1", transmission.id, opened_at))
            self.later(answer.length_s + HANG_S, lambda: self._close(transmission))

        self.later(answer.after_s, open_)

    async def _close(self, transmission: Transmission) -> None:
        self.pipeline.notice(Completed(transmission))

        async def understand() -> None:
            async with self._turn:
                self.events += await self.pipeline.take(transmission, KEPT)

        self.later(RECOGNITION_S, understand)

    async def run(self, most_s: float = 1e9, until: Callable[[], bool] = lambda: False) -> None:
        """Play what happens in the next `most_s` seconds, until `until` says so or nothing more happens."""
        end_s = self.clock.mono_s + most_s
        await self.settle()
        while self._queue and self._queue[0][0] <= end_s and not until():
            at_s, _, do = heapq.heappop(self._queue)
            self.clock.advance(max(0.0, at_s - self.clock.mono_s))
            await do()
            await self.settle()

    async def settle(self) -> None:
        """Wait until everything that follows from what has happened is stored."""
        quiet = 0
        while quiet < 6:
            is_busy = self.conductor.turn.locked() or self.conductor.has_post
            quiet = 0 if is_busy else quiet + 1
            await asyncio.sleep(0.0002 if is_busy else 0)

    def of(self, kind: str) -> list[CloudEvent]:
        """Events of one kind."""
        return [event for event in self.events if event.kind == kind]

    def outcomes(self) -> dict[str, str]:
        """The last outcome told of each unit."""
        told = [e for e in self.events if e.kind in {"rollcall.answered", "rollcall.missed"}]
        return {event.subject: event.data["outcome"] for event in told}

    def last(self, unit_id: str) -> dict[str, Any]:
        """The last line told of a unit."""
        told = [e.data for e in self.events if e.kind.startswith("rollcall.") and e.subject == unit_id]
        return told[-1]
