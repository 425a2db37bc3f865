"""Whether the likeliest kind of incident (contrast.py) may be believed, from how the call is built.

The better the call is built like a report, the less is asked of the word: who hails the command post by name,
tells a place and asks for the fire brigade has said something in between. Who answers a roll-call has not.
What is told this way always goes to a person (`heard:`).
"""

import math
import re
from dataclasses import dataclass
from typing import Final

from gateway.understand.callreading import CallReading
from gateway.understand.contrast import Told
from gateway.understand.lexicon_rules import SEVERITIES, UNKNOWN_CODE
from gateway.understand.match import Kind
from gateway.understand.phonewords import TOLD_BEFORE, Heard, Placed
from gateway.understand.polarity import EARLIER, Polarity, may_end
from gateway.understand.reading import kinds_denied
from gateway.understand.slots import Chosen

_OF_THE_KIND: Final = frozenset({"happening", "terse"})
"""Points that an incident's word earns: they cannot speak for the word."""
_ROUTINE: Final = frozenset(
    {"present", "all_normal", "say_again", "test_only", "ready", "arrived", "ack_wilco"}
)
_BARS: Final = ((6, 4.5, 1.0), (5, 6.0, 1.5), (4, 9.0, 2.0), (2, 10.0, 2.0))
"""By points: the least score, in nats, and the least distance to any other kind."""
_KNOWN_TO_BE: Final = (4.2, 0.8)
"""The same, where a report is certain and its kind alone is missing."""
_SAID_TO_BE: Final = (6.0, 2.0)
"""The same, where the call itself says no more than 紧急情况: there may be no other word."""
_RATHER: Final = (5.0, 2.0)
"""The same, in place of a kind that was only read by its sound."""
_RATHER_BY: Final = 1.0
_MOST_PER_PHONE: Final = 1.2
_ALIKE_NATS: Final = 1.5
"""Kinds this near to each other on one stretch cannot be told apart by ear."""
_TOLD_AT_ALL: Final = 3.0
_CLEARLY_TOLD: Final = 7.0
_ASKED_FOR_NATS: Final = 1.0
_SHORT_PHONES: Final = 5
_BEFORE_S: Final = 1.2
_TOUCH_S: Final = 0.03
_AT_PLACE: Final = re.compile(
    "[楼栋层门口侧边场室区院路园堂台角下上内里处站房库座厅道店校湖河]$|单元$|门口$|[东南西北]$"
)
_AGAINST_ROUTINE_NATS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Built:
    """The points for a report that its kind does not earn, and whether something routine is said or heard.

    A hail counts apart: X呼叫总台 is one, and the beginning of a report.
    """

    points: int
    routine: bool
    hails: bool


def likeliest_kind(
    first: CallReading, settled: CallReading, polarity: Polarity, words: Heard, second: CallReading
) -> Told | None:
    """The kind to read the call with, None when nothing more can be told than was.

    `first` is the call as written, `second` as heard and `settled` what they came to.
    """
    if not words.told or polarity in {"cancel", "resolve"} or first.by_command or second.by_command:
        return None
    denied = kinds_denied(first.reading)
    likely = (one for one in words.told if one.phrase not in denied)
    ranked = sorted(likely, key=lambda one: (one.code == UNKNOWN_CODE, -_worth(one, second)))
    believable = [
        one
        for one in ranked
        if one.hit.per_phone <= _MOST_PER_PHONE and (_long(one) or _announced(one, words, second))
    ]
    if not believable:
        return None
    best = _gravest(believable, second)
    score, ahead = _worth(best, second), _ahead(best, ranked, second)
    least = _asked(first, settled, polarity, words, second, best)
    return best if least is not None and score >= least[0] and ahead >= least[1] else None


def sounds_like(settled: CallReading, words: Heard) -> list[str]:
    """A doubt where the kind that was told sounds like a graver or unlike one in the same place."""
    chosen = settled.chosen
    told = next((one for one in words.told if chosen is not None and one.code == chosen.code), None)
    if told is None:
        return []
    rivals = [
        one
        for one in words.told
        if one.score >= told.score - _ALIKE_NATS
        and _overlap(one, told)
        and not settled.lexicon.related(one.code, told.code)
    ]
    return [f"sounds_like:{'|'.join(sorted((told.phrase, one.phrase)))}" for one in rivals[:1]]


def _asked(
    first: CallReading,
    settled: CallReading,
    polarity: Polarity,
    words: Heard,
    second: CallReading,
    best: Told,
) -> tuple[float, float] | None:
    """The least score and distance that `best` needs; None when it is not wanted."""
    if polarity == "report":
        return _instead(first, settled.chosen, words, second, best) if settled.chosen else None
    # who takes back or ends something asks for nobody: then a mere hint of such words is chance
    built = built_as_report(first, second, words)
    ended = words.ends and not second.called.requested
    return _bar(built, best) if built is not None and not ended else None


