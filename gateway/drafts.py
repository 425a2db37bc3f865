"""From what was understood to the events that say so. Pure: ids and the clock's reading come in."""

from datetime import datetime
from typing import Literal

from gateway.events import (
    AudioRef,
    CandidateData,
    CheckinReceived,
    ClockReading,
    Draft,
    GatewayFault,
    HeadcountData,
    PartyData,
    Review,
    TranscriptData,
    TransmissionReceived,
)
from gateway.model import Headcount, Resolution, SoundClass, Transcript, Transmission, Understanding
from gateway.understand.conversation import Checkin, IncidentChange
from gateway.understand.incident import to_snapshot


def transmission_event(
    event_id: str,
    transmission: Transmission,
    sound_class: SoundClass,
    transcript: Transcript,
    meaning: Understanding,
    clock: ClockReading,
    *,
    audio: AudioRef | None,
    incident_id: str | None,
    failure: str | None,
) -> Draft:
    """Draft `transmission.received`. `failure` is why there are no words, None when there is no fault."""
    reasons = [*meaning.review_reasons]
    if sound_class is SoundClass.SPEECH:
        reasons += transcript.doubts
    if failure is not None:
        reasons.append("not_recognised")
    data = TransmissionReceived(
        clock=clock,
        transmission_id=transmission.id,
        radio=transmission.radio_id,
        started_at=transmission.started_at,
        duration_s=round(transmission.duration_s, 3),
        end=transmission.end.value,
        dropped_frames=transmission.dropped_frames,
        sound_class=sound_class.value,
        transcript=TranscriptData(
            text=transcript.text,
            raw=transcript.raw,
            engine=transcript.engine,
            model=transcript.model,
            confidence=_rounded(transcript.confidence),
            decode_s=round(transcript.decode_s, 3),
        ),
        caller=party(meaning.caller),
        callee=party(meaning.callee),
        acts=meaning.acts,
        headcount=_headcount(meaning.headcount),
        exercise=meaning.exercise,
        incident_id=incident_id,
        rollcall_id=None,
        drill_id=None,
        audio=audio,
        review=_review(reasons),
    )
    return Draft(
        id=event_id,
        kind="transmission.received",
        subject=meaning.caller.unit_id or transmission.id,
        time=transmission.started_at,
        data=data,
        correlationid=incident_id,
    )


def change_event(
    event_id: str, change: IncidentChange | Checkin, at: datetime, clock: ClockReading, cause: str | None
) -> Draft:
    """Draft the event of what a conversation changed; `cause` is the event that moved it."""
    if isinstance(change, Checkin):
        return _checkin_event(event_id, change, at, clock, cause)
    return _incident_event(event_id, change, at, clock, cause)


def _incident_event(
    event_id: str, change: IncidentChange, at: datetime, clock: ClockReading, cause: str | None
) -> Draft:
    return Draft(
        id=event_id,
        kind=f"incident.{change.verb}",
        subject=change.incident.incident_id,
        time=at,
        data=to_snapshot(change.incident, clock),
        correlationid=change.incident.incident_id,
        causationid=cause,
    )


def _checkin_event(
    event_id: str, checkin: Checkin, at: datetime, clock: ClockReading, cause: str | None
) -> Draft:
    data = CheckinReceived(
        clock=clock,
        transmission_id=checkin.transmission_id,
        radio=checkin.radio,
        unit=party(checkin.unit),
        headcount=_headcount(checkin.headcount),
        normal=checkin.normal,
        review=_review(checkin.review_reasons),
    )
    return Draft(
        id=event_id,
        kind="checkin.received",
        subject=checkin.unit.unit_id or checkin.transmission_id,
        time=at,
        data=data,
        causationid=cause,
    )


def fault_event(
    event_id: str,
    verb: Literal["fault", "recovered"],
    what: str,
    since: datetime,
    message: str,
    action: str,
    at: datetime,
    clock: ClockReading,
) -> Draft:
    """Draft `gateway.fault` or `gateway.recovered`; `action` says what a person should do."""
    data = GatewayFault(clock=clock, what=what, since=since, message=message, action=action)
    return Draft(id=event_id, kind=f"gateway.{verb}", subject=what, time=at, data=data)


def party(resolution: Resolution) -> PartyData:
    """Word who was named the way events do."""
    return PartyData(
        status=resolution.status,
        kind=resolution.kind,
        unit_id=resolution.unit_id,
        name=resolution.name,
        score=round(resolution.score, 4),
        margin=round(resolution.margin, 4),
        heard=resolution.heard,
        by=resolution.by,
        candidates=tuple(
            CandidateData(unit_id=one.unit_id, name=one.name, score=round(one.score, 4))
            for one in resolution.candidates
        ),
    )


def _headcount(headcount: Headcount) -> HeadcountData:
    return HeadcountData(present=headcount.present, expected=headcount.expected)


def _review(reasons: list[str] | tuple[str, ...]) -> Review:
    distinct = tuple(dict.fromkeys(reasons))
    return Review(required=bool(distinct), reasons=distinct)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
