"""The frozen types that flow along the main path, in the order they appear on it."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

import numpy as np
import numpy.typing as npt

RATE_HZ = 16_000
"""Everything behind the capture thread is mono PCM at this rate."""

Pcm = npt.NDArray[np.int16]
"""Mono samples at RATE_HZ."""


class End(StrEnum):
    """Why a transmission ended."""

    CARRIER = "carrier"
    SILENCE = "silence"
    MAX_LENGTH = "max_length"
    STOPPED = "stopped"


class SoundClass(StrEnum):
    """What a transmission is, before anyone tries to read words in it."""

    SPEECH = "speech"
    KERCHUNK = "kerchunk"
    TONE = "tone"
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class Signalling:
    """A caller id decoded from tones: `system` is dtmf, mdc1200, fivetone, ctcss or dmr."""

    system: str
    id: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Transmission:
    """One key-up on one radio, complete. `started_at` is on the air, `duration_s` by the sample count.

    `signal_s` is where in it the signal rose and fell, in seconds: what is kept begins a little before and
    ends a little after. None when that was not kept, as after a crash. `started_mono_s` is `started_at` on
    the monotonic clock, None for recordings and what an earlier run heard.
    """

    id: str
    radio_id: str
    started_at: datetime
    duration_s: float
    audio: Pcm = field(repr=False, compare=False)
    end: End
    dropped_frames: int = 0
    signalling: tuple[Signalling, ...] = ()
    signal_s: tuple[float, float] | None = None
    started_mono_s: float | None = None

    @property
    def carrier_opened_at(self) -> datetime:
        """When the signal rose, by the audio's clock."""
        return self.started_at + timedelta(seconds=self.signal_s[0] if self.signal_s else 0.0)

    @property
    def carrier_closed_at(self) -> datetime:
        """When the signal fell, by the audio's clock."""
        return self.started_at + timedelta(seconds=self.signal_s[1] if self.signal_s else self.duration_s)

    def between(self, since_s: float, until_s: float) -> "Transmission":
        """The part from `since_s` to `until_s` of it, as if it had been keyed by itself."""
        opened_s, closed_s = self.signal_s or (0.0, self.duration_s)
        begun_s = self.started_mono_s
        return replace(
            self,
            started_at=self.started_at + timedelta(seconds=since_s),
            duration_s=until_s - since_s,
            audio=self.audio[round(since_s * RATE_HZ) : round(until_s * RATE_HZ)],
            signal_s=(max(0.0, opened_s - since_s), min(closed_s, until_s) - since_s),
            started_mono_s=None if begun_s is None else begun_s + since_s,
        )


