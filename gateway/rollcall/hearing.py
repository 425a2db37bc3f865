"""What a transmission means to a roll-call that the gateway holds: overheard words in, happenings out. Pure.

Nothing that was heard in a unit's turn may leave its silence looking undisturbed. Words that are nobody's
answer make the turn unreadable, and whatever else was on the air - noise, an officer, another unit - is put
on the call as what may have hidden the answer.
"""

import re
from datetime import datetime
from typing import Final

from gateway.model import Resolution, SoundClass
from gateway.rollcall.happenings import Deaf, Event, Understood
from gateway.rollcall.overheard import Overheard
from gateway.rollcall.sheet import Reply, report_elements
from gateway.understand.standin import STANDS_IN

_CONTENT: Final = frozenset({"present", "all_normal"})
_ANSWERING: Final = _CONTENT | {"ack_received", "ack_wilco", "arrived", "ready", "equipment", "await_orders"}
_CALLING: Final = frozenset({"hail", "ask_headcount"})
_AS_LIKELY: Final = 0.25
"""With less than this share of the best one's score a unit did not speak, whosever turn it was."""
_HIDING_S: Final = 1.0
"""Noise or a tone of this length may have hidden an answer."""
_SAYS_SOMETHING: Final = re.compile(r"\w")


def happenings(heard: Overheard, in_turn: str | None, *, paused: bool) -> tuple[Event, ...]:
    """Return what the engine is to be told about one transmission, in order; one Understood is among it.

    `in_turn` is the unit that is waited for now, `paused` whether an incident has stopped everything.
    """
    understood = understood_of(heard, paused=paused)
    hidden = _hides_an_answer(heard, understood, in_turn)
    return (understood,) if hidden is None else (Deaf(heard.ended_at, hidden), understood)


def not_understood(transmission_id: str, began_at: datetime, ended_at: datetime) -> Understood:
    """What the engine is told of a transmission that no words will ever be had of."""
    reply = Reply(transmission_id=transmission_id, began_at=began_at, ended_at=ended_at, readable=False)
    return Understood(reply, answers=False)


def nobody(heard: Overheard) -> Understood:
    """What the engine is told of a transmission that says nothing about anybody, such as our own voice."""
    return Understood(_reply(heard, readable=True), answers=False)


def understood_of(heard: Overheard, *, paused: bool) -> Understood:
    """What one transmission tells, whatever is waited for; `paused` as in `happenings`."""
    words = heard.utterance
    if heard.sound is not SoundClass.SPEECH:
        return _wordless(heard)
    if heard.failed or (words.unit_id is None and not _SAYS_SOMETHING.search(words.text)):
        return Understood(_reply(heard, readable=False), answers=False, emergency=heard.emergency)
    said = words.understanding
    caller = said.caller
    callee = said.callee
    answers = _answers(heard, paused=paused)
    unit_id = words.unit_id if caller.status == "matched" else None
    stands_in = STANDS_IN in words.acts
    spoken_to = callee.unit_id if callee.kind == "unit" and not words.acts & _CALLING else None
    for_unit = spoken_to if unit_id is not None or stands_in else None
    candidates = _candidates(caller)
    readable = bool(unit_id or stands_in or candidates or answers or words.by_command or heard.told_incident)
    return Understood(
        _reply(heard, readable=readable),
        unit_id=unit_id,
        candidates=candidates,
        for_unit=for_unit if for_unit != unit_id else None,
        stands_in=stands_in and not words.by_command,
        answers=answers and not words.by_command,
        emergency=heard.emergency,
        acts=tuple(said.acts),
        position=said.incident.location_text,
    )


def _wordless(heard: Overheard) -> Understood:
    """Somebody keyed up without words, or something drowned the channel."""
    if heard.sound is SoundClass.KERCHUNK:
        return Understood(_reply(heard, readable=False), answers=False)
    length_s = (heard.ended_at - heard.began_at).total_seconds()
    reply = _reply(heard, readable=True)
    return Understood(reply, answers=False, hides="channel_busy" if length_s >= _HIDING_S else None)


def _answers(heard: Overheard, *, paused: bool) -> bool:
    """Whether the words are an answer's. While an incident is on, 收到 and 正在前往 are the incident's."""
    words = heard.utterance
    told = words.understanding.headcount.present is not None
    if paused or heard.told_incident:
        return told or bool(words.acts & _CONTENT)
    return told or bool(words.acts & _ANSWERING)


def _candidates(caller: Resolution) -> tuple[str, ...]:
    if caller.kind != "unit" or caller.status != "ambiguous":
        return ()
    likely = _AS_LIKELY * max((one.score for one in caller.candidates), default=0.0)
    return tuple(one.unit_id for one in caller.candidates if one.score >= likely)


def _hides_an_answer(heard: Overheard, understood: Understood, in_turn: str | None) -> str | None:
    """Why silence in the turn that this fell into proves nothing; None when it does not matter."""
    if heard.lost_audio:
        return "audio_lost"
    if heard.sound is not SoundClass.SPEECH:
        return None
    if understood.stands_in or (understood.unit_id is not None and understood.unit_id != in_turn):
        # The name may have been misheard: it may well have been the unit whose turn it was.
        return "another_spoke"
    return "command_post_spoke" if heard.utterance.by_command else None


def _reply(heard: Overheard, *, readable: bool) -> Reply:
    words, said = heard.utterance, heard.utterance.understanding
    normal = "all_normal" in words.acts
    told = {"equipment": "equipment" in words.acts, "position": said.incident.location_text is not None}
    report = report_elements(
        named=words.unit_id is not None,
        headcount=said.headcount.present is not None,
        normal=normal,
        others=[name for name, is_told in told.items() if is_told],
    )
    return Reply(
        transmission_id=words.transmission_id,
        began_at=heard.began_at,
        ended_at=heard.ended_at,
        readable=readable,
        text=words.text,
        confidence=words.confidence,
        present=said.headcount.present if readable else None,
        expected=said.headcount.expected if readable else None,
        all_normal=True if normal and readable else None,
        report=report if readable else {},
        review_reasons=said.review_reasons if readable else (),
        corrects="correction" in words.acts,
    )
