"""Is this a report at all? Points for and against, added up and shown.

An incident word alone opens nothing: people chat, read the news and play advertisements on the same channel,
and a false incident is the worst error. A transmission earns points for being built like a report and loses
points for being built like a story. `open_at` (3 as shipped) points open an incident.

| for | | against | |
|---|---|---|---|
| caller_named: a unit speaks (its name leads or follows 我是) | +2 | past_or_news: 去年, 记者, 法院 … | -3 |
| caller_mentioned: a unit's name elsewhere | +1 | advice: 预防, 如果, 保险 … | -2 |
| hails_command: the command post is called | +2 | asks: the incident is asked about | -2 |
| unit_word: 最小应急单元 | +2 | small_talk: 哈哈, 电影, 优惠 … | -2 |
| self: 我是, 这里是 | +1 | | |
| report_word: 报告, 汇报 | +1 | | |
| request: an agency or 支援 asked for, 救命 | +2 | | |
| own_scene: 我小区, 现场, 当事人 | +2 | | |
| happening: 发生, 有人, 正在 close before the word | +1 | | |
| place: a gate, road … +1, a building, floor or room | +2 | | |
| urgent: 马上, 快来 | +1 | | |
| procedure: 完毕, 请指示, 收到请回答 | +1 | | |
| terse: hardly anything but the incident | +1 to +3 | | |
| conversation: an incident is open on this radio, or was asked for | +2 | | |
| drill: 模拟, 演练 | +1 | | |

A minor type with neither caller nor hail needs one more point, and so does a type found only by sound.
"""

import re
from dataclasses import dataclass
from typing import Final

from gateway.model import Resolution
from gateway.understand.agencies import Called
from gateway.understand.lexicon import Lexicon
from gateway.understand.lexicon_rules import NUMBER
from gateway.understand.location import Place
from gateway.understand.match import Kind
from gateway.understand.reading import Reading
from gateway.understand.slots import Chosen

