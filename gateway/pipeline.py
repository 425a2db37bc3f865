"""One transmission's way through the gateway: the main path, top to bottom in `RadioPipeline.take`.

    spooled audio ─► durable ─► class and words ─► who and what ─► conversation ─► events and outbox rows

Everything here runs on the asyncio loop; only listening (voice detection, recognition) goes to the decode
pool. One `RadioPipeline` takes one radio's transmissions one after the other, because the conversation is in
order; several radios go on side by side.
"""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, Self

import structlog

from gateway.clock import IdSource
from gateway.conduct.radiorollcall import Noted, RadioRollcall
from gateway.conduct.timeline import Timeline
from gateway.decodepool import DecodeHung
from gateway.drafts import change_event, rollcall_event, transmission_event
from gateway.errors import GatewayError
from gateway.events import AudioRef, ClockReading, CloudEvent
from gateway.faultpoints import passing
from gateway.hear import signalling
from gateway.hear.capture import CaptureEvent
from gateway.hear.classify import Classification, classify
from gateway.model import Pcm, Signalling, SoundClass, Transcript, Transmission, Understanding
from gateway.recognise.base import Recogniser
from gateway.recognise.engines import EngineChoice, choose
from gateway.recognise.phonehead import PhoneHead
from gateway.recognise.vad import Vad
from gateway.rollcall.drillhearing import names_in_order
from gateway.rollcall.overheard import Overheard
from gateway.store.records import MAX_ATTEMPTS, HeardTransmission, SpooledAudio
from gateway.store.store import Store
from gateway.understand.conversation import Checkin, Conversation, IncidentChange, Rules, Utterance
from gateway.understand.conversation import Heard as Conversed
from gateway.understand.incident import IncidentState
from gateway.understand.lexicon import Lexicon
from gateway.understand.resolve import Prior, Resolver
from gateway.understand.standin import STANDS_IN, stand_in, told_beside
from gateway.understand.understand import understand

log = structlog.get_logger()

CALLER_IDS = signalling.SignallingSettings(systems=frozenset({"dtmf", "mdc1200", "fivetone"}))
"""CTCSS is left out: it names a group of radios, not one."""
WAS_FATAL = "recognition ended the process, or did not end, twice"
CALL_ANSWERED_WITHIN_S = 60.0
"""For this long after a unit was called it is the likely speaker of what comes next."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the station knows when it listens; replaced as a whole when the registry changes."""

    resolver: Resolver
    lexicon: Lexicon
    rules: Rules


@dataclass(frozen=True, slots=True)
class Heard:
    """What listening to one transmission gave. `failure` says which fault left it without words."""

    sound: Classification
    transcript: Transcript
    signalling: tuple[Signalling, ...] = ()
    failure: str | None = None


class Listen(Protocol):
    """Turns a transmission's audio into its class and words."""

    async def __call__(self, audio: Pcm) -> Heard:
        """Listen. Never raises for what the audio holds."""


