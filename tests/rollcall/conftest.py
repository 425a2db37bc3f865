"""A radio on which an officer and units talk: words given instead of recognised, a real store behind."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from gateway.clock import IdSource, ManualClock
from gateway.conduct.radiorollcall import RadioRollcall
from gateway.conduct.timeline import Timeline
from gateway.events import CloudEvent
from gateway.hear.classify import Classification
from gateway.interpreter import Knowledge
from gateway.knowledge import build_knowledge, read_lexicon
from gateway.listener import Heard
from gateway.model import End, Pcm, SoundClass, Transcript, Transmission, Unit
from gateway.pipeline import RadioPipeline
from gateway.rollcall.listening import Follower
from gateway.store.records import SpooledAudio
from gateway.store.store import Store
from gateway.timekeeping import ClockReader

START = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
UNITS = (
    Unit("u1", "金穗花园", unit_class="C"),
    Unit("u2", "棠东小学", unit_class="A"),
    Unit("u3", "五山市场", unit_class="D"),
    Unit("u4", "千耀酒店", unit_class="B"),
)
KEPT = SpooledAudio(ref="spool/2026-05-01/x.wav", sha256="00", size_bytes=44, duration_s=3.0)
PRE_ROLL_S, SIGNAL_S, TAIL_S = 0.3, 2.0, 0.3


class Channel:
    """One radio in simulated time. Each transmission's signal lasts SIGNAL_S inside what is kept of it."""

    def __init__(self, store: Store, clock: ManualClock, knowledge: Knowledge) -> None:
        self.store = store
        self.clock = clock
        self.ids = IdSource(clock)
        self._knowledge = knowledge
        self._next: list[Heard] = []
        self.events: list[CloudEvent] = []
        self.pipeline = self.new_process(None)

    def new_process(self, follower: str | None) -> RadioPipeline:
        self.pipeline = RadioPipeline(
            "ch1",
            streets=frozenset(),
            knowledge=lambda: self._knowledge,
            listen=self._listen,
            store=self.store,
            ids=self.ids,
            read_clock=ClockReader(self.clock),
            rollcall=RadioRollcall(
                "ch1",
                Timeline(self.clock),
                self.ids.new,
                ClockReader(self.clock),
                follower=Follower.model_validate_json(follower) if follower else None,
            ),
        )
        return self.pipeline

    async def _listen(self, _audio: Pcm) -> Heard:
        return self._next.pop(0)

    async def say(
        self,
        text: str,
        after_s: float = 2.0,
        *,
        sound: SoundClass = SoundClass.SPEECH,
        failure: str | None = None,
        dropped_frames: int = 0,
    ) -> list[CloudEvent]:
        """Somebody keys up `after_s` after the channel fell silent; returns the events of it."""
        self.clock.advance(after_s)
        transmission = Transmission(
            id=self.ids.new(),
            radio_id="ch1",
            started_at=self.clock.now() - timedelta(seconds=PRE_ROLL_S),
            duration_s=PRE_ROLL_S + SIGNAL_S + TAIL_S,
            audio=np.ones(1600, np.int16),
            end=End.CARRIER,
            dropped_frames=dropped_frames,
            signal_s=(PRE_ROLL_S, PRE_ROLL_S + SIGNAL_S),
        )
        self.clock.advance(SIGNAL_S)
        transcript = Transcript(text, text, "given", "given", 0.1, 0.9)
        self._next.append(Heard(Classification(sound, 2.0, -20.0, 20.0, 0.0), transcript, failure=failure))
        events = await self.pipeline.take(transmission, KEPT)
        self.events += events
        return events

    def of(self, kind: str) -> list[CloudEvent]:
        return [event for event in self.events if event.kind == kind]

    def outcomes(self) -> dict[str, str]:
        """The last outcome told of each unit."""
        told = [e for e in self.events if e.kind in {"rollcall.answered", "rollcall.missed"}]
        return {event.subject: event.data["outcome"] for event in told}

    def last(self, unit_id: str) -> dict[str, object]:
        """The last line told of a unit."""
        told = [e.data for e in self.events if e.kind.startswith("rollcall.") and e.subject == unit_id]
        return told[-1]


Scene = Callable[[Channel], Awaitable[None]]
OnAir = Callable[[Scene], None]


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    counter = iter(range(100_000))
    return build_knowledge(UNITS, "指挥中心", read_lexicon(), lambda: f"incident-{next(counter)}")


@pytest.fixture
def on_air(tmp_path: Path, knowledge: Knowledge) -> OnAir:
    def run(scene: Scene) -> None:
        async def with_store() -> None:
            clock = ManualClock(START)
            store = await Store.open(tmp_path, "urn:radio-gateway:a:b:c", clock)
            try:
                await scene(Channel(store, clock, knowledge))
            finally:
                await store.close()

        asyncio.run(with_store())

    return run
