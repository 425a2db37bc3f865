"""Where it happens as it was heard: parts of a place that follow one another in the audio.

Theory of operation. Every part that the lexicon lists (6号楼, 东门, 岗亭, 对面) and every part of the text is
sought in what the phone head heard (phonesearch.py). A part is worth what was heard of it, less what the text
has there instead. Two syllables are heard by chance anywhere, 东门 right before 岗亭 is not: parts that
follow one another, from general to specific, make a chain, and a chain is worth the sum of its parts.

What only the text has is published only where the audio bears it out, since an officer drives there; where
two numbers or two spots are about as likely in one stretch (6号楼, 9号楼) neither is told, and the doubt is.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.model import PhoneEvidence
from gateway.understand.contrast import score_of
from gateway.understand.lexicon_rules import PlaceGrammar
from gateway.understand.location import Place
from gateway.understand.phonereading import PhoneReading, read_phones
from gateway.understand.phones import phones_of, pronunciations
from gateway.understand.phonesearch import PhoneHit, PhoneIndex
from gateway.understand.pinyin import syllables
from gateway.understand.writtensound import WrittenSound

_NUMBERED: Final = (
    ("building", "{}号楼", range(1, 31)), ("building", "{}栋", range(1, 31)),
    ("building", "{}座", range(1, 21)),
    ("building", "{}幢", range(1, 31)), ("building", "{}号教学楼", range(1, 7)),
    ("unit", "{}单元", range(1, 11)),
    ("gate", "{}号门", range(1, 13)), ("floor", "{}楼", range(1, 34)), ("floor", "{}层", range(1, 34)),
    ("floor", "负{}楼", range(1, 5)), ("floor", "负{}层", range(1, 5)), ("floor", "地下{}层", range(1, 5)),
    ("floor", "地下{}楼", range(1, 5)), ("area", "{}期", range(1, 6)),
)  # fmt: skip
_LETTERED: Final = (("building", "座"), ("building", "栋"), ("exit", "出口"), ("area", "区"))
_LETTERS: Final = "ABCDEF"
_SIDES: Final = (
    "东", "南", "西", "北", "东南", "西南", "东北", "西北", "正", "后", "侧", "前", "大", "东侧",
    "西侧", "南侧", "北侧",
)  # fmt: skip
_GATES: Final = ("门", "门口", "大门", "出口", "入口")
_OTHER_GATES: Final = ("校门", "校门口", "园门口", "厂门口")
_FLOORS: Final = ("顶楼", "顶层", "夹层", "架空层")
_BUILDINGS: Final = (
    "教学楼", "行政楼", "办公楼", "实验楼", "宿舍楼", "门诊楼", "住院楼", "综合楼", "住院部",
    "体育馆",
)  # fmt: skip
_EXITS: Final = ("出口", "入口", "出入口")
_RELATIONS: Final = (
    "门口", "楼下", "楼上", "对面", "斜对面", "旁边", "边上", "附近", "门前", "门外", "后面", "前面",
    "里面", "外面", "隔壁", "东侧", "南侧", "西侧", "北侧", "东边", "南边", "西边", "北边", "左侧",
    "右侧", "左边", "右边", "东南角", "西南角", "东北角", "西北角",
)  # fmt: skip
_SIDE: Final = re.compile(r"[东南西北]{1,2}[侧边角]")
_NEVER_PLACES: Final = (
    "最小应急单元", "应急单元", "最小应急", "指挥中心", "报告指挥中心", "呼叫指挥中心", "报告",
    "呼叫", "请求", "收到", "怀疑", "女士", "男士", "女子", "男子", "学生", "有一位", "小汽车",
    "轿车", "车子",
)  # fmt: skip
"""What is said in reports about as places are: it takes the stretch where it was heard better."""
_CALLS: Final = re.compile(r"(?:呼叫|报告|向|报)$")
_ON_AIR: Final = {
    "0": "洞",
    "1": "幺",
    "2": "两",
    "7": "拐",
    "9": "勾",
    "3": "三",
    "4": "四",
    "5": "五",
    "6": "六",
    "8": "八",
}
_OPENING_SYLLABLES: Final = 2
CHANCE: Final = 2.5
"""What a part must be worth, in nats, to add anything to a chain."""
_READ: Final = 2.0
"""What it adds that the text has the part, too, in so many words."""
LEAST_WORTH: Final = 3.0
"""What a chain must be worth beyond chance."""
RIVAL_MARGIN: Final = 1.5
"""How much more, in nats, a part must be worth than another in its stretch."""
NUMBER_MARGIN: Final = 3.0
_MOST_PER_OTHER: Final = 1.2
_NUMERALS: Final = frozenset("0123456789负地")
_LEAST_PHONES: Final = 3
_KEEP: Final = 200
_OCCURRENCES: Final = 2
_MOST_PER_PHONE: Final = 1.5
_TOUCH_S: Final = 0.06
_SHARED_S: Final = 0.02
"""侧门 in 西侧门 does not follow 西侧: one syllable is not said twice."""
_BESIDE_S: Final = 0.36


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a place: `name` as the grammar's components, `hit` where it was heard, `worth` in nats."""

    name: str
    text: str
    hit: PhoneHit
    worth: float

    def overlaps(self, other: "Part") -> bool:
        """Whether half of the shorter of two parts lies in the other."""
        return _overlap(self.hit, other.hit)


