"""The data of `transmission.*` and `checkin.received`: who spoke, what was heard, and why it says that."""

from typing import Literal

from pydantic import Field

from gateway.events.shared import AudioRef, Data, HeadcountData, Model, Review, Timestamp
from gateway.masking import Said


class TranscriptData(Model):
    """The words, for people."""

    text: Said
    raw: Said
    engine: str
    model: str
    confidence: float | None
    decode_s: float


class HeardSpan(Model):
    """From when to when in the transmission's audio, in seconds from its start."""

    start_s: float
    end_s: float


class TextSpan(Model):
    """From which character to which (exclusive) of the transcript's text."""

    start: int
    end: int


class GroundData(Model):
    """What one piece of evidence added for a candidate, in nats (natural-log odds); above 0 speaks for it.

    `by` is text or phones (how well the registered `form` fits what is written, what is in the audio),
    position (where it stands in the call), prior or signalling. `nats` is null for what decides by itself.
    `detail` is the kind of form (name, alias, callsign, command), the reader a position is from, the prior's
    name or the caller id. `heard` is the stretch taken for the name, null when it was not among the best
    found there; `heard_at` is when in the audio, null where the audio was not searched.
    """

    by: Literal["text", "phones", "position", "prior", "signalling"]
    nats: float | None
    detail: str | None
    form: str | None
    heard: Said | None
    heard_at: HeardSpan | None


class CandidateData(Model):
    """A unit that may have been meant, and what each piece of evidence added for it."""

    unit_id: str
    name: str
    score: float
    evidence: tuple[GroundData, ...] = ()


class PartyData(Model):
    """Who spoke or was spoken to. `unit_id` is set only when `status` is matched.

    `evidence` is what speaks for the best answer, the command post too; `heard_at` is when in the audio it
    was named, null when the audio was not searched.
    """

    status: Literal["matched", "ambiguous", "unknown"]
    kind: Literal["unit", "command"] = "unit"
    unit_id: str | None
    name: str | None
    score: float
    margin: float
    heard: Said | None
    by: tuple[str, ...]
    candidates: tuple[CandidateData, ...]
    evidence: tuple[GroundData, ...] = ()
    heard_at: HeardSpan | None = None


class HeardWordData(Model):
    """A word of the lexicon that was found: what it means, where in the text or when in the audio.

    `by` is text (as written), sound (sounds like what is written) or phones (heard in the audio). `standing`
    is stated, negated, hypothetical or asked. `cost_nats` per phone is 0 for what is heard without a doubt.
    """

    phrase: str
    kinds: tuple[str, ...]
    codes: tuple[str, ...]
    by: Literal["text", "sound", "phones"]
    standing: str | None
    written_at: TextSpan | None
    heard_at: HeardSpan | None
    cost_nats: float | None


class ReportData(Model):
    """Why this is a report or none: what it does, points for and against, how many an incident needs."""

    polarity: Literal["report", "cancel", "resolve", "none"]
    code: str | None
    points: dict[str, int]
    needed: int
    words: tuple[HeardWordData, ...]


class TransmissionReceived(Data):
    """One transmission ended and was understood, or could not be."""

    transmission_id: str
    radio: str
    started_at: Timestamp
    duration_s: float
    end: Literal["carrier", "silence", "max_length", "stopped"]
    dropped_frames: int
    sound_class: Literal["speech", "kerchunk", "tone", "noise"] = Field(alias="class")
    transcript: TranscriptData
    caller: PartyData
    callee: PartyData
    acts: tuple[str, ...]
    headcount: HeadcountData
    exercise: bool
    incident_id: str | None
    rollcall_id: str | None
    drill_id: str | None
    audio: AudioRef | None
    review: Review
    report: ReportData


class TransmissionSent(Data):
    """The gateway keyed up and said something. `duration_s` is from PTT pressed to PTT released.

    `ended` is complete when all of it was said; otherwise the key was released before its end by the time-out
    timer, because a device failed or because the gateway stopped. killed: the gateway was killed, or lost its
    power, and this is told at its next start; the times are those that saying all of it would have taken, the
    most that was on the air. `audio` is what was to be said.
    """

    transmission_id: str
    radio: str
    text: str
    voice: str
    started_at: Timestamp
    ended_at: Timestamp
    duration_s: float
    ended: Literal["complete", "timed_out", "device", "stopped", "killed"]
    audio: AudioRef | None


class CheckinReceived(Data):
    """A unit reported for duty outside a roll-call (报备上岗)."""

    transmission_id: str
    radio: str
    unit: PartyData
    headcount: HeadcountData
    normal: bool | None
    review: Review
