"""From what was understood to the events that say so. Pure: ids and the clock's reading come in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from gateway.events import (
    SEQUENCE_DIGITS,
    AudioRef,
    CandidateData,
    CheckinReceived,
    ClockReading,
    ClockStepped,
    CloudEvent,
    Draft,
    GatewayFault,
    GroundData,
    HeadcountData,
    HeardSpan,
    HeardWordData,
    Judged,
    OutboxDropped,
    PartyData,
    ReportData,
    Review,
    ReviewVerdict,
    SequenceRun,
    TextSpan,
    TranscriptData,
    TransmissionReceived,
    TransmissionSent,
)
from gateway.faults import OpenFault
from gateway.model import (
    Ground,
    Headcount,
    HeardWord,
    Resolution,
    SoundClass,
    Transcript,
    Transmission,
    Understanding,
)
from gateway.speak.transmitter import Sent
from gateway.timekeeping import Step
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
    rollcall_id: str | None = None,
    drill_id: str | None = None,
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
        rollcall_id=rollcall_id,
        drill_id=drill_id,
        audio=audio,
        review=Review.because(reasons),
        report=_report(meaning),
    )
    return Draft(
        id=event_id,
        kind="transmission.received",
        subject=meaning.caller.unit_id or transmission.id,
        time=transmission.started_at,
        data=data,
        correlationid=incident_id or rollcall_id or drill_id,
    )


def sent_event(event_id: str, radio_id: str, sent: Sent, clock: ClockReading) -> Draft:
    """Draft `transmission.sent`."""
    data = TransmissionSent(
        clock=clock,
        transmission_id=sent.transmission_id,
        radio=radio_id,
        text=sent.text,
        voice=sent.voice,
        started_at=sent.started_at,
        ended_at=sent.ended_at,
        duration_s=round(sent.duration_s, 3),
        ended=sent.ended,
        audio=sent.audio,
    )
    return Draft(
        id=event_id,
        kind="transmission.sent",
        subject=sent.transmission_id,
        time=sent.started_at,
        data=data,
        correlationid=sent.correlation_id,
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
        review=Review.because(checkin.review_reasons),
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
    event_id: str, verb: Literal["fault", "recovered"], fault: OpenFault, at: datetime, clock: ClockReading
) -> Draft:
    """Draft `gateway.fault` or `gateway.recovered`."""
    data = GatewayFault(
        clock=clock, what=fault.what, since=fault.since, message=fault.message, action=fault.action
    )
    return Draft(id=event_id, kind=f"gateway.{verb}", subject=fault.what, time=at, data=data)


def review_event(
    event_id: str,
    received: CloudEvent,
    before: Judged,
    after: Judged,
    by: str,
    note: str,
    at: datetime,
    clock: ClockReading,
) -> Draft:
    """Draft what a person says about the transmission that `received` told of."""
    changed = tuple(name for name in Judged.model_fields if getattr(before, name) != getattr(after, name))
    data = ReviewVerdict(
        clock=clock,
        transmission_id=received.data["transmission_id"],
        radio=received.data["radio"],
        by=by,
        at=at,
        before=before,
        after=after,
        changed=changed,
        reasons=tuple(received.data["review"]["reasons"]),
        note=note,
    )
    return Draft(
        id=event_id,
        kind="review.corrected" if changed else "review.accepted",
        subject=data.transmission_id,
        time=at,
        data=data,
        correlationid=received.correlationid,
        causationid=received.id,
    )


def dropped_event(event_id: str, sequences: range, reason: str, at: datetime, clock: ClockReading) -> Draft:
    """Draft `outbox.dropped` for events with consecutive numbers that nobody will ever get."""
    first, last = (f"{sequence:0{SEQUENCE_DIGITS}d}" for sequence in (sequences[0], sequences[-1]))
    data = OutboxDropped(
        clock=clock, first_sequence=first, last_sequence=last, count=len(sequences), reason=reason
    )
    return Draft(id=event_id, kind="outbox.dropped", subject="outbox", time=at, data=data)


def dropped_runs_event(
    event_id: str, runs: Sequence[range], reason: str, at: datetime, clock: ClockReading
) -> Draft:
    """Draft `outbox.dropped` for stretches of numbers, in order, with others between them."""
    named = tuple(
        SequenceRun(first=f"{run[0]:0{SEQUENCE_DIGITS}d}", last=f"{run[-1]:0{SEQUENCE_DIGITS}d}")
        for run in runs
    )
    data = OutboxDropped(
        clock=clock,
        first_sequence=named[0].first,
        last_sequence=named[-1].last,
        count=sum(len(run) for run in runs),
        reason=reason,
        runs=named,
    )
    return Draft(id=event_id, kind="outbox.dropped", subject="outbox", time=at, data=data)


def stepped_event(event_id: str, step: Step, clock: ClockReading) -> Draft:
    """Draft `clock.stepped`; it happened at the new time."""
    data = ClockStepped(clock=clock, old=step.old, new=step.new)
    return Draft(id=event_id, kind="clock.stepped", subject="clock", time=step.new, data=data)


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
            CandidateData(
                unit_id=one.unit_id,
                name=one.name,
                score=round(one.score, 4),
                evidence=tuple(_ground(ground) for ground in one.grounds),
            )
            for one in resolution.candidates
        ),
        evidence=tuple(_ground(ground) for ground in resolution.grounds),
        heard_at=_span(resolution.span_s),
    )


def _ground(ground: Ground) -> GroundData:
    return GroundData(
        by=ground.by,
        nats=ground.nats,
        detail=ground.detail,
        form=ground.form,
        heard=ground.heard,
        heard_at=_span(ground.span_s),
    )


def _span(span_s: tuple[float, float] | None) -> HeardSpan | None:
    return None if span_s is None else HeardSpan(start_s=span_s[0], end_s=span_s[1])


def _word(word: HeardWord) -> HeardWordData:
    written = None if word.chars is None else TextSpan(start=word.chars[0], end=word.chars[1])
    return HeardWordData(
        phrase=word.phrase,
        kinds=word.kinds,
        codes=word.codes,
        by=word.by,
        standing=word.standing,
        written_at=written,
        heard_at=_span(word.span_s),
        cost_nats=word.cost_nats,
    )


def _report(meaning: Understanding) -> ReportData:
    hint, grounds = meaning.incident, meaning.grounds
    return ReportData(
        polarity=hint.polarity,
        code=hint.code,
        points=dict(grounds.points),
        needed=grounds.needed,
        words=tuple(_word(word) for word in grounds.words),
    )


def _headcount(headcount: Headcount) -> HeadcountData:
    return HeadcountData(present=headcount.present, expected=headcount.expected)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