@dataclass(frozen=True, slots=True)
class Taken:
    """A stretch of audio that other words explain: somebody's name, or what happened; `gain` as a hit's."""

    start_s: float
    end_s: float
    gain: float = math.inf

    def covers(self, hit: PhoneHit) -> bool:
        """Whether these words leave no room for `hit`, which must be worth less."""
        shared_s = hit.shared_s(self.start_s, self.end_s)
        least_s = _TOUCH_S if self.gain == math.inf else 0.45 * (hit.end_s - hit.start_s)
        return shared_s > least_s and self.gain > hit.gain


class PlaceEar:
    """The listed parts of places ready to be heard. Immutable once built; any thread may listen."""

    def __init__(self, grammar: PlaceGrammar, called: Iterable[str] = (), others: Iterable[str] = ()) -> None:
        """Index what `grammar` lists and every number that a building, a floor or a gate may have.

        `called` are names of whoever is spoken to: where calls open with one it is no place (值班室).
        `others` are words that may be taken for places: 电瓶车 is heard like 电梯.
        """
        self._order = {name: rank for rank, (name, _) in enumerate(grammar.components)}
        listed = _listed(grammar)
        self._called = frozenset(called)
        parts = {**dict.fromkeys((*_NEVER_PLACES, *others, *self._called), ""), **listed}
        spelt = [(text, phones) for text in parts for phones in _spoken(text) if len(phones) >= _LEAST_PHONES]
        self._entries = tuple((text, parts[text]) for text, _ in spelt)
        self._index = PhoneIndex([phones for _, phones in spelt], keep=_KEEP)
        self._known = frozenset(listed)

    def parts(
        self,
        evidence: PhoneEvidence,
        written: str,
        read: Place | None,
        taken: Sequence[Taken] = (),
    ) -> list[Part]:
        """Every part that may have been said, the worthiest first, but for what other words have `taken`.

        `written` is the recogniser's text, `read` the place in it.

        Raises:
            ValueError: the evidence comes from a head with other phones.
        """
        reading = read_phones(evidence)
        found = [
            (*self._entries[hit.entry], hit)
            for hit in self._index.search(evidence, _OCCURRENCES, _MOST_PER_PHONE)
        ]
        own = [(text, name) for name, text in (read.parts if read else ()) if text not in self._known]
        spelt = [(text, name, phones) for text, name in own for phones in pronunciations(text)]
        if spelt:
            more = PhoneIndex([phones for _, _, phones in spelt])
            hits = more.search(evidence, _OCCURRENCES, _MOST_PER_PHONE)
            found += [(*spelt[hit.entry][:2], hit) for hit in hits]
        others = [*taken]
        places: list[tuple[str, str, PhoneHit]] = []
        for text, name, hit in found:
            if not name or (text in self._called and _opens(hit, reading)):
                if hit.per_phone <= _MOST_PER_OTHER:
                    others.append(Taken(hit.start_s, hit.end_s, hit.gain))
            else:
                places.append((text, name, hit))
        sound, said = WrittenSound(written), {text: syllables(text) for text, _, _ in places}
        known = read.parts if read else ()
        parts = [
            Part(
                name,
                text,
                hit,
                score_of(hit, said[text], sound, reading) + _READ * _is_read(name, text, known),
            )
            for text, name, hit in places
            if not any(other.covers(hit) for other in others)
        ]
        return sorted(parts, key=lambda part: (-part.worth, part.hit.start_s, part.text))

    def best(self, parts: Sequence[Part]) -> tuple[Part, ...]:
        """The worthiest chain of `parts`, empty where none is worth being told."""
        ordered = sorted(parts, key=lambda part: (part.hit.start_s, part.hit.end_s))
        best: list[tuple[Part, ...]] = []
        for part in ordered:
            before = [chain for chain in best if self._follows(chain, part)]
            longest = max(before, key=_worth, default=())
            best.append((*longest, part) if _worth(longest) > 0 else (part,))
        chain = max(best, key=_worth, default=())
        return chain if _worth(chain) >= LEAST_WORTH else ()

    @staticmethod
    def rival(part: Part, parts: Sequence[Part]) -> Part | None:
        """Another of the same name that may about as well have been said there; None when there is none."""
        for other in parts:
            if other.worth + (NUMBER_MARGIN if _numbered(part) else RIVAL_MARGIN) < part.worth:
                break
            if other.name == part.name and _differ(part.text, other.text) and _overlap(part.hit, other.hit):
                return other
        return None

    def _follows(self, chain: tuple[Part, ...], part: Part) -> bool:
        last = chain[-1]
        if not -_SHARED_S <= part.hit.start_s - last.hit.end_s <= _BESIDE_S:
            return False
        if any(one.name == part.name for one in chain):
            return False
        side = last.name == "relation" and _SIDE.fullmatch(last.text) is not None
        below = (last.name, part.name) == ("spot", "floor")
        return side or below or self._order[last.name] < self._order[part.name]


