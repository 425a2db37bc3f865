"""What was understood of a call, compared with what its manifest row says. Wrong is never mixed with unknown.

Each function returns one word: "right", "wrong" (something else was said for sure), or why there is nothing:
"ambiguous", "unknown", "none", "UNKNOWN" (an emergency without its kind), "unheard" (no transmission with
words at all). None means that the call says nothing about it.
"""

from collections import Counter
from collections.abc import Callable, Mapping

from bench.listening import Heard
from gateway.knowledge import read_lexicon
from gateway.understand.location import read_place
from gateway.understand.normalise import normalise
from tools.calls import Call
from tools.toldplaces import told_places

COLUMNS = ("right", "wrong", "extra", "ambiguous", "UNKNOWN", "unknown", "none", "unheard")
"""Every outcome, in the order of the tables; a row shows those that can occur in it."""


def caller(call: Call, heard: Heard) -> str | None:
    """Who spoke. A unit that is matched in one part of a call and wrongly in another counts as wrong."""
    if not call.caller_id:
        return None
    return _party(heard, "caller", lambda party: party["unit_id"] == call.caller_id)


def callee(call: Call, heard: Heard) -> str | None:
    """Who was called: a unit by name, or the command post."""
    if not call.callee:
        return None
    if call.callee == "command":
        return _party(heard, "callee", lambda party: party["kind"] == "command")
    return _party(
        heard, "callee", lambda party: party["kind"] == "unit" and _bare(party["name"]) == call.callee
    )


def code(call: Call, heard: Heard) -> str | None:
    """The incident's type; exercises have a row of their own."""
    if not call.code or call.exercise:
        return None
    said = {snapshot["type"]["code"] for snapshot in heard.incidents.values()}
    if not said:
        return "none" if _worded(heard) else "unheard"
    if said == {call.code}:
        return "right"
    return "UNKNOWN" if said == {"UNKNOWN"} else "wrong"


def headcount(call: Call, heard: Heard) -> str | None:
    """How many people are there."""
    if not call.headcount:
        return None
    said = {data["headcount"]["present"] for data in heard.received} - {None}
    if not said:
        return "none" if _worded(heard) else "unheard"
    return "right" if said == {int(call.headcount)} else "wrong"


def exercise(call: Call, heard: Heard) -> str | None:
    """An exercise: "right" when marked, "wrong" when a real incident was opened instead."""
    if not call.exercise:
        return None
    if heard.false_incidents:
        return "wrong"
    if any(data["exercise"] for data in heard.received):
        return "right"
    return "none" if _worded(heard) else "unheard"


def acts(call: Call, heard: Heard) -> str | None:
    """Whether all dialogue acts of the call were found; others may be."""
    if not call.acts:
        return None
    said = {act for data in heard.received for act in data["acts"]}
    if set(call.acts.split("|")) <= said:
        return "right"
    return "none" if _worded(heard) else "unheard"


def agencies(call: Call, heard: Heard) -> Counter[str]:
    """Each agency asked for: right or none; each that nobody asked for: extra."""
    asked = set(call.agencies.split("|")) - {""}
    needs = {need["agency"] for one in heard.incidents.values() for need in one["needs"]}
    return Counter(right=len(asked & needs), none=len(asked - needs), extra=len(needs - asked))


def location_parts(call: Call, heard: Heard, expected: Mapping[str, str]) -> Counter[str]:
    """Each part of the place: right, wrong (another value) or none; extra is a part that nobody said."""
    said = [one["location"]["parts"] for one in heard.incidents.values()]
    found = {name: value for parts in said for name, value in parts.items()}
    if not call.location or not said:
        return Counter(none=len(expected), extra=len(found))
    count = Counter(extra=len(found.keys() - expected.keys()))
    for name, value in expected.items():
        count["none" if name not in found else "right" if found[name] == value else "wrong"] += 1
    return count


def place_parts() -> Callable[[Call], dict[str, str]]:
    """Return a reader of a call's true place: told by hand, else by the product's own grammar."""
    grammar = read_lexicon().places
    told = told_places()

    def read(call: Call) -> dict[str, str]:
        if call.location in told:
            return told[call.location]
        # as a transcript is: 三楼 is a floor only as 3楼
        place = read_place(normalise(call.location), grammar) if call.location else None
        return dict(place.parts) if place is not None else {}

    return read


def polarity(call: Call, heard: Heard) -> str | None:
    """What the call does to an incident: report, cancel, resolve or none, as its acts tell it."""
    said = {act for data in heard.received for act in data["acts"]} & {"report", "cancel", "resolve"}
    if said == {call.polarity} or (not said and call.polarity == "none"):
        return "right"
    return "wrong" if said else "none" if _worded(heard) else "unheard"


ROWS: tuple[tuple[str, Callable[[Call, Heard], str | None]], ...] = (
    ("caller", caller),
    ("callee", callee),
    ("incident code", code),
    ("headcount", headcount),
    ("acts", acts),
    ("polarity", polarity),
    ("exercise", exercise),
)


def _party(heard: Heard, which: str, is_right: Callable[[dict[str, object]], bool]) -> str:
    parties = [data[which] for data in heard.received if data["transcript"]["text"] or data[which]["by"]]
    if not parties:
        return "unheard"
    matched = [party for party in parties if party["status"] == "matched"]
    if matched:
        return "right" if all(is_right(party) for party in matched) else "wrong"
    return "ambiguous" if any(party["status"] == "ambiguous" for party in parties) else "unknown"


def _worded(heard: Heard) -> bool:
    return any(data["transcript"]["text"] for data in heard.received)


def _bare(name: object) -> str:
    return str(name).removesuffix("最小应急单元")
