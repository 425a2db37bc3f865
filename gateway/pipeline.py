"""One transmission's way through the gateway: the main path, top to bottom in `RadioPipeline.take`.

    spooled audio ─► durable ─► class and words ─► who and what ─► conversation ─► events and outbox rows

Everything here runs on the asyncio loop; only listening (`gateway.listener`) goes to the decode pool. Who and
what is `gateway.interpreter`'s. One `RadioPipeline` takes one radio's transmissions one after the other,
because the conversation is in order; several radios go on side by side.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from gateway.clock import IdSource, ids_after
from gateway.conduct.radiorollcall import Noted, RadioRollcall
from gateway.conduct.timeline import Timeline
from gateway.decodepool import DecodeHung
from gateway.drafts import change_event, transmission_event
from gateway.errors import GatewayError
from gateway.events import AudioRef, ClockReading, CloudEvent
from gateway.faultpoints import passing
from gateway.hear.capture import CaptureEvent
from gateway.hear.classify import classify
from gateway.interpreter import Interpreter, Knowledge
from gateway.listener import Heard, Listen
from gateway.model import SoundClass, Transcript, Transmission, Understanding
from gateway.rollcall.overheard import Overheard
from gateway.rollcall.rollcallevents import rollcall_event
from gateway.store.records import MAX_ATTEMPTS, HeardTransmission, SpooledAudio
from gateway.store.store import Store
from gateway.understand.conversation import Checkin, Conversation, IncidentChange, Rules, Utterance
from gateway.understand.conversation import Heard as Conversed
from gateway.understand.incident import IncidentState

log = structlog.get_logger()

MOST_REMEMBERED = 64
"""Calls listened to and not stored, while the store refuses; beyond that they are listened to again."""
WAS_FATAL = "recognition ended the process, or did not end, twice"


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
        self._interpreter = Interpreter(streets, knowledge)
        self._listen = listen
        self._store = store
        self._ids = ids
        self._read_clock = read_clock
        self._conversation = conversation or Conversation(radio_id=radio_id)
        self._turn = asyncio.Lock()
        """Held while the conversation moves: a transmission and a person's change never overlap."""
        self.rollcall = rollcall or RadioRollcall(radio_id, Timeline(ids.clock), ids.new, read_clock)
        self._begun = ""
        self._listened: dict[str, Heard] = {}
        self._foretold: set[str] = set()
        self._foreseen: Conversation | None = None
        self._shown: set[str] = set()
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
            if self._foreseen is not None:
                self._foreseen = self._foreseen.shifted(by, since)
            self._interpreter.clock_was_set(by, since)

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
                events = await self._take(transmission, kept)
            except DecodeHung:
                log.warning("decode hung", transmission=transmission.id, attempts=self._attempts)
                if self._attempts < MAX_ATTEMPTS:
                    self._begun = ""
                else:
                    self._attempts = MAX_ATTEMPTS + 1
            else:
                self._listened.pop(transmission.id, None)
                self._foretold.discard(transmission.id)
                return events

    async def foretell(
        self, transmission: Transmission, kept: SpooledAudio | None
    ) -> tuple[IncidentState, ...]:
        """Return the incidents as they will be after a transmission that the store refuses; nothing moves.

        Call in the order of the transmissions, as often as you like: each is told once. What is told here has
        the ids that it will be stored with. `unfulfilled` says which of it never came to be.

        Raises:
            GatewayError: it cannot be listened to now.
        """
        if transmission.id in self._foretold or not transmission.audio.size:
            return ()
        # before the listening, for one that hangs must not hang again and again
        self._foretold.add(transmission.id)
        heard = await self._heard(transmission)
        async with self._turn:
            base = self._foreseen or self._conversation
            utterance = self._utterance(transmission, heard, base, _audio_ref(kept))
            self._foreseen, changes, _ = base.hear(utterance, self._rules(transmission))
        incidents = tuple(change.incident for change in changes if isinstance(change, IncidentChange))
        self._shown.update(incident.incident_id for incident in incidents)
        return incidents

    def unfulfilled(self) -> frozenset[str]:
        """Return the incidents foretold that did not come to be, once all that was foretold is stored."""
        if self._foretold:
            return frozenset()
        self._foreseen = None
        shown, self._shown = self._shown, set()
        return frozenset(one for one in shown if self.incident(one) is None)

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
            parts = await self._parts(transmission, heard)
            passing("decoded")
            async with self._turn, self.rollcall.turn():
                return await self._conclude(transmission, kept, heard, parts)
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
        if transmission.id not in self._listened:
            self._listened[transmission.id] = await self._listen(transmission.audio)
            while len(self._listened) > MOST_REMEMBERED:
                self._listened.pop(next(iter(self._listened)))
        return self._listened[transmission.id]

    async def _parts(self, transmission: Transmission, heard: Heard) -> list[tuple[Transmission, Heard]]:
        """Listen once more to each of several that ran together."""
        parts = self._interpreter.parts(transmission, heard, self.rollcall)
        return [(part, await self._listen(part.audio)) for part in parts]

    async def _spare(self, transmission: Transmission) -> None:
        """Take back the attempt: only one that took the process with it counts."""
        if not self.spares:
            return
        with contextlib.suppress(GatewayError):
            await self._store.spare(transmission.id)
            self._begun = ""

    async def _conclude(
        self,
        transmission: Transmission,
        kept: SpooledAudio | None,
        heard: Heard,
        parts: Sequence[tuple[Transmission, Heard]],
    ) -> list[CloudEvent]:
        audio = _audio_ref(kept)
        utterance = self._utterance(transmission, heard, self._conversation, audio)
        meaning = utterance.understanding
        conversation, changes, incident_id = self._conversation.hear(utterance, self._rules(transmission))
        overheard = self._overheard(transmission, heard, utterance, changes)
        overheard = replace(overheard, parts=tuple(self._part(part, said, audio) for part, said in parts))
        noted = await self.rollcall.hear(overheard)
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
        self._interpreter.remember(transmission, meaning)
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

    def _utterance(
        self, transmission: Transmission, heard: Heard, talk: Conversation, audio: AudioRef | None
    ) -> Utterance:
        meaning = self._interpreter.understand(transmission, heard, talk, self.rollcall)
        return _utterance(transmission, heard, meaning, audio)

    def _rules(self, transmission: Transmission) -> Rules:
        """The rules, by which an incident is named after the call that opens it."""
        return replace(self._interpreter.knowledge.rules, new_id=ids_after(transmission.id))

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

    def _part(self, part: Transmission, heard: Heard, audio: AudioRef | None) -> Overheard:
        """What one of several says; only a drill is told, the conversation hears them as one."""
        meaning = self._interpreter.understand(part, heard, self._conversation, self.rollcall)
        return self._overheard(part, heard, _utterance(part, heard, meaning, audio), ())

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
            ordered=self._interpreter.ordered(utterance.text, utterance.understanding),
        )

    async def _quarantine(
        self, transmission: Transmission, kept: SpooledAudio | None, why: str
    ) -> list[CloudEvent]:
        """Publish that something was heard which cannot be decoded, so that a person looks after it."""
        log.error("transmission set aside", transmission=transmission.id, why=why)
        self.rollcall.gave_up_on(transmission)
        # what just failed may be the sound itself: it is not looked at again
        heard = self._listened.get(transmission.id)
        known = heard.sound.sound_class if heard else SoundClass.SPEECH
        sound_class = known if transmission.audio.size else classify(transmission.audio, None).sound_class
        silent = Transcript("", "", "none", "none", 0.0)
        received = transmission_event(
            self._ids.new(), transmission, sound_class, silent, Understanding(), self._read_clock(),
            audio=_audio_ref(kept), incident_id=None, failure=why,
        )  # fmt: skip
        return await self._store.commit(transmission.id, [received], quarantined=True)


def _utterance(
    transmission: Transmission, heard: Heard, meaning: Understanding, audio: AudioRef | None
) -> Utterance:
    return Utterance(
        transmission_id=transmission.id,
        at=transmission.started_at,
        duration_s=transmission.duration_s,
        understanding=meaning,
        text=heard.transcript.text,
        raw=heard.transcript.raw,
        confidence=heard.transcript.confidence,
        audio=audio,
    )


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
