"""Ends of incidents that only the audio has: which end something, and which only keep a report away."""

import math
import re
from typing import Final

from gateway.understand.callreading import CallReading
from gateway.understand.match import Hit, Kind
from gateway.understand.phonewords import Heard
from gateway.understand.polarity import Polarity, polarity_of

_BEYOND_DOUBT: Final = 0.25
_LONG: Final = 4
_HANDED_TO: Final = re.compile("警|派出所|救护车|医院")
"""Who asks for the police is heard as 移交派出所: such an end ends nothing unless the text has it."""


def end_heard(words: Heard, call: CallReading) -> tuple[Polarity, Hit] | None:
    """An end that only the audio has: borne out by the text's sounds, or long and beyond doubt."""
    polarity, _ = polarity_of(call)
    if polarity not in {"cancel", "resolve"}:
        return None
    for hit in call.reading.stated(Kind.CANCEL, Kind.RESOLVE):
        cost = words.clear.get(hit.phrase, math.inf)
        handed = _HANDED_TO.search(hit.phrase) is not None
        long = len(hit.phrase) >= _LONG and cost <= _BEYOND_DOUBT and not handed
        told = f"是{hit.phrase}" in words.clear
        if long or told or words.agreed & {hit.phrase, hit.phrase.removesuffix("了")}:
            return polarity, hit
    return None


def end_contested(words: Heard, call: CallReading) -> str | None:
    """What may have ended the incident that the text tells: a long end heard clearly, and nobody asked for.

    The kind was then said of what is over or never was (虚惊一场,没人打架): it opens nothing, and a person
    hears it. Beside an open incident nothing is held back.
    """
    polarity, _ = polarity_of(call)
    if polarity not in {"cancel", "resolve"} or call.called.requested or call.context.open_incident:
        return None
    for hit in call.reading.stated(Kind.CANCEL, Kind.RESOLVE):
        if len(hit.phrase) >= _LONG and hit.phrase in words.clear and not _HANDED_TO.search(hit.phrase):
            return f"ends:{hit.phrase}"
    return None