_UNIT_WORD: Final = re.compile(r"最小(?:应急|作战)|应急单元")
_SELF: Final = re.compile(r"我是|这里是|我单元|我方")
_NAME_LEADS_CHARS: Final = 12
_HAPPENING_CHARS: Final = 12
_THERE_IS: Final = re.compile(rf"(?:有|见|多)$|[有见]{NUMBER}(?:个|名|位|辆|人)|[0-9]{{1,2}}(?:个人|人|名)$")
_CRY: Final = re.compile(
    r"救命|快来人|呼叫支援|紧急求援|紧急支援|派人"
    r"|(?:请求|需要|急需|申请)[^,.!?]{0,4}(?:支援|增援|协助|救援|处置|处理|帮助|帮忙)"
)
_TERSE_CHARS: Final = 14
_SHORT_CHARS: Final = 10
_TERSE_SHARE: Final = 0.4
_NOTHING_ELSE_SHARE: Final = 0.75
_INDOORS: Final = frozenset({"building", "unit", "floor", "room"})
_PROCEDURE: Final = frozenset({"over", "await_orders", "hail"})


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known besides the words: see `Context`."""

    caller: Resolution
    callee: Resolution
    command_post: str
    in_conversation: bool
    in_drill: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """Points by name, for the log and for people. `attributed`: somebody speaks or is called by name."""

    points: tuple[tuple[str, int], ...]
    attributed: bool

    @property
    def total(self) -> int:
        """All points added up."""
        return sum(value for _, value in self.points)

    def needed(self, chosen: Chosen | None, lexicon: Lexicon) -> int:
        """How many points an incident of this kind needs."""
        rules = lexicon.evidence
        needed = rules.open_at
        if chosen and chosen.hit.by_sound:
            needed += rules.by_sound_extra
        if chosen and not self.attributed and lexicon.type_of(chosen.code).severity in {"Minor", "Unknown"}:
            needed += rules.minor_extra
        return needed


def weigh(
    reading: Reading,
    situation: Situation,
    lexicon: Lexicon,
    chosen: Chosen | None,
    called: Called,
    place: Place | None,
) -> Evidence:
    """Count the points of one transmission."""
    who = _who(reading.text, situation, lexicon)
    attributed = bool(who.keys() & {"caller_named", "hails_command", "unit_word"})
    points = who | _what(reading, lexicon, chosen, called, place)
    if situation.in_conversation:
        points["conversation"] = 2
    if situation.in_drill:
        points["drill"] = 1
    points |= _against(reading, lexicon)
    return Evidence(tuple(points.items()), attributed)


def _what(
    reading: Reading, lexicon: Lexicon, chosen: Chosen | None, called: Called, place: Place | None
) -> dict[str, int]:
    text, rules = reading.text, lexicon.evidence
    points: dict[str, int] = {}
    if rules.report_words.search(text):
        points["report_word"] = 1
    if called.requested or _CRY.search(text):
        points["request"] = 2
    if rules.own_scene.search(text):
        points["own_scene"] = 2
    if _happening(reading, lexicon, chosen):
        points["happening"] = 1
    if place:
        points["place"] = 2 if {name for name, _ in place.parts} & _INDOORS else 1
    if lexicon.cues.immediate.search(text):
        points["urgent"] = 1
    if reading.acts() & _PROCEDURE:
        points["procedure"] = 1
    if terse := _terse(reading, lexicon, chosen):
        points["terse"] = terse
    return points


def _who(text: str, situation: Situation, lexicon: Lexicon) -> dict[str, int]:
    points: dict[str, int] = {}
    caller = situation.caller
    if caller.kind == "unit" and caller.status != "unknown":
        at = text.find(lexicon.fold(caller.heard)) if caller.heard else -1
        leads = at < _NAME_LEADS_CHARS or bool(_SELF.search(text, max(0, at - 4), at))
        points["caller_named" if leads else "caller_mentioned"] = 2 if leads else 1
    command = situation.callee.kind == "command" and situation.callee.status != "unknown"
    post = lexicon.fold(situation.command_post)
    hailed = lexicon.command_words.search(text[:_NAME_LEADS_CHARS])
    if command or hailed or (post and post in text[: _NAME_LEADS_CHARS + len(post)]):
        points["hails_command"] = 2
    if _UNIT_WORD.search(text):
        points["unit_word"] = 2
    if _SELF.search(text):
        points["self"] = 1
    return points


def _happening(reading: Reading, lexicon: Lexicon, chosen: Chosen | None) -> bool:
    if chosen is None:
        return False
    start = max(0, chosen.hit.start - _HAPPENING_CHARS)
    if _THERE_IS.search(reading.text, start, chosen.hit.start):
        return True
    return lexicon.evidence.happening.search(reading.text, start, chosen.hit.end) is not None


def _terse(reading: Reading, lexicon: Lexicon, chosen: Chosen | None) -> int:
    """Up to 3 for a cry such as 着火了着火了: short, and nothing but the incident."""
    said = len(re.sub(r"[,.!? ]", "", reading.text))
    if chosen is None or not 0 < said <= _TERSE_CHARS:
        return 0
    spoken = sum(h.end - h.start for h in reading.stated(Kind.INCIDENT, Kind.GENERIC))
    if said > _SHORT_CHARS or spoken < _TERSE_SHARE * said:
        return 1
    grave = lexicon.type_of(chosen.code).severity in {"Severe", "Extreme"} and not chosen.hit.by_sound
    return 3 if grave and spoken >= _NOTHING_ELSE_SHARE * said and said >= 3 else 2  # noqa: PLR2004


def _against(reading: Reading, lexicon: Lexicon) -> dict[str, int]:
    rules, text = lexicon.evidence, reading.masked
    points: dict[str, int] = {}
    if rules.past_or_news.search(text):
        points["past_or_news"] = -3
    if rules.advice.search(text):
        points["advice"] = -2
    if rules.small_talk.search(text):
        points["small_talk"] = -2
    if any(s == "asked" and h.codes(Kind.INCIDENT) for h, s in reading.hits):
        points["asks"] = -2
    return points