@dataclass(frozen=True, slots=True)
class Word:
    """A recognised word; times are seconds from the start of the transmission."""

    text: str
    start_s: float
    end_s: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class PhoneEvidence:
    """What the phone head heard: natural-log probabilities, one row per `frame_s` of audio.

    Column 0 is CTC's blank; the others follow `phones`, so column k+1 is `phones[k]`.
    """

    log_probs: npt.NDArray[np.float32] = field(repr=False, compare=False)
    phones: tuple[str, ...]
    frame_s: float = 0.02


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a recogniser made of a transmission.

    `text` is simplified and normalised, `raw` as the engine gave it. `confidence` is 0 to 1 or None when the
    engine cannot tell. `doubts` names why the words may be invented (repeats, no_speech, known_phrase, …);
    a transcript with no words has empty `text`.
    """

    text: str
    raw: str
    engine: str
    model: str
    decode_s: float
    confidence: float | None = None
    words: tuple[Word, ...] = ()
    alternatives: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    phones: PhoneEvidence | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """A minimum emergency unit (最小应急单元) as registered. Field names are the CSV's columns.

    `radio_ids` are `system:id` pairs such as `dmr:1234`; `neighbours` are unit ids, empty when the nearest
    ones by distance are meant. `lat` and `lon` are degrees, None when not surveyed.
    """

    unit_id: str
    name: str
    aliases: tuple[str, ...] = ()
    unit_class: str = ""
    street: str = ""
    lat: float | None = None
    lon: float | None = None
    duty_headcount: int | None = None
    state: Literal["active", "holiday", "disabled"] = "active"
    callsign: str = ""
    radio_ids: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()
    phone: str = ""
    leader: str = ""


ResolutionStatus = Literal["matched", "ambiguous", "unknown"]


@dataclass(frozen=True, slots=True)
class Ground:
    """What one piece of evidence added for a candidate, in nats: above 0 for it, below 0 against it.

    `by` is text or phones (the form's sound in the transcript, in the audio), position (where it stands in
    the call), prior or signalling; `nats` is None for what decides by itself. `detail` says which form (name,
    alias, callsign), which reader (text, phones), which prior or which caller id. `form` is as registered,
    `heard` the stretch taken for it, None when it was not among the best found; `span_s` is when in the
    audio, None when only the text knows.
    """

    by: Literal["text", "phones", "position", "prior", "signalling"]
    nats: float | None
    detail: str | None = None
    form: str | None = None
    heard: str | None = None
    span_s: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit that may have been named, with a score from 0 (no) to 1 (as good as it gets), and why."""

    unit_id: str
    name: str
    score: float
    grounds: tuple[Ground, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolution:
    """Who was named. `unit_id` and `name` are set only when `status` is matched.

    `heard` is the stretch of text taken for the name. `margin` is the best score less the second best's.
    `kind` is "command" when the command post was named, "unit" otherwise. `grounds` speak for the best,
    `span_s` is when in the audio it was named, None when no audio was searched.
    """

    status: ResolutionStatus
    unit_id: str | None = None
    name: str | None = None
    score: float = 0.0
    margin: float = 0.0
    heard: str | None = None
    by: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    kind: Literal["unit", "command"] = "unit"
    grounds: tuple[Ground, ...] = ()
    span_s: tuple[float, float] | None = None


UNKNOWN = Resolution(status="unknown")


@dataclass(frozen=True, slots=True)
class Headcount:
    """People on duty as reported: `present` of `expected` (None when not said)."""

    present: int | None = None
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class IncidentHint:
    """What one transmission says about an incident.

    `code` is one of the lexicon's types, "UNKNOWN" when an emergency is announced without its kind, or None
    when the transmission reports none. `agencies` are requested here, `promised` and `arrived` are said to be
    coming or there. `polarity` says what it does to an incident already open; with "cancel" or "resolve"
    `code` is only the type that was mentioned.
    """

    code: str | None = None
    agencies: tuple[str, ...] = ()
    location_text: str | None = None
    location_parts: tuple[tuple[str, str], ...] = ()
    polarity: Literal["report", "cancel", "resolve", "none"] = "none"
    severity: str = "Unknown"
    urgency: str = "Unknown"
    certainty: str = "Unknown"
    persons: str | None = None
    casualties: int | None = None
    promised: tuple[str, ...] = ()
    arrived: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word that bears on what is reported: `kinds` and `codes` are the lexicon's.

    `by` is text (as written), sound (sounds like what is written) or phones (heard in the audio). `standing`
    is stated, negated, hypothetical or asked, None for what was heard in the audio. `chars` is where in the
    folded text, `span_s` when in the audio, `cost_nats` per phone what hearing it there costs.
    """

    phrase: str
    kinds: tuple[str, ...]
    codes: tuple[str, ...]
    by: Literal["text", "sound", "phones"]
    standing: str | None = None
    chars: tuple[int, int] | None = None
    span_s: tuple[float, float] | None = None
    cost_nats: float | None = None


@dataclass(frozen=True, slots=True)
class ReportGrounds:
    """Why a transmission is a report or none: the points for and against, and how many were needed."""

    points: tuple[tuple[str, int], ...] = ()
    needed: int = 0
    words: tuple[HeardWord, ...] = ()


@dataclass(frozen=True, slots=True)
class Understanding:
    """What one transmission says. Pure result of text, phones, registry, lexicon and context."""

    caller: Resolution = UNKNOWN
    callee: Resolution = UNKNOWN
    acts: tuple[str, ...] = ()
    headcount: Headcount = Headcount()
    exercise: bool = False
    exercise_mark: Literal["open", "close", "marker", "live"] | None = None
    incident: IncidentHint = IncidentHint()
    review_reasons: tuple[str, ...] = ()
    rollcall_mark: Literal["open", "close"] | None = None
    grounds: ReportGrounds = ReportGrounds()