def _instead(
    first: CallReading, chosen: Chosen, words: Heard, second: CallReading, best: Told
) -> tuple[float, float] | None:
    """What `best` needs to stand for the kind of a report that is none, or was taken from sounds alone."""
    if best.code in {UNKNOWN_CODE, chosen.code}:
        return None
    if chosen.code == UNKNOWN_CODE:
        return _SAID_TO_BE if chosen.hit.codes(Kind.GENERIC) else _KNOWN_TO_BE
    if not chosen.hit.by_sound and chosen.hit.phrase in first.reading.text:
        return None
    mine = next((one for one in words.told if one.code == chosen.code), None)
    if mine is None or not _overlap(mine, best):
        return _RATHER if mine is None or mine.score < _TOLD_AT_ALL else None
    graver = _gravity(best, second) > _gravity(mine, second)
    return (mine.score - _ALIKE_NATS if graver else mine.score + _RATHER_BY), -math.inf


def built_as_report(first: CallReading, second: CallReading, words: Heard | None) -> Built | None:
    """How much a call is built like a report, whatever is reported; None when it can be none.

    `second` is the call as heard, or `first` again where nothing was.
    """
    text = first.reading.text + (words.text if words is not None else "")
    if first.by_command or second.by_command or may_end(first) or EARLIER.search(text):
        return None
    points = {name: value for name, value in second.evidence.points if name not in _OF_THE_KIND}
    if not second.evidence.attributed or any(value < 0 for value in points.values()):
        return None
    counted = words is not None and (
        bool(words.counts) or any(doubt.startswith("headcount") for doubt in words.doubts)
    )
    acts = first.reading.acts() | second.reading.acts()
    return Built(sum(points.values()), counted or bool(acts & _ROUTINE), "hail" in acts)


def _bar(built: Built, best: Told) -> tuple[float, float]:
    """What `best` needs to make a report of a call that was none, by how much else speaks for one."""
    score, ahead = next(((s, a) for least, s, a in _BARS if built.points >= least), (math.inf, 0.0))
    if best.code == UNKNOWN_CODE:
        score, ahead = max(score, _SAID_TO_BE[0]), -math.inf
    return score + (_AGAINST_ROUTINE_NATS if built.routine or built.hails else 0.0), ahead


def _worth(one: Told, call: CallReading) -> float:
    """A kind's score, with what those who are asked for say for it: nobody calls the lift firm to a fire."""
    wanted = set(call.lexicon.type_of(one.code).agencies) & set(call.called.requested)
    return one.score + (_ASKED_FOR_NATS if wanted else 0.0)


def _long(one: Told) -> bool:
    return one.hit.phones > _SHORT_PHONES


def _announced(one: Told, words: Heard, call: CallReading) -> bool:
    """Whether the words around two syllables tell an incident: 有人 or a place before them, 了 behind.

    Another word of the kind may stand there as well: 起火,请 sounds like 火情.
    """
    book = call.lexicon.book
    own = Placed(one.phrase, one.hit.start_s, one.hit.end_s, one.hit.per_phone)
    akin = [
        p
        for p in words.placed
        if one.code in book.codes(p.phrase, Kind.INCIDENT) and one.hit.shared_s(p.start_s, p.end_s) > 0
    ]
    others = [p for p in words.placed if p not in akin and p.phrase != one.phrase]
    return any(_introduced(p, others, words) for p in (own, *akin))


def _introduced(one: Placed, others: list[Placed], words: Heard) -> bool:
    """Whether a short word stands where an incident is told, and none of the `others` stands there rather."""
    taken = [p for p in others if len(p.phrase) > len(one.phrase) or p.per_phone <= one.per_phone]
    if any(min(one.end_s, p.end_s) - max(one.start_s, p.start_s) > _TOUCH_S for p in taken):
        return False
    before = "".join(said for at, said in words.pieces if one.start_s - _BEFORE_S <= at < one.start_s)
    after = "".join(said for at, said in words.pieces if at >= one.end_s)[:1]
    told = one.phrase in words.agreed or after == "了"
    return told or TOLD_BEFORE.search(before) is not None or _AT_PLACE.search(before) is not None


def _gravest(ranked: list[Told], call: CallReading) -> Told:
    """The best, or a graver kind that sounds about alike there: 拾到 must not hide 持刀."""
    best = ranked[0]
    near = [
        one for one in ranked if _overlap(one, best) and _worth(best, call) - _worth(one, call) <= _ALIKE_NATS
    ]
    return max(near, key=lambda one: (_gravity(one, call), _worth(one, call)))


def _gravity(one: Told, call: CallReading) -> int:
    return SEVERITIES.index(call.lexicon.type_of(one.code).severity)


def _ahead(best: Told, ranked: list[Told], call: CallReading) -> float:
    """How far the best is ahead of the next that is neither akin, nor like it, nor clearly told beside it."""
    for one in ranked:
        beside = not _overlap(one, best) and one.score >= _CLEARLY_TOLD
        milder = _overlap(one, best) and _gravity(one, call) < _gravity(best, call)
        if one != best and not beside and not milder and not call.lexicon.related(one.code, best.code):
            return _worth(best, call) - _worth(one, call)
    return _worth(best, call)


def _overlap(one: Told, other: Told) -> bool:
    return one.hit.shared_s(other.hit.start_s, other.hit.end_s) > 0