class Listener:
    """Listens on the decode pool: a voice detector first, a recogniser only where there is a voice."""

    def __init__(self, vad: Vad, recogniser: Recogniser, pool: Executor) -> None:
        self._vad = vad
        self.recogniser = recogniser
        self._pool = pool

    @classmethod
    def load(
        cls, pool: Executor, engine: EngineChoice, models_dir: Path | None = None, threads: int = 0
    ) -> Self:
        """Load detector and recogniser. Blocks for the seconds that takes.

        Raises:
            ModelUnavailable: the model is not installed, or damaged; the message says what to do.
        """
        recogniser = choose(engine, models_dir=models_dir, threads=threads, phone_head=PhoneHead())
        return cls(Vad(), recogniser, pool)

    def close(self) -> None:
        """Let go of the model. May be called twice."""
        self.recogniser.close()

    async def __call__(self, audio: Pcm) -> Heard:
        """Classify and transcribe `audio`."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._listen, audio)

    def _listen(self, audio: Pcm) -> Heard:
        speech = self._vad.speech_probabilities(audio)
        sound = classify(audio, speech)
        silent = Transcript("", "", self.recogniser.engine, self.recogniser.model, 0.0)
        ids = signalling.decode(audio, CALLER_IDS)
        if sound.sound_class is not SoundClass.SPEECH:
            return Heard(sound, silent, ids)
        try:
            return Heard(sound, self.recogniser.transcribe(audio, speech), ids)
        except GatewayError as error:
            return Heard(sound, silent, ids, failure=str(error))


class RadioPipeline:
    """One radio's transmissions become events. Use from the asyncio loop, one `take` at a time."""

    def __init__(
        self,
        radio_id: str,
        *,
        streets: frozenset[str],
        knowledge: Callable[[], Knowledge],
        listen: Listen,
        store: Store,
        ids: IdSource,
        read_clock: Callable[[], ClockReading],
        conversation: Conversation | None = None,
        rollcall: RadioRollcall | None = None,
    ) -> None:
        self.radio_id = radio_id
        self._streets = streets
        self._knowledge = knowledge
        self._listen = listen
        self._store = store
        self._ids = ids
        self._read_clock = read_clock
        self._conversation = conversation or Conversation(radio_id=radio_id)
        self._turn = asyncio.Lock()
        """Held while the conversation moves: a transmission and a person's change never overlap."""
        self.rollcall = rollcall or RadioRollcall(radio_id, Timeline(ids.clock), ids.new, read_clock)
        self._last_call: tuple[str, datetime] | None = None
        self._begun = ""
        self._last_heard: tuple[str, Heard] | None = None
        self._attempts = 0
        self.spares = True
        """False when what is in hand took the process with it although it is ended in good order."""

    @property
    def open_incidents(self) -> tuple[IncidentState, ...]:
        """The incidents on this radio that nobody has ended."""
        return tuple(one for one in self._conversation.incidents if one.phase == "open")

    def incident(self, incident_id: str) -> IncidentState | None:
        """The incident of that id as this radio's conversation has it, None when it is not known here."""
        return self._conversation.named(incident_id)

    async def amend(self, move: Callable[[Conversation], Conversed], at: datetime) -> list[CloudEvent]:
        """Apply a person's change between two transmissions and return its events; none when none changed.

        Raises:
            StoreUnavailable: nothing was changed.
        """
        async with self._turn:
            conversation, changes, _ = move(self._conversation)
            if not changes and conversation == self._conversation:
                return []
            clock = self._read_clock()
            drafts = [change_event(self._ids.new(), change, at, clock, None) for change in changes]
            events = await self._store.commit(None, drafts, (self.radio_id, conversation.model_dump_json()))
            self._conversation = conversation
            return events

    async def clock_was_set(self, by: timedelta, since: datetime) -> None:
        """The wall clock was set: an incident warm by times from `since` on stays as warm as it was."""
        async with self._turn:
            self._conversation = self._conversation.shifted(by, since)
            if self._last_call is not None and self._last_call[1] >= since:
                self._last_call = (self._last_call[0], self._last_call[1] + by)

    async def take(self, transmission: Transmission, kept: SpooledAudio | None) -> list[CloudEvent]:
        """Carry one transmission from the spool to the outbox and return its events, in order.

        A crash before `heard` is committed: the spool brings the transmission back. Before `commit`: it is
        decoded again at the next start, and set aside after two crashes. After: nothing is lost. A decode
        that does not end counts like a crash.

        Raises:
            StoreUnavailable: nothing of it was stored; take the same transmission again later.
        """
        while True:
            try:
                return await self._take(transmission, kept)
            except DecodeHung:
                log.warning("decode hung", transmission=transmission.id, attempts=self._attempts)
                if self._attempts < MAX_ATTEMPTS:
                    self._begun = ""
                else:
                    self._attempts = MAX_ATTEMPTS + 1

    async def _take(self, transmission: Transmission, kept: SpooledAudio | None) -> list[CloudEvent]:
        """Try it once. Raises DecodeHung: the attempt counts."""
        if transmission.id != self._begun:
            await self._store.heard(_record(transmission, kept))
            passing("heard.committed")
            self._attempts = await self._store.attempt(transmission.id)
            passing("attempt.committed")
            self._begun = transmission.id
        if self._attempts > MAX_ATTEMPTS:
            return await self._quarantine(transmission, kept, WAS_FATAL)
        if not transmission.audio.size:
            return await self._quarantine(transmission, kept, "its audio was not kept")
        try:
            heard = await self._heard(transmission)
            passing("decoded")
            async with self._turn, self.rollcall.turn():
                return await self._conclude(transmission, kept, heard)
        except DecodeHung:
            raise
        except (asyncio.CancelledError, GatewayError):
            await self._spare(transmission)
            raise
        except Exception:
            log.exception("transmission not understood", transmission=transmission.id)
            return await self._quarantine(transmission, kept, "the gateway failed on it")

    async def _heard(self, transmission: Transmission) -> Heard:
        """Listen once: while the store refuses, the same transmission is taken again and again."""
        if self._last_heard is None or self._last_heard[0] != transmission.id:
            self._last_heard = (transmission.id, await self._listen(transmission.audio))
        return self._last_heard[1]

    async def _spare(self, transmission: Transmission) -> None:
        """Take back the attempt: only one that took the process with it counts."""
        if not self.spares:
            return
        with contextlib.suppress(GatewayError):
            await self._store.spare(transmission.id)
            self._begun = ""

    async def _conclude(
        self, transmission: Transmission, kept: SpooledAudio | None, heard: Heard
    ) -> list[CloudEvent]:
        knowledge = self._knowledge()
        meaning = self._understand(transmission, heard, knowledge)
        audio = _audio_ref(kept)
        utterance = Utterance(
            transmission_id=transmission.id,
            at=transmission.started_at,
            duration_s=transmission.duration_s,
            understanding=meaning,
            text=heard.transcript.text,
            raw=heard.transcript.raw,
            confidence=heard.transcript.confidence,
            audio=audio,
        )
        conversation, changes, incident_id = self._conversation.hear(utterance, knowledge.rules)
        noted = await self.rollcall.hear(self._overheard(transmission, heard, utterance, changes))
        if noted.takes_answer:
            changes = tuple(change for change in changes if not isinstance(change, Checkin))
        clock = self._read_clock()
        received = transmission_event(
            self._ids.new(), transmission, heard.sound.sound_class, heard.transcript, meaning, clock,
            audio=audio, incident_id=incident_id, rollcall_id=noted.rollcall_id,
            drill_id=noted.drill_id, failure=heard.failure,
        )  # fmt: skip
        drafts = [received]
        drafts += [change_event(self._ids.new(), one, utterance.at, clock, received.id) for one in changes]
        drafts += [
            rollcall_event(self._ids.new(), one, utterance.at, clock, received.id) for one in noted.changes
        ]
        events = await self._store.commit(
            transmission.id,
            drafts,
            (self.radio_id, conversation.model_dump_json()),
            follower=noted.follower,
            rollcall=noted.record,
        )
        passing("events.committed")
        self._conversation = conversation
        self.rollcall.adopt(noted)
        self._remember_call(transmission, meaning)
        log.info(
            "transmission understood",
            radio=self.radio_id,
            transmission=transmission.id,
            sound=heard.sound.sound_class.value,
            caller=meaning.caller.unit_id or meaning.caller.status,
            incident=incident_id,
            decode_s=round(heard.transcript.decode_s, 2),
        )
        log.debug("words", transmission=transmission.id, text=heard.transcript.text)
        return events

    def notice(self, event: CaptureEvent) -> None:
        """Take what the capture thread tells of carrier and device."""
        self.rollcall.notice(event)

    async def end_followed(
        self, end: Callable[[RadioRollcall, datetime], Noted | None], at: datetime
    ) -> list[CloudEvent]:
        """End the roll-call by voice as `end` says, and return the events of it; none when it says nothing.

        With a drill what was played in it ends, too.

        Raises:
            StoreUnavailable: nothing was changed.
        """
        async with self._turn, self.rollcall.turn():
            clock = self._read_clock()
            noted = end(self.rollcall, at)
            if noted is None:
                return []
            drafts = [rollcall_event(self._ids.new(), one, at, clock, None) for one in noted.changes]
            conversation = self._conversation
            if noted.ends_drill:
                conversation, changes, _ = conversation.end_exercises(at)
                drafts += [change_event(self._ids.new(), change, at, clock, None) for change in changes]
            talk = (self.radio_id, conversation.model_dump_json())
            events = await self._store.commit(None, drafts, talk, follower=noted.follower)
            self._conversation = conversation
            self.rollcall.adopt(noted)
            return events

    async def end_exercises(self, at: datetime) -> list[CloudEvent]:
        """Close the incidents that were played in a drill, and return the events of it.

        Raises:
            StoreUnavailable: nothing was changed.
        """
        return await self.amend(lambda talk: talk.end_exercises(at), at)

    def _overheard(
        self,
        transmission: Transmission,
        heard: Heard,
        utterance: Utterance,
        changes: tuple[IncidentChange | Checkin, ...],
    ) -> Overheard:
        polarity = utterance.understanding.incident.polarity
        emergency = polarity == "report" and any(
            isinstance(change, IncidentChange) and change.incident.status == "Actual" for change in changes
        )
        opened, closed = self.rollcall.on_air(transmission)
        return Overheard(
            utterance,
            began_at=opened,
            ended_at=closed,
            sound=heard.sound.sound_class,
            lost_audio=transmission.dropped_frames > 0,
            failed=heard.failure is not None,
            emergency=emergency,
            told_incident=polarity != "none",
            ordered=self._ordered(utterance),
        )

    def _ordered(self, utterance: Utterance) -> tuple[tuple[str, str], ...]:
        """The units that an officer's order names: call order alone finds one of them at most."""
        resolver, said = self._knowledge().resolver, utterance.understanding
        named = [party for party in (said.callee, said.caller) if party.kind == "unit"]
        named += [resolver.resolve(f"{name},听到请回答").callee for name in names_in_order(utterance.text)]
        known = {one.unit_id: one.name or "" for one in named if one.unit_id is not None}
        return tuple(known.items()) if names_in_order(utterance.text) else ()

    def _understand(self, transmission: Transmission, heard: Heard, knowledge: Knowledge) -> Understanding:
        if heard.sound.sound_class is not SoundClass.SPEECH and not heard.signalling:
            return Understanding()
        prior = Prior(
            expected=self.rollcall.expected() or self._expected(transmission.started_at),
            streets=self._streets,
            signalled=tuple(
                f"{one.system}:{one.id}" for one in (*transmission.signalling, *heard.signalling)
            ),
        )
        parties = knowledge.resolver.resolve(heard.transcript.text, heard.transcript.phones, prior)
        instead = stand_in(heard.transcript.text, parties, knowledge.resolver, prior)
        context = self._conversation.context(transmission.started_at, knowledge.rules)
        if self.rollcall.in_drill:
            context = replace(context, exercise_open=True)
        meaning = understand(heard.transcript, instead or parties, context, knowledge.lexicon)
        stands_in = instead is not None or told_beside(meaning, self.rollcall.in_turn)
        return replace(meaning, acts=(*meaning.acts, STANDS_IN)) if stands_in else meaning

    def _expected(self, at: datetime) -> frozenset[str]:
        if self._last_call is None:
            return frozenset()
        unit_id, called_at = self._last_call
        waited_s = (at - called_at).total_seconds()
        return frozenset({unit_id}) if 0 <= waited_s <= CALL_ANSWERED_WITHIN_S else frozenset()

    def _remember_call(self, transmission: Transmission, meaning: Understanding) -> None:
        if meaning.callee.kind == "unit" and meaning.callee.unit_id is not None:
            self._last_call = (meaning.callee.unit_id, transmission.started_at)

    async def _quarantine(
        self, transmission: Transmission, kept: SpooledAudio | None, why: str
    ) -> list[CloudEvent]:
        """Publish that something was heard which cannot be decoded, so that a person looks after it."""
        log.error("transmission set aside", transmission=transmission.id, why=why)
        self.rollcall.gave_up_on(transmission)
        # what just failed may be the sound itself: it is not looked at again
        heard = self._last_heard[1] if self._last_heard and self._last_heard[0] == transmission.id else None
        known = heard.sound.sound_class if heard else SoundClass.SPEECH
        sound_class = known if transmission.audio.size else classify(transmission.audio, None).sound_class
        silent = Transcript("", "", "none", "none", 0.0)
        received = transmission_event(
            self._ids.new(), transmission, sound_class, silent, Understanding(), self._read_clock(),
            audio=_audio_ref(kept), incident_id=None, failure=why,
        )  # fmt: skip
        return await self._store.commit(transmission.id, [received], quarantined=True)


def _record(transmission: Transmission, kept: SpooledAudio | None) -> HeardTransmission:
    return HeardTransmission(
        id=transmission.id,
        radio_id=transmission.radio_id,
        started_at=transmission.started_at,
        duration_s=transmission.duration_s,
        end=transmission.end,
        dropped_frames=transmission.dropped_frames,
        audio=kept,
        signalling=transmission.signalling,
    )


def _audio_ref(kept: SpooledAudio | None) -> AudioRef | None:
    return None if kept is None else AudioRef(ref=kept.ref, sha256=kept.sha256, size_bytes=kept.size_bytes)
