"""What a call does to an incident: report, cancel, resolve or nothing, and why to look at that."""

import re
from typing import Final, Literal

from gateway.understand.callreading import CallReading
from gateway.understand.match import Hit, Kind
from gateway.understand.orders import orders_by_name

Polarity = Literal["report", "cancel", "resolve", "none"]

_OF_THE_ALARM: Final = re.compile(r"警报|报警|警情|支援|增援|刚才")
_LEADS_TO_PLACE: Final = re.compile(r"(?:^|[,.!?]|人|我们?|就)在|位于|位置|地点|地址")
_SOUGHT: Final = re.compile("老人|小孩|孩子|小朋友|学生|走失|走丢|失主|嫌疑人|小偷")
_THE_EARLIER: Final = re.compile(
    "刚才(?:的|说的?|报的?|那个?|报告的?)|前面(?:的|说的?|报的?)|之前(?:说的?|报的?)"
)
EARLIER: Final = re.compile("刚才|前面说|之前说")
"""What is spoken of again is seldom reported for the first time."""
_RESOLVE_CHARS: Final = 22
_STILL: Final = re.compile(r"但|不过|还有|仍|另外|又")


def polarity_of(heard: CallReading) -> tuple[Polarity, list[str]]:
    """What the transmission does to an incident, and why a person should look at that."""
    ending = _ends(heard)
    if ending is None:
        return _reports(heard)
    polarity, hit = ending
    return polarity, [f"{polarity}_by_sound:{hit.phrase}"] if hit.by_sound else []


def _ends(heard: CallReading) -> tuple[Polarity, Hit] | None:
    """Whether a report is taken back or said to be over; everyday words need a short or named call."""
    reading, lexicon = heard.reading, heard.lexicon
    if heard.points.keys() & {"small_talk", "past_or_news", "advice"}:
        return None
    said = len(re.sub(r"[,.!? ]", "", reading.text))
    named = heard.evidence.attributed or heard.parties.caller.kind == "command"
    cancels = reading.stated(Kind.CANCEL)
    for hit in cancels:
        strong = hit.phrase in lexicon.strong_cancels
        little_else = 2 * sum(h.end - h.start for h in cancels) >= said
        if strong or named or little_else or _OF_THE_ALARM.search(reading.text):
            return "cancel", hit
    later = reading.stated(Kind.INCIDENT)
    for hit in reading.stated(Kind.RESOLVE):
        if hit.phrase in lexicon.found_words and not _may_be_found(heard):
            continue
        goes_on = any(h.start > hit.end and _STILL.search(reading.text, hit.end, h.start) for h in later)
        if not goes_on and not heard.called.requested and (named or said <= _RESOLVE_CHARS):
            return "resolve", hit
    return None


def _may_be_found(heard: CallReading) -> bool:
    """Whether 找到了 can end what is open, or what this call speaks of itself."""
    codes = {heard.context.open_code, heard.chosen.code if heard.chosen else None}
    return bool(codes & heard.lexicon.found_types) or _SOUGHT.search(heard.reading.text) is not None


def _reports(heard: CallReading) -> tuple[Polarity, list[str]]:
    """Whether this is a report, and why a person should look when it nearly was one."""
    chosen, evidence = heard.chosen, heard.evidence
    if heard.by_command:
        told = chosen is not None and not heard.context.open_incident
        ordered = told and orders_by_name(heard.reading.text, heard.parties.callee)
        # whoever orders may be the first to tell: a person must see it, though it is nobody's report
        return "none", [f"told_in_order:{chosen.hit.phrase}"] if chosen and ordered else []
    needed = evidence.needed(chosen, heard.lexicon)
    if chosen is None:
        adds = heard.context.open_incident and evidence.total >= needed and _adds(heard)
        return ("report", []) if adds else ("none", [])
    if chosen.hit.by_sound and heard.reading.acts() & {"all_normal", "present"}:
        return "none", [f"sounds_like:{chosen.hit.phrase}"]
    if _speaks_of_an_earlier_one(heard):
        return "none", [f"spoken_of_again:{chosen.hit.phrase}"]
    if evidence.total < needed and not _corrects(heard):
        near = evidence.total == needed - 1 and evidence.attributed
        return "none", ["incident_words_without_report"] if near else []
    doubts = [f"by_sound:{chosen.hit.phrase}"] if chosen.hit.by_sound else []
    if chosen.hit.codes(Kind.AGENCY) and not heard.context.open_incident:
        doubts.append("kind_not_understood")
    return "report", doubts


def _speaks_of_an_earlier_one(heard: CallReading) -> bool:
    """Whether only an earlier report is spoken of, and none is open: whatever became of it is no new one."""
    if heard.context.open_incident or heard.called.requested:
        return False
    corrects = "correction" in heard.reading.acts()
    return corrects or _THE_EARLIER.search(heard.reading.text) is not None


def _corrects(heard: CallReading) -> bool:
    """Whether a named unit puts another kind in place of the open one: 更正,不是着火,是燃气泄漏."""
    kind, against = heard.chosen, any(points < 0 for points in heard.points.values())
    written = kind is not None and not kind.hit.by_sound
    corrects = heard.context.open_incident and "correction" in heard.reading.acts()
    return written and corrects and heard.evidence.attributed and not against


def _adds(heard: CallReading) -> bool:
    """Whether something is told of the open incident without its kind: whom to send, where, who is hurt."""
    told_where = heard.place is not None and (
        heard.context.asked == "situation"
        or heard.evidence.attributed
        or _LEADS_TO_PLACE.search(heard.reading.text) is not None
    )
    return bool(heard.called.requested) or told_where or heard.casualties is not None


def may_end(heard: CallReading) -> bool:
    """Whether words that end an incident stand anywhere in the text, even where a name was taken for them."""
    hits = heard.lexicon.book.exact(heard.reading.text)
    return any(hit.codes(Kind.CANCEL) or hit.codes(Kind.RESOLVE) for hit in hits)