def _worth(parts: tuple[Part, ...]) -> float:
    """What parts are worth together; each must be worth more than two syllables heard by chance."""
    return sum(part.worth - CHANCE for part in parts)


def _opens(hit: PhoneHit, reading: PhoneReading) -> bool:
    """Whether a call begins with what was heard there, or it follows 呼叫 or 报告."""
    before = "".join(
        character
        for character, (start_s, _) in zip(reading.text, reading.times, strict=True)
        if start_s < hit.start_s - _TOUCH_S
    )
    return len(before.replace(",", "")) <= _OPENING_SYLLABLES or _CALLS.search(before) is not None


def _spoken(text: str) -> tuple[tuple[str, ...], ...]:
    """How a part may be said: 19号楼 as a quantity or as 幺九号楼, never 一九号楼."""
    by_digit = "".join(_ON_AIR.get(c, c) for c in text)
    return tuple(dict.fromkeys(phones for phones in (phones_of(text), phones_of(by_digit)) if phones))


def _is_read(name: str, text: str, known: Iterable[tuple[str, str]]) -> bool:
    """Whether the text has a part, or what it ends in or begins with: 侧门 for 西侧门."""
    return any(name == other and (text == words or not _differ(text, words)) for other, words in known)


def _numbered(part: Part) -> bool:
    return any(c in _NUMERALS for c in part.text)


def _differ(one: str, other: str) -> bool:
    """Whether two parts tell two places: 楼梯 tells the same as 楼梯间, 9号楼 another than 19号楼."""
    short, long = sorted((one, other), key=len)
    within = long.startswith(short) or long.endswith(short)
    return one != other and (not within or long[0] in _NUMERALS)


def _overlap(one: PhoneHit, other: PhoneHit) -> bool:
    shorter = min(one.end_s - one.start_s, other.end_s - other.start_s)
    return 2 * one.shared_s(other.start_s, other.end_s) >= shorter


def _listed(grammar: PlaceGrammar) -> Mapping[str, str]:
    """Every listed part and the component it is."""
    parts = {form.format(n): name for name, form, numbers in _NUMBERED for n in numbers}
    parts |= {f"{letter}{form}": name for name, form in _LETTERED for letter in _LETTERS}
    parts |= {side + gate: "gate" for side in _SIDES for gate in _GATES}
    for name, words in (
        ("gate", _OTHER_GATES),
        ("floor", _FLOORS),
        ("building", _BUILDINGS),
        ("exit", _EXITS),
    ):
        parts |= dict.fromkeys(words, name)
    parts |= dict.fromkeys(grammar.spots, "spot")
    return parts | dict.fromkeys(_RELATIONS, "relation")
